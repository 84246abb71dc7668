/** The sizes of keys and values, as the kernel reads and writes them. */

import { NotSupportedError } from "../../../errors.ts";
import { possibleCpus } from "../../../ffi/calls/cpus.ts";
import { strideOf } from "../array_memory.ts";
import type { MapInfo } from "../info.ts";
import { isPerCpu, type MapType } from "../type.ts";

/** The sizes of a map's entries, in bytes. */
export interface EntryLayout {
  /** The size of a key. */
  readonly keySize: number;
  /** The size of a value; of a per-CPU map, of that of one CPU. */
  readonly valueSize: number;
  /** The number of values in an entry; undefined unless each CPU has one. */
  readonly cpus: number | undefined;
  /** The size of what the kernel reads or writes as one value. */
  readonly valueLength: number;
}

/**
 * The layout of a map's entries.
 *
 * @throws {NotSupportedError} if it has none that can be reached by their keys.
 */
export function entryLayout(info: MapInfo): EntryLayout {
  const { type, keySize, valueSize } = info;
  const length = valueLength(info);
  if (keySize === 0) {
    throw new NotSupportedError(
      `Cannot go by keys in a map of type ${type}: it has none${
        remedyFor(type)
      }`,
    );
  }
  const cpus = isPerCpu(type) ? possibleCpus().length : undefined;
  return { keySize, valueSize, cpus, valueLength: length };
}

/** Names what a map without keys has instead. */
function remedyFor(type: MapType | undefined): string {
  switch (type) {
    case "queue":
    case "stack":
      return "; use queue()";
    case "bloom_filter":
      return "; use filter()";
    default:
      return "";
  }
}

/**
 * The number of bytes that the kernel reads or writes as one value: the
 * kernel's `bpf_map_value_size`.
 *
 * @throws {NotSupportedError} if the map has no values, or they may be larger
 * than is known here.
 */
export function valueLength({ type, typeNumber, valueSize }: MapInfo): number {
  if (type === undefined) {
    throw new NotSupportedError(
      `Cannot access the entries of a map of type ${typeNumber}: how large they are is not known`,
    );
  }
  if (valueSize === 0) {
    throw new NotSupportedError(
      `Cannot access the entries of a map of type ${type}: it has none`,
    );
  }
  return isPerCpu(type)
    ? strideOf(valueSize) * possibleCpus().length
    : valueSize;
}
