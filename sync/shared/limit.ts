/** The largest number that one call consumes or produces. */

import {
  limitOf,
  type OptionNames,
  requireOptions,
} from "../../base/arguments.ts";

/** Options of the `consume` and `produce` of rings. */
export interface LimitOptions {
  /** The largest number; as many as there are, or there is room for, by default. */
  readonly limit?: number | undefined;
}

const NAMES: OptionNames<LimitOptions> = { limit: true };

/**
 * The limit among options; Infinity where none is given.
 *
 * @throws {TypeError} if they are not such options.
 * @throws {RangeError} if the limit is not a whole number from 0.
 */
export function limitIn(options: LimitOptions | undefined): number {
  if (options === undefined) return Infinity;
  requireOptions(options, NAMES);
  return limitOf(options.limit);
}
