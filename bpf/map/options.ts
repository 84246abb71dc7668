/** Options of the methods of maps. */

import {
  type OptionNames,
  requireFlag,
  requireOptions,
} from "../../base/arguments.ts";
import { show } from "../../base/show.ts";
import type { Type } from "../../layout/mod.ts";
import type { HasDescriptor } from "../kernel_object.ts";
import type { BpfToken } from "../token.ts";
import type { MapFlag } from "./flag.ts";
import type { MapType } from "./type.ts";

/** The options of {@linkcode BpfMap.create}. */
export interface CreateMapOptions<
  M extends MapType = MapType,
  K extends Type = Type,
  V extends Type = Type,
> {
  /** The type of map. */
  readonly type: M;
  /**
   * The size of a key in bytes. By default that of `keyType`; without it 4, the
   * size of an index, and 0 for types without keys, such as `"ringbuf"`.
   */
  readonly keySize?: number | undefined;
  /**
   * The size of a value in bytes, by default that of `valueType`; 0 for types
   * without values.
   */
  readonly valueSize?: number | undefined;
  /**
   * The type of a key; where a `valueType` is given, by default `u32`. See
   * `valueType`.
   */
  readonly keyType?: K | undefined;
  /**
   * The type of a value; for a per-CPU map, of the value of one CPU. `table`,
   * `entries` and their like use it. So does any other program that opens the
   * map: the kernel gets the types as BTF, and `bpftool map dump` shows the
   * fields. Maps of type `sk_storage`, `inode_storage`, `task_storage` and
   * `cgrp_storage` must have it; for queues, rings and maps of descriptors the
   * kernel keeps no BTF.
   */
  readonly valueType?: V | undefined;
  /**
   * The number of entries it has room for; the size in bytes of a ring buffer,
   * in pages of an arena.
   */
  readonly maxEntries: number;
  /**
   * Its flags by name, or as a number (`BPF_F_*`). `"mmapable"` allows to map
   * its memory.
   */
  readonly flags?: readonly MapFlag[] | number | undefined;
  /** The name of the map: at most 15 letters, digits, `_` and `.`. */
  readonly name?: string | undefined;
  /** The NUMA node that its memory is to lie on. */
  readonly numaNode?: number | undefined;
  /** A number that some types take (Linux 5.16): the address of an arena. */
  readonly mapExtra?: bigint | undefined;
  /** The template for the inner maps of a map of maps. */
  readonly innerMap?: HasDescriptor | undefined;
  /** A token that permits making the map, in place of CAP_BPF (Linux 6.9). */
  readonly token?: BpfToken | undefined;
}

/** Options of {@linkcode BpfMap.open} and {@linkcode BpfMap.fromId}. */
export interface OpenMapOptions {
  /**
   * True to open it for looking up alone (`BPF_F_RDONLY`). The memory of a map
   * cannot be mapped through such a descriptor, not even for reading.
   */
  readonly readOnly?: boolean | undefined;
}

/** Options of {@linkcode BpfMap.lookup} and {@linkcode BpfMap.update}. */
export interface LockOptions {
  /**
   * True to hold the `struct bpf_spin_lock` of the value meanwhile
   * (`BPF_F_LOCK`), as programs do: the value is read or written whole. The
   * lock's own bytes are read as zeros, and not written.
   */
  readonly lock?: boolean | undefined;
}

const lockOptions: OptionNames<LockOptions> = { lock: true };

/** `linux/bpf.h`: `BPF_F_LOCK`, or nothing. @throws {TypeError} */
export function lockFlag(options: LockOptions): bigint {
  requireOptions(options, lockOptions);
  return requireFlag("lock", options.lock) ? 4n : 0n;
}

/**
 * `BPF_OBJ_NAME_LEN` of `linux/bpf.h` has room for a NUL; the kernel's
 * `bpf_obj_name_cpy` takes these characters and no others.
 */
const MAP_NAME = /^[A-Za-z0-9_.]{0,15}$/;

/** @throws {TypeError | RangeError} unless it can name a map. */
export function requireMapName(name: unknown): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Map name must be a string: received ${show(name)}`,
    );
  }
  if (!MAP_NAME.test(name)) {
    throw new RangeError(
      `Map name must have at most 15 letters, digits, "_" and ".": received ${
        show(name)
      }`,
    );
  }
  return name;
}

/** Names of the options of {@linkcode BpfMap.open}. */
export const openOptions: OptionNames<OpenMapOptions> = { readOnly: true };

/**
 * The mode of {@linkcode BpfMap.update}: stores in any case, creates an entry
 * that does not exist, or replaces the value of one that exists.
 */
export type UpdateMode = "any" | "create" | "replace";

/** `linux/bpf.h`, "flags for BPF_MAP_UPDATE_ELEM command". */
const modes: ReadonlyMap<unknown, bigint> = new Map<UpdateMode, bigint>([
  ["any", 0n],
  ["create", 1n],
  ["replace", 2n],
]);

/** The number of a mode. @throws {TypeError} if there is no such mode. */
export function modeNumber(mode: UpdateMode): bigint {
  const number = modes.get(mode);
  if (number !== undefined) return number;
  throw new TypeError(
    `Mode must be "any", "create" or "replace": received ${show(mode)}`,
  );
}
