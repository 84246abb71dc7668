/** The causes of errors of one call, known before it is made. */

/**
 * The causes by error number. A function looks whether it is the cause, once it
 * is asked: what is not looked up is worded as a possibility.
 */
export type Causes = Readonly<
  Record<number, string | (() => string | undefined)>
>;

/** The cause of an error; undefined where nothing is known. */
export function causeIn(causes: Causes, errno: number): string | undefined {
  const cause = causes[errno];
  return typeof cause === "function" ? cause() : cause;
}
