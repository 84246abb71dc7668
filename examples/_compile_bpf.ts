/** Compiles a BPF program in C to an object file, in memory. */

import { fileURLToPath } from "node:url";

/** The folder where Debian has the headers of the architecture. */
const headers = `/usr/include/${Deno.build.arch}-linux-gnu`;

/**
 * Runs clang.
 *
 * @param source The C file.
 * @returns The bytes of the object file.
 * @throws {Error} with clang's messages, if it does not compile.
 */
export async function compileBpf(source: URL): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command("clang", {
    args: [
      ...["-target", "bpf", "-O2", "-g", `-I${headers}`],
      ...["-c", fileURLToPath(source), "-o", "-"],
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return stdout;
}
