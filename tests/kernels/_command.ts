/** Commands of this machine, and what is said where one is missing. */

import { hasCommand } from "../_support.ts";

/** This machine cannot do it, which is no fault of what is to be tested. */
export class Impossible extends Error {
  override readonly name = "Impossible";
}

/** Runs a command, and gives what it wrote. @throws {Error} with its messages. */
export async function command(
  name: string,
  args: readonly string[],
  options: Pick<Deno.CommandOptions, "cwd" | "env"> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, {
    ...options,
    args: [...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) {
    const said = decoder.decode(stderr).trim() || decoder.decode(stdout).trim();
    throw new Error(`${name} ${args.join(" ")}: ${said}`);
  }
  return decoder.decode(stdout);
}

/** Debian's packages that have the commands which are needed here. */
const packageOf = {
  "clang": "clang",
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-system-x86_64": "qemu-system-x86",
  "xz": "xz-utils",
} as const;

/** A command that {@linkcode requireCommands} can install. */
export type Installable = keyof typeof packageOf;

/**
 * Installs the packages of commands that are missing.
 *
 * @throws {Impossible} if that cannot be, with what is missing.
 */
export async function requireCommands(
  names: readonly Installable[],
): Promise<void> {
  if (Deno.build.os !== "linux") {
    throw new Impossible(`This is ${Deno.build.os}, and not Debian`);
  }
  for (const name of ["apt-get", "dpkg-deb"]) {
    if (!hasCommand(name)) {
      throw new Impossible(
        `There is no ${name}: kernels are taken from Debian's packages`,
      );
    }
  }
  const missing = [...new Set(names)].filter((name) => !hasCommand(name));
  if (missing.length === 0) return;
  const packages = missing.map((name) => packageOf[name]);
  if (Deno.uid() !== 0) {
    throw new Impossible(
      `There is no ${missing.join(", no ")}, and only root could install ${
        packages.join(", ")
      }`,
    );
  }
  console.log(`-- apt-get install ${packages.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const wait = ["-o", "DPkg::Lock::Timeout=600", "-y", "-qq"];
  try {
    await command("apt-get", [...wait, "update"], { env });
    await command(
      "apt-get",
      [...wait, "install", "--no-install-recommends", ...packages],
      { env },
    );
  } catch (error) {
    throw new Impossible((error as Error).message, { cause: error });
  }
}
