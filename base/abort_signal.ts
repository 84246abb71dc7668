import { show } from "./show.ts";

/**
 * An option that is a signal: `signal`, if not named otherwise.
 *
 * @throws {TypeError} if it is not an AbortSignal; an object that only inherits
 * from one is not.
 */
export function requireSignal(
  signal: unknown,
  name = "signal",
): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (!isSignal(signal)) {
    throw new TypeError(
      `Option ${name} must be an AbortSignal: received ${show(signal)}`,
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
