/**
 * The messages of libbpf, which it would print to standard error.
 *
 * libbpf calls one function for all of the process, from whichever thread it is
 * working in. A function of JavaScript can be called by its own thread alone:
 * from another one Deno makes that wait for this one's event loop, and once the
 * Worker that made it has ended there is nothing to call. So there is one only
 * while the main thread, which outlives all others, is within a call to libbpf;
 * at all other times, and for Workers, libbpf prints nothing. Nor does it for
 * programs that may open certain libraries alone: Deno lets them make no such
 * function.
 */

import { decodeText } from "../../ffi/c_text.ts";
import { libbpf, silentPrinter } from "./functions.ts";
import { libcText } from "../../ffi/libc/functions.ts";
import { mayOpenAll } from "../../ffi/libc/open_library.ts";

/** The level of a message of libbpf. */
export type LibbpfLevel = "warning" | "info" | "debug";

/** A message of libbpf. */
export interface LibbpfMessage {
  /** The level of the message. */
  readonly level: LibbpfLevel;
  /** The text, without a line break at its end. */
  readonly text: string;
}

/** `enum libbpf_print_level` of `bpf/libbpf.h`. */
const LEVELS: readonly LibbpfLevel[] = ["warning", "info", "debug"];

/** A message is cut off here. */
const MOST = 65536;

const isMainThread = !("WorkerGlobalScope" in globalThis);

let listener: ((message: LibbpfMessage) => void) | undefined;
/** The messages of the current call so far. */
let arrived: LibbpfMessage[] = [];
let printer: bigint | undefined;
const room = new Uint8Array(new ArrayBuffer(MOST));

/**
 * Sets the callback that gets the messages of libbpf; nothing gets them by
 * default. The messages of a call arrive when it is done, before whatever made
 * it returns or throws. Warnings are also part of the error that a failed call
 * throws.
 *
 * Messages arrive on the main thread alone, and only if the program has all of
 * `--allow-ffi`. libbpf never prints to standard error.
 *
 * @param callback Takes each message; an error that it throws is reported as
 * uncaught. Undefined to stop.
 * @throws {TypeError} if it is not a function.
 *
 * @example Seeing why an object is not what it seems
 * ```ts
 * import { onLibbpfMessage } from "@hostmem/hostmem/bpf";
 *
 * onLibbpfMessage(({ level, text }) => {
 *   if (level !== "debug") console.error(`libbpf: ${text}`);
 * });
 * ```
 */
export function onLibbpfMessage(
  callback: ((message: LibbpfMessage) => void) | undefined,
): void {
  if (callback !== undefined && typeof callback !== "function") {
    throw new TypeError(
      `The listener of libbpf's messages must be a function: received of type ${typeof callback}`,
    );
  }
  listener = callback;
}

/** Takes a message, in the middle of libbpf's work: no listener is told yet. */
function receive(level: number, format: bigint, values: bigint): number {
  try {
    libcText().vsnprintf(room, BigInt(MOST), format, values);
    arrived.push({
      level: LEVELS[level] ?? "debug",
      text: decodeText(room).replace(/\n+$/, ""),
    });
  } catch {
    // It must not be thrown through libbpf; the message is lost.
  }
  return 0;
}

/** The function that libbpf shall call, made once and never freed. */
function printerOf(): bigint {
  if (!isMainThread || !mayOpenAll()) return silentPrinter();
  if (printer === undefined) {
    const callback = new Deno.UnsafeCallback(
      { parameters: ["i32", "usize", "usize"], result: "i32" },
      receive,
    );
    printer = Deno.UnsafePointer.value(callback.pointer);
    // Opened here, and not while libbpf waits.
    libcText();
    kept = callback;
  }
  return printer;
}

/**
 * Opens libbpf, and makes the function that it shall call.
 *
 * @throws {NotSupportedError} if there is no libbpf.
 */
export function prepareListening(): void {
  libbpf();
  printerOf();
}

/** A function that is collected would be gone for libbpf too. */
// deno-lint-ignore no-unused-vars
let kept: unknown;

/**
 * Makes calls to libbpf, and hears what it says meanwhile.
 *
 * @param call Makes them; nothing in it may run code of the program's.
 * @returns The result of `call`, and what libbpf warned of, as one text.
 */
export function listening<T>(
  call: () => T,
): { readonly result: T; readonly warnings: string } {
  arrived = [];
  const { libbpf_set_print } = libbpf();
  libbpf_set_print(printerOf());
  let result: T;
  let messages: readonly LibbpfMessage[];
  try {
    result = call();
  } finally {
    libbpf_set_print(silentPrinter());
    messages = arrived;
  }
  for (const message of messages) tell(message);
  return { result, warnings: warningsIn(messages) };
}

/**
 * Lets the listener have a message. It never throws: who made the call has
 * something of libbpf's in hand that would be lost.
 */
function tell(message: LibbpfMessage): void {
  try {
    listener?.(message);
  } catch (error) {
    reportError(error);
  }
}

/**
 * The guess of libbpf at any EPERM: that the limit of locked memory is too low,
 * which has not counted since Linux 5.11. Errors name what is likely to be
 * missing instead.
 */
const GUESS = /RLIMIT_MEMLOCK|ulimit -l/;

/**
 * The warnings among messages as one text; where libbpf is not heard, how it
 * would be.
 */
function warningsIn(messages: readonly LibbpfMessage[]): string {
  if (printer === undefined) {
    return "libbpf is heard, and tells why, on the main thread of programs with all of --allow-ffi";
  }
  return messages
    .filter(({ level, text }) => level === "warning" && !GUESS.test(text))
    .map(({ text }) => text.replace(/^libbpf: /, ""))
    .join("; ");
}
