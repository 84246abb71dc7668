import { show } from "./show.ts";

/**
 * The option `signal`.
 *
 * @throws {TypeError} if it is not an AbortSignal; an object that only inherits
 * from one is not.
 */
export function requireSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (!isSignal(signal)) {
    throw new TypeError(
      `Option signal must be an AbortSignal: received ${show(signal)}`,
    );
  }
  return signal;
}

function isSignal(value: unknown): value is AbortSignal {
  try {
    return value instanceof AbortSignal && typeof value.aborted === "boolean";
  } catch {
    return false; // The getter refuses an object that only inherits it.
  }
}
