/**
 * The Deno of aarch64 on another machine, by qemu's user-mode emulation. Seen
 * with qemu 7.2: JIT, Workers, FFI and child processes work; `bpf(2)` and
 * `perf_event_open(2)` do not exist, and memory is ordered as the host does it.
 */

import { TemporaryDirectory } from "../_support.ts";

const EMULATOR = "qemu-aarch64";
/** The folder of libc and the loader in Debian's `libc6-arm64-cross`. */
const LIBRARIES = "/usr/aarch64-linux-gnu/lib";
const LOADER = "ld-linux-aarch64.so.1";

/** A Deno of aarch64, removed on disposal. */
export class EmulatedDeno implements Disposable {
  readonly #directory = new TemporaryDirectory();
  /** The emulator with its arguments; a program of aarch64 follows. */
  readonly emulator: readonly string[];
  /** The path of Deno. */
  readonly path: string;

  /** Fetches, from npm, the version that runs this. */
  constructor() {
    for (const file of [`/usr/bin/${EMULATOR}`, `${LIBRARIES}/${LOADER}`]) {
      if (!exists(file)) {
        throw new Error(
          `There is no ${file}: install qemu-user, libc6-arm64-cross and libgcc-s1-arm64-cross`,
        );
      }
    }
    this.path = this.#fetch();
    this.emulator = [EMULATOR, "-L", this.#makeRoot()];
  }

  #fetch(): string {
    const { path } = this.#directory;
    const name = `@deno/linux-arm64-glibc@${Deno.version.deno}`;
    // Not `npm install`, which refuses what is for another processor.
    command("npm", "pack", "--silent", name, `--pack-destination=${path}`);
    const archive = Array.from(Deno.readDirSync(path))
      .find(({ name }) => name.endsWith(".tgz"))!;
    const file = this.#directory.join(archive.name);
    command("tar", "--extract", `--file=${file}`, `--directory=${path}`);
    Deno.removeSync(file);
    return this.#directory.join("package", "deno");
  }

  /** Libraries where Linux on aarch64 has them, seen by the emulated alone. */
  #makeRoot(): string {
    const root = this.#directory.join("root");
    Deno.mkdirSync(`${root}/lib`, { recursive: true });
    Deno.symlinkSync(`${LIBRARIES}/${LOADER}`, `${root}/lib/${LOADER}`);
    Deno.symlinkSync(LIBRARIES, `${root}/lib/aarch64-linux-gnu`);
    return root;
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function command(name: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(name, {
    args,
    stdin: "null",
  }).outputSync();
  if (!success) {
    throw new Error(
      `${name} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`,
    );
  }
}
