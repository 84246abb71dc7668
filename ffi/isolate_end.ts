/**
 * Resources of the kernel that this isolate holds, and that are ended when the
 * isolate ends and its process lives on: when `deno run --watch` runs the program anew, and when
 * `deno test` goes on to the next file. Nothing else would: the engine collects
 * the objects of an isolate that ends without a word to their registries.
 *
 * Deno tells the main isolate of a process by the event `unload`. It tells a
 * Worker nothing: there libc ends what a thread holds, see
 * `thread_descriptors.ts`. Nor does it tell anybody of an uncaught error.
 */

import { readStart } from "./calls/descriptors.ts";

/** Something of the kernel's that this isolate holds. */
export interface Held {
  /**
   * True for what the kernel keeps when the process ends: it is ended at the
   * process's end, too, where Deno tells of that.
   */
  readonly outlivesProcess?: boolean;
  /** Gives it back. Not called more than once, nor after `letGo`. */
  end(): void;
}

/** True in a Worker, which is told nothing of its end. */
export const isWorker: boolean = "WorkerGlobalScope" in globalThis;

/** Newest last. It does not keep alive the objects that hold these. */
const held = new Set<Held>();
let isListening = false;
let isListeningForProcess = false;

/** Has something ended with this isolate, unless it is let go of before. */
export function hold(something: Held): void {
  if (!isListening) {
    isListening = true;
    if (!isWorker && processMayOutliveIsolate()) {
      addEventListener("unload", endAll);
    }
  }
  held.add(something);
  if (something.outlivesProcess === true && !isListeningForProcess) {
    isListeningForProcess = true;
    if (!isWorker) addEventListener("unload", () => endThose(outlivesProcess));
  }
}

function outlivesProcess(something: Held): boolean {
  return something.outlivesProcess === true;
}

/** Takes something back that was held. False if it was not, or has ended. */
export function letGo(something: Held): boolean {
  return held.delete(something);
}

function endAll(): void {
  // First what the kernel would keep: to take it away needs descriptors, of which
  // an update opens some later.
  endThose(outlivesProcess);
  endThose(() => true);
}

/** Ends the newest first: links before the programs and maps that they use. */
function endThose(chosen: (something: Held) => boolean): void {
  for (const something of [...held].filter(chosen).reverse()) {
    if (!held.delete(something)) continue;
    try {
      something.end();
    } catch {
      // There is nobody left to tell, and the rest is to be ended too.
    }
  }
}

/** The bytes that are read of a command line; the flags come first. */
const COMMAND_LINE_SIZE = 4096;

/**
 * True where Deno was started by a command that runs programs one after the
 * other. Elsewhere the process ends with its program, and the program's own
 * listeners of `unload` shall find everything open.
 */
function processMayOutliveIsolate(): boolean {
  const bytes = new Uint8Array(new ArrayBuffer(COMMAND_LINE_SIZE));
  if (readStart("/proc/self/cmdline", bytes, COMMAND_LINE_SIZE) < 0) {
    return false;
  }
  const words = new TextDecoder().decode(bytes).split("\0");
  return words[1] === "test" || words.some((word) => /^--watch\b/.test(word));
}
