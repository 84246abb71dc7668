/** Things by name, as users get at them. */

/** An object without a prototype, so that no name is found but those given. */
export function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/**
 * The thing of a name.
 *
 * @param what The noun for the things: `"map"`.
 * @throws {RangeError} if there is none, with the names that there are.
 */
export function named<T>(
  things: Readonly<Record<string, T>>,
  name: unknown,
  what: string,
): T {
  if (typeof name === "string" && Object.hasOwn(things, name)) {
    return things[name]!;
  }
  throw nothingNamed(Object.keys(things), name, what);
}

/** The error for a name that there is not. */
export function nothingNamed(
  names: readonly string[],
  name: unknown,
  what: string,
): RangeError {
  const there = names.length === 0
    ? "there are none"
    : `it must be one of ${
      names.map((name) => JSON.stringify(name)).join(", ")
    }`;
  return new RangeError(
    `There is no ${what} named ${
      typeof name === "string" ? JSON.stringify(name) : typeof name
    }: ${there}`,
  );
}
