/**
 * The tests' helpers: child processes, privileges, this process in `/proc`,
 * garbage collection on demand, seeded random numbers. They import nothing of
 * the module under test, so that they can't be wrong together with it.
 *
 * @module
 */

/** The root of the repository, as a path without a trailing slash. */
export const repository: string = pathOf(new URL("..", import.meta.url))
  .replace(/\/$/, "");

// @std/path has dozens of modules. Each child and Worker that imports this would
// load them, for as long as the module under test takes.

/** The path of a `file:` URL. */
function pathOf(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** The path of something below a folder. */
function join(folder: string, ...names: string[]): string {
  return [folder, ...names].join("/");
}

// ---------------------------------------------------------------------------
// Child processes
// ---------------------------------------------------------------------------

/** The options of {@linkcode run}. */
export interface RunOptions {
  /**
   * Permission flags. `--allow-ffi` alone unless said otherwise, since that is
   * what the module promises to be content with; `[]` grants nothing.
   */
  permissions?: string[];
  /**
   * V8 flags with or without their dashes, such as `"jitless"`; `"expose-gc"`
   * in any case.
   */
  v8Flags?: string[];
  /** Further flags of `deno run`, such as `"--check"`. */
  flags?: string[];
  /** The arguments that the program finds in `Deno.args`. */
  args?: string[];
  /** A command to run Deno under, such as {@linkcode withoutCapabilities}. */
  under?: string[];
  /** Environment variables on top of the inherited ones. */
  env?: Record<string, string>;
  /** The child's standard input; nothing when left out. */
  stdin?: string | Uint8Array<ArrayBuffer>;
  /** Milliseconds until the child is killed with SIGKILL; 120 000 by default. */
  timeout?: number;
  /** Kills the child with SIGKILL, too. */
  signal?: AbortSignal;
}

/** The end of a child, and its output. */
export interface RunResult {
  /** The exit code; 128 + the signal's number when a signal ended it. */
  code: number;
  /** The signal that ended it, such as `"SIGSEGV"`, or `null`. */
  signal: Deno.Signal | null;
  /** All it wrote to standard output. */
  stdout: string;
  /** All it wrote to standard error, without colours. */
  stderr: string;
}

/**
 * Runs a TypeScript program in a Deno process of its own.
 *
 * `program` is a source text or, as a `URL`, the file to run. A source text is
 * run as though it lay in the root of the repository: it imports
 * `"@hostmem/hostmem"`, `"@std/assert"` or, for internals,
 * `"./layout/region/region.ts"`. The working directory is the repository's root.
 *
 * A child that overruns its time is killed: `signal` is `"SIGKILL"` then.
 *
 * @example
 * ```ts ignore
 * const { code, signal, stdout, stderr } = await run(`
 *   import { pageSize } from "@hostmem/hostmem";
 *   console.log(pageSize());
 * `);
 * assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
 * ```
 */
export async function run(
  program: string | URL,
  options: RunOptions = {},
): Promise<RunResult> {
  if (program instanceof URL) {
    return await runFile(pathOf(program), options);
  }
  // In the root, and not in /tmp, so that relative imports read as they would
  // in a module of the package. Ignored by git, see .gitignore.
  const file = join(repository, `.run-${crypto.randomUUID()}.ts`);
  await Deno.writeTextFile(file, program);
  try {
    return await runFile(file, options);
  } finally {
    await Deno.remove(file);
  }
}

/**
 * The command that Deno must be run under to be run at all: `HOSTMEM_EMULATOR`
 * from the environment, for a Deno that is of another machine.
 */
const emulator: string[] = Deno.env.get("HOSTMEM_EMULATOR")?.split(" ") ?? [];

/**
 * The factor of all times after which the tests give up waiting:
 * `HOSTMEM_PATIENCE` from the environment, for a Deno that is slow.
 */
const patience = Number(Deno.env.get("HOSTMEM_PATIENCE") ?? 1);

/**
 * The configuration of child processes: `HOSTMEM_CONFIG` from the environment,
 * for a Deno that does not understand all of the repository's.
 */
const configuration: string = Deno.env.get("HOSTMEM_CONFIG") ??
  join(repository, "deno.json");

async function runFile(file: string, options: RunOptions): Promise<RunResult> {
  const [command, ...rest] = [
    ...options.under ?? [],
    ...emulator,
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    // Children run side by side; none of them may rewrite deno.lock.
    "--no-lock",
    `--config=${configuration}`,
    // It begins no later for it, and collects in a seventh of the time.
    ...v8FlagArguments(["expose-gc", ...options.v8Flags ?? []]),
    ...options.permissions ?? ["--allow-ffi"],
    ...options.flags ?? [],
    file,
    ...options.args ?? [],
  ];
  const child = new Deno.Command(command!, {
    args: rest,
    cwd: repository,
    env: { NO_COLOR: "1", ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(
    () => kill(child),
    patience * (options.timeout ?? 120_000),
  );
  options.signal?.addEventListener("abort", () => kill(child));
  try {
    const [output] = await Promise.all([
      child.output(),
      options.stdin === undefined ? undefined : feed(child, options.stdin),
    ]);
    const decoder = new TextDecoder();
    return {
      code: output.code,
      signal: output.signal,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a process, unless it has ended by itself. */
export function kill(
  child: Deno.ChildProcess,
  signal: Deno.Signal = "SIGKILL",
): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has just ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}

function v8FlagArguments(flags: string[]): string[] {
  const dashed = flags.map((flag) => `--${flag.replace(/^-+/, "")}`);
  return [`--v8-flags=${dashed.join(",")}`];
}

async function feed(
  child: Deno.ChildProcess,
  input: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const bytes = typeof input === "string"
    ? new TextEncoder().encode(input)
    : input;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // A program that exits without reading its input is none of our business.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** The path of a command on the `PATH`; undefined where there is none. */
export function commandPath(name: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":")
    .map((folder) => join(folder || ".", name))
    .find(isExecutable);
}

/**
 * Tests whether `name` is a command on the `PATH`. Tests name the commands that
 * they need with `command` of `_needs.ts`.
 */
export function hasCommand(name: string): boolean {
  return commandPath(name) !== undefined;
}

function isExecutable(path: string): boolean {
  try {
    const info = Deno.statSync(path);
    return info.isFile && ((info.mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** The C compiler to use, or `undefined` where there is none. */
export const cCompiler: string | undefined = ["cc", "gcc", "clang"].find(
  hasCommand,
);

/**
 * Compiles a C program with {@linkcode cCompiler} and returns the path of the
 * executable, which lies in `directory`.
 *
 * `program` is a source text or, as a `URL`, the file to compile.
 *
 * @throws {Error} with the compiler's messages when it does not compile.
 */
export async function compileC(
  program: string | URL,
  directory: TemporaryDirectory,
  flags: string[] = [],
): Promise<string> {
  if (cCompiler === undefined) throw new Error("There is no C compiler");
  const name = crypto.randomUUID();
  let source: string;
  if (program instanceof URL) source = pathOf(program);
  else {
    source = directory.join(`${name}.c`);
    await Deno.writeTextFile(source, program);
  }
  const executable = directory.join(name);
  const { success, stderr } = await new Deno.Command(cCompiler, {
    args: ["-o", executable, source, ...flags],
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return executable;
}

// ---------------------------------------------------------------------------
// Privileges
// ---------------------------------------------------------------------------

/** True if the tests run as root. */
export const isRoot: boolean = Deno.uid() === 0;

/**
 * Pass as {@linkcode RunOptions.under} to take every capability from a child
 * of root. It stays user 0, and so can read what belongs to root (Deno's binary
 * and cache, mostly), but is refused what an ordinary user is refused:
 * `bpf(2)`, mounts, locked memory beyond the limit. Empty unless root.
 */
export const withoutCapabilities: string[] = isRoot
  ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
  : [];

// ---------------------------------------------------------------------------
// What the kernel says of this process
// ---------------------------------------------------------------------------

/**
 * Lists what the open descriptors of this process refer to, one string for
 * each, such as `/memfd:hostmem (deleted)` or `anon_inode:bpf-map`: all of
 * them, or those that begin with `beginning`. A part of a name would not do:
 * the tests may lie in a folder of any name, and print to a file of any name.
 */
export function openDescriptors(beginning: string = ""): string[] {
  const targets: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      targets.push(Deno.readLinkSync(`/proc/self/fd/${name}`));
    } catch (error) {
      // The descriptor of the directory listing itself is closed by now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return targets.filter((target) => target.startsWith(beginning));
}

/** The number of open descriptors, without those of a moment of other threads. */
export function lastingDescriptors(): number {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const counts = Array.from({ length: 20 }, () => {
    // A thread that does not run keeps what it has for a moment.
    Atomics.wait(never, 0, 0, 1);
    return openDescriptors().length;
  });
  return Math.min(...counts);
}

/**
 * The lines of `/proc/self/maps`, one for each mapping of this process: all of
 * them, or those of what has a name that begins with one of `beginnings`.
 */
export function mappings(...beginnings: string[]): string[] {
  const lines = Deno.readTextFileSync("/proc/self/maps").trimEnd().split("\n");
  if (beginnings.length === 0) return lines;
  return lines.filter((line) => {
    const name = mappedBy(line);
    return beginnings.some((beginning) => name.startsWith(beginning));
  });
}

/** Returns the end of a line of `/proc/self/maps`, behind five other fields. */
function mappedBy(line: string): string {
  return line.replace(/^(?:\S+ +){4}\S+ */, "");
}

/** The address space that this process takes, `VmSize`, in bytes. */
export function addressSpace(): number {
  return statusBytes("VmSize");
}

/** The memory that this process occupies, `VmRSS`, in bytes. */
export function residentMemory(): number {
  return statusBytes("VmRSS");
}

function statusBytes(field: string): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status);
  if (match === null) throw new Error(`/proc/self/status has no ${field}`);
  return Number(match[1]) * 1024;
}

// ---------------------------------------------------------------------------
// Garbage collection and time
// ---------------------------------------------------------------------------

/**
 * Collects all garbage, without `--expose-gc`: V8 does so, synchronously, as
 * the last resort before it refuses an allocation, and this one it must refuse.
 * With `--expose-gc`, as in tests and in their children, it is told to, which
 * takes a fraction of the time.
 *
 * Mappings of dropped memory are gone on return. Callbacks of a
 * `FinalizationRegistry` are not run before the event loop turns: await
 * {@linkcode eventually}. What the calling function still holds in a register
 * is not garbage: make what is to be dropped in a function of its own.
 */
export function collect(): void {
  const { gc } = globalThis as { gc?: (options?: { type: "minor" }) => void };
  if (gc !== undefined) {
    gc();
    // Other threads free what it has found; the next collection waits for them.
    return gc({ type: "minor" });
  }
  try {
    new ArrayBuffer(Number.MAX_SAFE_INTEGER);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

/**
 * Waits until `predicate` holds, asking it over and over.
 *
 * @throws {Error} when it does not within `milliseconds`, quoting it.
 */
export async function eventually(
  predicate: () => boolean | Promise<boolean>,
  milliseconds: number = 10_000,
): Promise<void> {
  const deadline = performance.now() + patience * milliseconds;
  for (let pause = 1; !await predicate(); pause = Math.min(pause * 2, 100)) {
    if (performance.now() > deadline) {
      throw new Error(`Not so within ${milliseconds} ms: ${predicate}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

// ---------------------------------------------------------------------------
// Random numbers
// ---------------------------------------------------------------------------

/**
 * The seed of this run's random tests: `HOSTMEM_SEED` from the environment, or
 * a fresh one. The first call prints it, so that a failure can be repeated.
 */
export function seed(): number {
  if (chosenSeed === undefined) {
    const given = Deno.env.get("HOSTMEM_SEED");
    chosenSeed = given === undefined
      ? crypto.getRandomValues(new Uint32Array(1))[0]!
      : Number(given) >>> 0;
    console.error(`HOSTMEM_SEED=${chosenSeed}`);
  }
  return chosenSeed;
}

let chosenSeed: number | undefined;

/** Pseudo-random values that depend on nothing but the seed. */
export class Random {
  #state: bigint;

  /** Starts from `from`, by default from this run's {@linkcode seed}. */
  constructor(from: number | bigint = seed()) {
    this.#state = BigInt.asUintN(64, BigInt(from));
  }

  /** 64 random bits as an unsigned bigint. */
  biguint64(): bigint {
    // SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
    // generators", OOPSLA 2014.
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  /** 64 random bits as a signed bigint. */
  bigint64(): bigint {
    return BigInt.asIntN(64, this.biguint64());
  }

  /** A number at least 0 and less than 1. */
  float(): number {
    return Number(this.biguint64() >> 11n) / 2 ** 53;
  }

  /** An integer at least 0 and less than `limit`. */
  int(limit: number): number {
    return Math.floor(this.float() * limit);
  }

  /** True or false. */
  boolean(): boolean {
    return this.int(2) === 1;
  }

  /** One of `choices`. */
  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError("Cannot pick from nothing");
    return choices[this.int(choices.length)]!;
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const words = new BigUint64Array(Math.ceil(length / 8));
    for (let i = 0; i < words.length; i++) words[i] = this.biguint64();
    return new Uint8Array(words.buffer).slice(0, length);
  }
}

// ---------------------------------------------------------------------------
// Files
// ---------------------------------------------------------------------------

/** A directory of its own that is removed, with all in it, on disposal. */
export class TemporaryDirectory implements Disposable {
  /** Its path. */
  readonly path: string;

  /** Makes one in `parent`, by default where temporary files go. */
  constructor(parent?: string) {
    const prefix = "hostmem-";
    this.path = Deno.makeTempDirSync(
      parent === undefined ? { prefix } : { prefix, dir: parent },
    );
  }

  /** The path of something in it. */
  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Removes it and what is in it. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
