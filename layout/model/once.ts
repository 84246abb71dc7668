/** Types that are made once for each key. */

/** The types that were made, by their keys. */
interface Made<K, T> {
  get(key: K): T | undefined;
  set(key: K, type: T): unknown;
}

/**
 * Makes a type if there is none for the key: what was declared alike in two
 * places is one type, and values of the one can be copied to the other.
 */
export function once<K, T>(made: Made<K, T>, key: K, make: () => T): T {
  let type = made.get(key);
  if (type === undefined) made.set(key, type = make());
  return type;
}
