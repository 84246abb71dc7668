import type { MapFlag } from "./flag.ts";
import type { MapType } from "./type.ts";

/** What the kernel tells of a map (`linux/bpf.h`, `struct bpf_map_info`). */
export interface MapInfo {
  /** Its type; undefined for one that this package does not know. */
  readonly type: MapType | undefined;
  /** The number of its type (`enum bpf_map_type`). */
  readonly typeNumber: number;
  /** Its number in the whole system, for as long as it exists. */
  readonly id: number;
  /** The size of a key in bytes. */
  readonly keySize: number;
  /** The size of a value in bytes. */
  readonly valueSize: number;
  /**
   * How many entries it has room for; the size in bytes of a ring buffer, in
   * pages of an arena.
   */
  readonly maxEntries: number;
  /** Its flags, those that this package knows. */
  readonly flags: readonly MapFlag[];
  /** Its flags as a number (`BPF_F_*`). */
  readonly flagBits: number;
  /** Its name; empty where it was given none. */
  readonly name: string;
  /** What some types want besides (Linux 5.16). */
  readonly mapExtra: bigint;
  /** The id of the BTF that describes keys and values; 0 without one. */
  readonly btfId: number;
  /** The id in that BTF of the type of keys. */
  readonly btfKeyTypeId: number;
  /** The id in that BTF of the type of values. */
  readonly btfValueTypeId: number;
}

/** A map that is open, or was: as much of a `BpfMap` as its entries take. */
export interface OpenMap {
  /** Its descriptor. @throws {ClosedError} if it is closed. */
  readonly fd: number;
  /** What the kernel told of it. */
  readonly info: MapInfo;
}
