/**
 * Signals that end a wait. A signal is an object of the caller's, which can have
 * methods of its own; one that throws where a wait ends would leave a ring that
 * nobody can read any more. So they are heard by the platform's own functions.
 */

import { uncurry } from "../layout/intrinsics.ts";
import { show } from "./show.ts";

const { prototype } = AbortSignal;

function getterOf<T>(name: "aborted" | "reason"): (signal: AbortSignal) => T {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name)!;
  return uncurry(get as (this: AbortSignal) => T);
}

const isAborted = getterOf<boolean>("aborted");
const reasonOf = getterOf<unknown>("reason");
const addListener = uncurry(
  prototype.addEventListener as (
    this: AbortSignal,
    type: "abort",
    listener: () => void,
  ) => void,
);
const removeListener = uncurry(
  prototype.removeEventListener as (
    this: AbortSignal,
    type: "abort",
    listener: () => void,
  ) => void,
);

/**
 * An option that is a signal: `signal`, if not named otherwise.
 *
 * @throws {TypeError} if it is no AbortSignal; what only inherits from one is
 * none.
 */
export function requireSignal(
  signal: unknown,
  name = "signal",
): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  try {
    isAborted(signal as AbortSignal);
  } catch (cause) {
    throw new TypeError(
      `Option ${name} must be an AbortSignal: current value is ${show(signal)}`,
      { cause },
    );
  }
  return signal as AbortSignal;
}

/** Throws the signal's reason, if it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal !== undefined && isAborted(signal)) throw reasonOf(signal);
}

/** Has a function called when the signal is aborted. */
export function onAbort(
  signal: AbortSignal | undefined,
  listener: () => void,
): void {
  if (signal !== undefined) addListener(signal, "abort", listener);
}

/** Has it called no longer. */
export function offAbort(
  signal: AbortSignal | undefined,
  listener: () => void,
): void {
  if (signal !== undefined) removeListener(signal, "abort", listener);
}
