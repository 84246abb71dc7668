import { ClosedError, ReadOnlyError } from "../errors.ts";
import { check, duplicate } from "../ffi/mod.ts";
import { NativeUint8Array } from "../layout/_intrinsics.ts";
import type { Marked, Pointer, Type, View } from "../layout/mod.ts";
import {
  pathOf,
  requireDescriptor,
  requireFlag,
  requireOptions,
} from "../memory/_arguments.ts";
import { Descriptor } from "../memory/_descriptor.ts";
import { requireAccess } from "../memory/_permission.ts";
import type { Memory } from "../memory/mod.ts";
import { requireMapName, requireU32, requireU64, show } from "./_arguments.ts";
import {
  entryOffset,
  mapArray,
  memorySizeOf,
  requireValueType,
} from "./_array_memory.ts";
import {
  createMap,
  freeze,
  infoOf,
  openById,
  openPinned,
  pin,
} from "./_descriptors.ts";
import { lookup, nextKey, remove, update } from "./_elements.ts";
import { type MapFlag, mapFlagBits, mapFlagNames } from "./map_flag.ts";
import type { MapInfo } from "./map_info.ts";
import { isKeyless, type MapType, mapTypeNumber } from "./map_type.ts";
import {
  type MapValues,
  type ReadonlyMapValues,
  readonlyValuesIn,
  valuesIn,
} from "./map_values.ts";

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
  readonly innerMap?: BpfMap | undefined;
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

/** What only this module has, so that only it can construct. */
const secret = Symbol("BpfMap");

/**
 * A map of the kernel's BPF subsystem: a table that BPF programs and processes
 * share. This object holds a descriptor of it; the kernel keeps the map for as
 * long as anything holds one, a program uses it, it is pinned, or its memory is
 * mapped.
 *
 * `lookup`, `update` and `delete` go by the `bpf` system call and copy. Arrays
 * made with the flag `mmapable` have memory: `memory`, `values`, `pointer` and
 * `view` reach the very bytes that the programs use.
 *
 * That memory is mapped once and shared by these four; `map.memory().close()`
 * releases it at once, and the next of them maps it anew. Closing the map leaves
 * it as it is, for as long as a pointer into it is used.
 *
 * @example Counting what a BPF program would count
 * ```ts
 * import { atomic, HostLayout, struct, SystemError, u64 } from "@hostmem/hostmem";
 * import { BpfMap } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const Stats = struct("Stats", { _: HostLayout, packets: atomic(u64) });
 *
 * try {
 *   using map = BpfMap.create({
 *     type: "array",
 *     valueSize: 8,
 *     maxEntries: 4,
 *     flags: ["mmapable"],
 *   });
 *   map.pointer(3, Stats).packets.add(7n);
 *   assertEquals(map.lookup(3), new Uint8Array([7, 0, 0, 0, 0, 0, 0, 0]));
 * } catch (error) {
 *   // Who may not make BPF maps is told which capability that takes.
 *   if (!(error instanceof SystemError && error.code === "EPERM")) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class BpfMap {
  readonly #descriptor: Descriptor;
  readonly #info: MapInfo;
  #memory: Memory | undefined;

  private constructor(given: symbol, descriptor: Descriptor, info: MapInfo) {
    if (given !== secret) throw new TypeError("Illegal constructor");
    this.#descriptor = descriptor;
    this.#info = info;
  }

  /** Takes over an open descriptor. */
  static #adopt(fd: number, name: string): BpfMap {
    const descriptor = new Descriptor(fd);
    try {
      return new BpfMap(secret, descriptor, infoOf(fd, name));
    } catch (error) {
      descriptor.close();
      throw error;
    }
  }

  static #fdOf(map: object): number {
    if (typeof map === "object" && map !== null && #descriptor in map) {
      return map.#open();
    }
    throw new TypeError(
      `Inner map must be a BpfMap: current value is ${show(map)}`,
    );
  }

  /**
   * Makes a new map (`BPF_MAP_CREATE`).
   *
   * @param options What it shall be.
   * @throws {TypeError | RangeError} if an option is not of its kind.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EPERM for want
   * of a capability, EINVAL where the type does not take these sizes or flags.
   * @throws {NotSupportedError} on any but Linux on x86-64 or aarch64.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static create(options: CreateMapOptions): BpfMap {
    requireOptions(options);
    const {
      type,
      keySize = isKeyless(type) ? 0 : 4,
      valueSize = 0,
      maxEntries,
      flags = 0,
      name = "",
      mapExtra = 0n,
      innerMap,
    } = options;
    const request = {
      type: mapTypeNumber(type),
      keySize: requireU32("Key size", keySize, 0),
      valueSize: requireU32("Value size", valueSize, 0),
      maxEntries: requireU32("Number of entries", maxEntries, 0),
      flagBits: mapFlagBits(flags),
      name: requireMapName(name),
      mapExtra: requireU64("Map extra", mapExtra),
      innerFd: innerMap === undefined ? undefined : BpfMap.#fdOf(innerMap),
    };
    return BpfMap.#adopt(createMap(request), "the new map");
  }

  /**
   * Opens a map that is pinned to a path on a BPF file system (`BPF_OBJ_GET`).
   *
   * @param path A path or a `file:` URL.
   * @param options Whether to open it for reading alone.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, or without
   * permission to read the path and, unless `readOnly`, to write it.
   * @throws {NotSupportedError} if something else than a map is pinned there.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT, EACCES,
   * EPERM for want of a capability.
   */
  static open(path: string | URL, options: OpenMapOptions = {}): BpfMap {
    const file = pathOf(path);
    requireOptions(options);
    const readOnly = requireFlag("readOnly", options.readOnly);
    requireAccess("read", file);
    if (!readOnly) requireAccess("write", file);
    return BpfMap.#adopt(openPinned(file, readOnly), `"${file}"`);
  }

  /**
   * Opens a map by the number that the kernel gave it (`BPF_MAP_GET_FD_BY_ID`),
   * whoever made it. That takes CAP_SYS_ADMIN.
   *
   * @param id The number, as in {@linkcode MapInfo.id}.
   * @param options Whether to open it for reading alone.
   * @throws {RangeError} if the id is no integer of 32 bits.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT where
   * there is no such map, EPERM for want of the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromId(id: number, options: OpenMapOptions = {}): BpfMap {
    requireOptions(options);
    const readOnly = requireFlag("readOnly", options.readOnly);
    requireU32("Map id", id, 0);
    return BpfMap.#adopt(openById(id, readOnly), `the map of id ${id}`);
  }

  /**
   * The map of a descriptor, which is duplicated: the caller's stays the
   * caller's to close.
   *
   * @param fd A descriptor of a BPF map.
   * @throws {RangeError} if it is no descriptor's number.
   * @throws {NotSupportedError} if it is not a BPF map's.
   * @throws {SystemError} with EBADF, if it is not open.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromFd(fd: number): BpfMap {
    requireDescriptor(fd);
    const own = check(duplicate(fd), "fcntl");
    return BpfMap.#adopt(own, `descriptor ${fd}`);
  }

  /** What the kernel told of the map when it was opened. */
  get info(): MapInfo {
    return { ...this.#info, flags: mapFlagNames(this.#info.flagBits) };
  }

  /**
   * The descriptor, to be handed to others. It is closed together with this
   * object, and by nobody else.
   *
   * @throws {ClosedError} if it is closed.
   */
  get fd(): number {
    return this.#open();
  }

  /** Whether this object was closed. */
  get closed(): boolean {
    return this.#descriptor.fd < 0;
  }

  /**
   * How many bytes the memory of the map has: its entries, each rounded up to 8
   * bytes, in whole pages. It is what `Memory.map(map.fd, map.memorySize, …)`
   * takes, to map it for Workers or for reading alone.
   *
   * @throws {NotSupportedError} if the map has no memory that can be mapped.
   * @throws {RangeError} if that is more than 2^53 - 1.
   */
  get memorySize(): number {
    return memorySizeOf(this.#info);
  }

  /**
   * A copy of the value of a key (`BPF_MAP_LOOKUP_ELEM`). Of a per-CPU map it
   * has a part for each possible CPU, rounded up to 8 bytes.
   *
   * @param key The key's bytes; where keys have 4 bytes, as the indices of
   * arrays have, also the number that they are.
   * @returns The value's bytes, the only ones in their buffer; undefined where
   * there is no such entry.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError | RangeError} if the key is not of its size.
   * @throws {NotSupportedError} if maps of this type have no entries.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  lookup(key: Uint8Array | number): Uint8Array<ArrayBuffer> | undefined {
    return lookup(this.#open(), this.#info, key);
  }

  /**
   * Stores a value (`BPF_MAP_UPDATE_ELEM`).
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @param value The value's bytes, as many as `lookup` gives.
   * @param mode Whether the entry may exist already, or must.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError | RangeError} if the key or the value is not of its size,
   * or there is no such mode.
   * @throws {NotSupportedError} if maps of this type have no entries.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EEXIST and
   * ENOENT by the mode, E2BIG where there is no room, EPERM if the map is
   * frozen.
   */
  update(
    key: Uint8Array | number,
    value: Uint8Array,
    mode: UpdateMode = "any",
  ): void {
    update(this.#open(), this.#info, key, value, modeNumber(mode));
  }

  /**
   * Deletes an entry (`BPF_MAP_DELETE_ELEM`).
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @returns Whether there was one.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError | RangeError} if the key is not of its size.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EINVAL for
   * arrays, EPERM if the map is frozen.
   */
  delete(key: Uint8Array | number): boolean {
    return remove(this.#open(), this.#info, key);
  }

  /**
   * The keys, one after the other (`BPF_MAP_GET_NEXT_KEY`). Where entries are
   * deleted meanwhile the kernel may begin anew; there are never more keys than
   * the map has room for.
   *
   * @throws {ClosedError} if the map is closed.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  *keys(): Generator<Uint8Array<ArrayBuffer>, void> {
    let key: Uint8Array<ArrayBuffer> | undefined;
    for (let i = 0; i < this.#info.maxEntries; i++) {
      key = nextKey(this.#open(), this.#info, key);
      if (key === undefined) return;
      yield new NativeUint8Array(key);
    }
  }

  /**
   * Makes the map read-only for every process, for ever (`BPF_MAP_FREEZE`,
   * Linux 5.2). BPF programs may still write it, unless it has the flag
   * `rdonly_prog`.
   *
   * @throws {ClosedError} if the map is closed.
   * @throws {SystemError} with EBUSY while its memory is mapped for writing,
   * EPERM if it is frozen already.
   */
  freeze(): void {
    freeze(this.#open());
  }

  /**
   * Pins the map to a path on a BPF file system (`BPF_OBJ_PIN`): it stays until
   * the path is removed, whatever becomes of this process.
   *
   * @param path A path that does not exist yet, or a `file:` URL.
   * @throws {ClosedError} if the map is closed.
   * @throws {Deno.errors.NotCapable} without permission to write the path.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  pin(path: string | URL): void {
    const fd = this.#open();
    const file = pathOf(path);
    requireAccess("write", file);
    pin(fd, file);
  }

  /**
   * All memory of the map: its entries, one after the other, each rounded up to
   * 8 bytes. The same object until that is closed.
   *
   * It is read-only where the kernel allows nothing else: if the map is frozen,
   * or was made with the flag `rdonly_prog`.
   *
   * @throws {ClosedError} if the map is closed.
   * @throws {NotSupportedError} if the type of map is not `array`, it was made
   * without the flag `mmapable`, or opened for reading or writing alone.
   * @throws {RangeError} if it is larger than can be mapped.
   * @throws {SystemError} with the kernel's reason, as in mmap(2).
   */
  memory(): Memory {
    const fd = this.#open();
    if (this.#memory === undefined || this.#memory.closed) {
      this.#memory = mapArray(fd, this.#info);
    }
    return this.#memory;
  }

  /**
   * The entries of the map in its memory.
   *
   * @param type What an entry is, of the size of the map's values.
   * @param options Whether only to read.
   * @throws {ReadOnlyError} if the memory is read-only; pass `readOnly: true`.
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   * @throws {AlignmentError} if it must be aligned to more than entries are.
   * @throws as {@linkcode BpfMap.memory} does.
   *
   * @example Adding up one field of all entries
   * ```ts ignore
   * let packets = 0n;
   * for (const count of map.values(Stats).column("packets")) packets += count;
   * ```
   */
  values<T extends Type>(type: T & Marked<T>): MapValues<T>;
  /** The entries of the map in its memory, to be read. */
  values<T extends Type>(
    type: T & Marked<T>,
    options: ValuesOptions & { readonly readOnly: true },
  ): ReadonlyMapValues<T>;
  values<T extends Type>(
    type: T & Marked<T>,
    options: ValuesOptions = {},
  ): MapValues<T> | ReadonlyMapValues<T> {
    const { maxEntries } = this.#info;
    requireOptions(options);
    if (requireFlag("readOnly", options.readOnly)) {
      const memory = this.memory();
      requireValueType(type, this.#info);
      return readonlyValuesIn<T>(memory, type, maxEntries);
    }
    const memory = this.#writableMemory("readOnly: true");
    requireValueType(type, this.#info);
    return valuesIn<T>(memory, type, maxEntries);
  }

  /**
   * A pointer to an entry: its properties read and write the map. A flexible
   * array at the end of the type takes what is left of the value.
   *
   * @param index Which entry.
   * @param type What an entry is, of the size of the map's values.
   * @throws {ReadOnlyError} if the memory is read-only; use `view`.
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   * @throws {RangeError} if the index is no whole number from 0.
   * @throws {BoundsError} if there is no such entry.
   * @throws {AlignmentError} if it is not aligned as the type requires.
   * @throws as {@linkcode BpfMap.memory} does.
   */
  pointer<T extends Type>(index: number, type: T & Marked<T>): Pointer<T> {
    const memory = this.#writableMemory("view()");
    const length = requireValueType(type, this.#info);
    const offset = entryOffset(index, this.#info);
    return memory.pointer<T>(type, offset, flexible(length));
  }

  /**
   * A view of an entry: its properties read the map, and cannot write it.
   *
   * @param index Which entry.
   * @param type What an entry is, of the size of the map's values.
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   * @throws {RangeError} if the index is no whole number from 0.
   * @throws {BoundsError} if there is no such entry.
   * @throws {AlignmentError} if it is not aligned as the type requires.
   * @throws as {@linkcode BpfMap.memory} does.
   */
  view<T extends Type>(index: number, type: T & Marked<T>): View<T> {
    const memory = this.memory();
    const length = requireValueType(type, this.#info);
    const offset = entryOffset(index, this.#info);
    return memory.view<T>(type, offset, flexible(length));
  }

  /**
   * Closes the descriptor. Memory that was mapped stays, and so do the pointers
   * into it: close what `memory` gave before, to release the map at once. Once
   * more does nothing.
   */
  close(): void {
    this.#memory = undefined;
    this.#descriptor.close();
  }

  /** Closes the map at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): number {
    const { fd } = this.#descriptor;
    if (fd < 0) throw new ClosedError("The BPF map is closed");
    return fd;
  }

  #writableMemory(remedy: string): Memory {
    const memory = this.memory();
    if (memory.readOnly) {
      throw new ReadOnlyError(
        `Cannot make a pointer: the map is mapped read-only, because it is frozen or was made with the flag rdonly_prog; use ${remedy}`,
      );
    }
    return memory;
  }
}

function flexible(length: number | undefined): { length: number } | undefined {
  return length === undefined ? undefined : { length };
}

/** `linux/bpf.h`, "flags for BPF_MAP_UPDATE_ELEM command". */
function modeNumber(mode: UpdateMode): bigint {
  switch (mode) {
    case "any":
      return 0n;
    case "create":
      return 1n;
    case "exist":
      return 2n;
    default:
      throw new TypeError(
        `Mode must be "any", "create" or "exist": current value is ${
          show(mode)
        }`,
      );
  }
}
