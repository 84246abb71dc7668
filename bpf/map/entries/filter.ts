/** Bloom filters. */

import { NotSupportedError } from "../../../errors.ts";
import type { Type } from "../../../layout/mod.ts";
import { codecOf } from "./codec.ts";
import { hasValue, update } from "./commands.ts";
import { valueLength } from "./layout.ts";
import type { OpenMap } from "../info.ts";
import type { Storable } from "./table.ts";

/** The bloom filter of a map with values of this type. */
export type FilterOf<V extends Type> = MapFilter<Storable<V>>;

/**
 * A map of type `"bloom_filter"` (Linux 5.16): a set that knows for certain what
 * is not in it. All methods throw ClosedError once the map is closed, TypeError
 * or RangeError where a value is not of its type, and SystemError with the
 * kernel's reason, as in bpf(2).
 *
 * @typeParam V The values that can be given for a value.
 */
export interface MapFilter<V> {
  /** Adds a value. It cannot be taken out. */
  add(value: V): void;
  /**
   * True if the value may have been added, false if it was not. How often it is
   * true for a value that was not added depends on how many values were,
   * compared with `maxEntries`, and on the number of hash functions, which is
   * the map's `mapExtra`.
   */
  has(value: V): boolean;
}

const noKey = new Uint8Array(0);

/**
 * The bloom filter that a map is.
 *
 * @param type The type of values; bytes where it is undefined.
 * @throws {NotSupportedError} if the map is of another type.
 * @throws {InvalidTypeError} if the type cannot be used, or has another size.
 */
export function filterOf(
  map: OpenMap,
  type: Type | undefined,
): MapFilter<unknown> {
  const { info } = map;
  if (info.type !== "bloom_filter") {
    throw new NotSupportedError(
      `A map of type ${
        info.type ?? info.typeNumber
      } is not a bloom filter: use table() or queue()`,
    );
  }
  const size = valueLength(info);
  const codec = codecOf(type, "values", size, size);
  return {
    add(value) {
      const bytes = codec.write(value);
      update(map.fd, info, noKey, bytes, 0n);
    },
    has(value) {
      const bytes = codec.write(value);
      return hasValue(map.fd, bytes);
    },
  };
}
