/** Processes that tasks start: what they print, how they end, several at a time. */

import { repository } from "../_support.ts";

/** The options of a command. */
export interface Options {
  /** Environment variables on top of the inherited ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes what it prints, without colours, as it comes. */
  show(part: string, stream: "stdout" | "stderr"): void;
}

/** The end of a command. */
export interface Ended {
  readonly success: boolean;
  /** The same in words: "exit code 1", "SIGSEGV". */
  readonly end: string;
}

/** Runs a command in the root of the repository. */
export async function printed(
  [command, ...args]: readonly string[],
  { env = {}, show }: Options,
): Promise<Ended> {
  const child = new Deno.Command(command!, {
    args,
    cwd: repository,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  stopWithThis(child);
  const ended = new AbortController();
  const shown = Promise.all(
    (["stdout", "stderr"] as const).map((stream) =>
      read(child[stream], (part) => show(part, stream), ended.signal)
    ),
  );
  const { success, code, signal } = await child.status;
  // A process of its own that outlives it holds the streams open.
  const timer = setTimeout(() => ended.abort(), 2000);
  await shown;
  clearTimeout(timer);
  return { success, end: signal ?? `exit code ${code}` };
}

async function read(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  show: (part: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  signal.addEventListener("abort", () => void reader.cancel());
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    show(value);
  }
}

/** True if a signal asked this process to stop. */
let stopping = false;

/** Stops a child when this process is to stop. */
function stopWithThis(child: Deno.ChildProcess): void {
  const stop = () => {
    stopping = true;
    try {
      child.kill();
    } catch (error) {
      // It has ended: a terminal's signal reaches it, too.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  void child.status.then(() => {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
  });
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Works on so many things at a time, in their order, until a signal asks this
 * process to stop: what is begun then ends, and nothing else begins.
 */
export async function inParallel<Thing>(
  things: readonly Thing[],
  atATime: number,
  work: (thing: Thing) => Promise<void>,
): Promise<void> {
  const queue = things.values();
  async function workOn(): Promise<void> {
    for (const thing of queue) {
      await work(thing);
      if (stopping) return;
    }
  }
  await Promise.all(Array.from({ length: atATime }, workOn));
}

/**
 * Returns the number of processes to run at a time: `HOSTMEM_JOBS` from the
 * environment, or as many as there are CPUs that this process may run on. More
 * than eight gain nothing: the longest takes its time.
 */
export function jobs(): number {
  const given = Deno.env.get("HOSTMEM_JOBS");
  if (given === undefined) return Math.min(navigator.hardwareConcurrency, 8);
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`HOSTMEM_JOBS must be an integer from 1: "${given}"`);
  }
  return count;
}
