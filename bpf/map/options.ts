/** What the methods of maps are told. */

import { show } from "../../base/show.ts";
import type { HasDescriptor } from "../kernel_object.ts";
import type { MapFlag } from "./flag.ts";
import type { MapType } from "./type.ts";

/** What {@linkcode BpfMap.create} makes. */
export interface CreateMapOptions {
  /** The type of map. */
  readonly type: MapType;
  /**
   * The size of a key in bytes. By default 4, the size of an index, and 0 for
   * types without keys, such as `"ringbuf"`.
   */
  readonly keySize?: number | undefined;
  /** The size of a value in bytes; 0, the default, for types without values. */
  readonly valueSize?: number | undefined;
  /**
   * How many entries it has room for; the size in bytes of a ring buffer, in
   * pages of an arena.
   */
  readonly maxEntries: number;
  /**
   * Its flags by name, or as a number (`BPF_F_*`). `"mmapable"` allows to map
   * its memory.
   */
  readonly flags?: readonly MapFlag[] | number | undefined;
  /** At most 15 letters, digits, `_` and `.`. */
  readonly name?: string | undefined;
  /** What some types want besides (Linux 5.16): the address of an arena. */
  readonly mapExtra?: bigint | undefined;
  /** For maps of maps: one such as those that it shall hold. */
  readonly innerMap?: HasDescriptor | undefined;
}

/** How {@linkcode BpfMap.open} and {@linkcode BpfMap.fromId} open a map. */
export interface OpenMapOptions {
  /**
   * Opens it for looking up alone (`BPF_F_RDONLY`). The memory of a map cannot
   * be mapped through such a descriptor, not even for reading.
   */
  readonly readOnly?: boolean | undefined;
}

/** Options of {@linkcode BpfMap.values}. */
export interface ValuesOptions {
  /** Gives views, which cannot write. Memory that is read-only needs it. */
  readonly readOnly?: boolean | undefined;
}

/**
 * What {@linkcode BpfMap.update} does: stores in any case, creates an entry that
 * does not exist, or changes one that exists.
 */
export type UpdateMode = "any" | "create" | "exist";

/** `linux/bpf.h`, "flags for BPF_MAP_UPDATE_ELEM command". */
export function modeNumber(mode: UpdateMode): bigint {
  switch (mode) {
    case "any":
      return 0n;
    case "create":
      return 1n;
    case "exist":
      return 2n;
    default:
      throw new TypeError(
        `Mode must be "any", "create" or "exist": received ${show(mode)}`,
      );
  }
}
