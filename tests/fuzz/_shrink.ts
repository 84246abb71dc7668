/** Finds out which operations of a batch it takes for it to fail. */

/** No more than this is tried, so that a report comes soon. */
const MOST_TRIES = 2000;

/**
 * Leaves out ever smaller parts for as long as what is left still fails:
 * Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
 * IEEE Transactions on Software Engineering 28, 2002, without its first half.
 *
 * @param all The parts that fail together.
 * @param fails Tests whether a part of them fails.
 */
export function shrink<T>(
  all: readonly T[],
  fails: (part: readonly T[]) => boolean,
): readonly T[] {
  let left = all;
  let tries = 0;
  for (let size = all.length >> 1; size > 0; size >>= 1) {
    for (let from = 0; from < left.length && tries < MOST_TRIES; tries++) {
      const part = [...left.slice(0, from), ...left.slice(from + size)];
      if (part.length > 0 && fails(part)) left = part;
      else from += size;
    }
  }
  return left;
}
