import type { Btf } from "../../btf/btf.ts";
import { InvalidTypeError, ReadOnlyError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import type { Marked, Pointer, Type, Value, View } from "../../layout/mod.ts";
import { isType } from "../../layout/model/types.ts";
import { pathOf } from "../../base/path.ts";
import {
  requireDescriptor,
  requireFlag,
  requireOptions,
  requireU32,
} from "../../base/arguments.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import type { Memory } from "../../memory/mod.ts";
import type { NativeMap } from "../libbpf/map.ts";
import { keep } from "../link/kept.ts";
import type { BpfLink } from "../link/link.ts";
import { addStructOps, attachStructOps } from "../link/struct_ops.ts";
import { fdinfoNumber } from "../fdinfo.ts";
import { idsOf } from "../ids.ts";
import { openPinned } from "../pins.ts";
import {
  entryOffset,
  mapArray,
  memorySizeOf,
  requireValueType,
} from "./array_memory.ts";
import {
  lookup,
  nextKey,
  remove,
  takeOne,
  update,
} from "./entries/commands.ts";
import {
  batchesOf,
  type BatchOptions,
  type MapBatch,
} from "./entries/map_batches.ts";
import {
  descriptorOf,
  type HasDescriptor,
  KernelObject,
} from "../kernel_object.ts";
import { type FilterOf, filterOf } from "./entries/filter.ts";
import {
  lookupInner,
  updateInner,
  updateProgram,
  updateSocket,
} from "./inner_maps.ts";
import { type EntryTypes, MapBtf } from "./types_from_btf.ts";
import { freeze, openById } from "./commands.ts";
import { create } from "./create.ts";
import { type MapInfo, mapInfoOf } from "./info.ts";
import {
  type CreateMapOptions,
  lockFlag,
  type LockOptions,
  modeNumber,
  type OpenMapOptions,
  openOptions,
  type UpdateMode,
} from "./options.ts";
import { type QueueOf, queueOf } from "./entries/queue.ts";
import {
  type EntryValue,
  type MapTable,
  type MapTypes,
  type PerCpuTableOf,
  refusePerCpu,
  requirePerCpu,
  type TableOf,
  tableOf,
  typeOptions,
} from "./entries/table.ts";
import type { MapType } from "./type.ts";
import {
  elementsIn,
  elementViewsIn,
  type MapElements,
  type MapElementViews,
} from "./elements.ts";
import { BpfVariable } from "../variable/variable.ts";
import { VariableNames } from "../variable/names.ts";

/** The facts that are known of a map beside what the kernel tells. */
interface MapOrigin {
  /** The path where it is pinned. */
  readonly pinnedTo?: string | undefined;
  /** Finds the types that its definition in C names. */
  readonly definition?: () => EntryTypes | undefined;
  /** The types that it was made with. */
  readonly types?: EntryTypes | undefined;
  /** The map as libbpf has it, where libbpf has loaded it. */
  readonly native?: NativeMap;
}

/** Closes a map, by its private members, for the function below the class. */
let closeAll: (map: BpfMap) => void;

/**
 * A map of the kernel's BPF subsystem: a table that BPF programs and processes
 * share. This object holds a descriptor of it; the kernel keeps the map for as
 * long as anything holds one, a program uses it, it is pinned, or its memory is
 * mapped.
 *
 * `lookup`, `update` and `delete` go by the `bpf` system call and copy. Arrays
 * made with the flag `mmapable` have memory: `memory`, `elements`, `pointer` and
 * `view` reach the very bytes that the programs use.
 *
 * That memory is mapped once and shared by these four; `map.memory().close()`
 * releases it at once, and the next call of one of the four maps it anew.
 * Closing the map leaves the memory mapped for as long as a pointer into it is
 * used.
 *
 * @typeParam M Its type, where that is known: of a map that `create` gave, or of
 * an object whose shape is known.
 * @typeParam K The type of a key, where it is known.
 * @typeParam V The type of a value, of a per-CPU map that of one CPU, likewise.
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
 *   map.pointer(Stats, 3).packets.add(7n);
 *   assertEquals(map.lookup(3), new Uint8Array([7, 0, 0, 0, 0, 0, 0, 0]));
 * } catch (error) {
 *   // Who may not make BPF maps is told which capability that takes.
 *   if (!(error instanceof SystemError && error.code === "EPERM")) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class BpfMap<
  M extends MapType = MapType,
  K extends Type = Type,
  V extends Type = Type,
> extends KernelObject {
  readonly #info: MapInfo;
  readonly #types: MapBtf;
  #variables: VariableNames | undefined;
  #memory: Memory | undefined;
  readonly #links = new Set<BpfLink>();

  static {
    closeAll = (map) => {
      using all = new DisposableStack();
      all.use(map);
      for (const link of map.#links) all.use(link);
    };
  }

  /**
   * Takes over an open descriptor; nobody outside of this package has one.
   *
   * @param name The name of the descriptor in error messages.
   * @throws {NotSupportedError} if it is not a map's.
   * @ignore
   */
  constructor(descriptor: Descriptor, name: string, origin: MapOrigin = {}) {
    super("map", descriptor, mapInfoOf, origin.pinnedTo);
    try {
      this.#info = mapInfoOf(descriptor.fd, name);
    } catch (error) {
      descriptor.close();
      throw error;
    }
    this.#types = new MapBtf(
      this.#info,
      origin.definition,
      origin.types,
    );
    const { native } = origin;
    if (native !== undefined && this.#info.type === "struct_ops") {
      const hasLink = this.#info.flags.includes("link");
      addStructOps(this, { native, hasLink });
    }
  }

  /**
   * Makes a new map (`BPF_MAP_CREATE`).
   *
   * @param options The sizes of the map, or its types, which have sizes.
   * @throws {TypeError | RangeError} if an option is not of its kind.
   * @throws {InvalidTypeError} if a type cannot be pointed to, differs in size
   * from the one given beside it, or has no place in BTF.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EPERM without
   * a capability, EINVAL where the type does not take these sizes or flags.
   * @throws {NotSupportedError} on any but Linux on x86-64 or aarch64.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   *
   * @example A map with types, which `bpftool map dump` shows, too
   * ```ts ignore
   * const flows = BpfMap.create({
   *   type: "hash",
   *   keyType: Flow,
   *   valueType: Stats,
   *   maxEntries: 1024,
   * });
   * flows.table().set({ address: 0x7f000001, port: 443 }, { bytes: 1n });
   * ```
   *
   * @example What belongs to a task: the key is a descriptor, of pidfd_open(2)
   * ```ts ignore
   * const map = BpfMap.create({
   *   type: "task_storage",
   *   valueType: Stats,
   *   maxEntries: 0,
   *   flags: ["no_prealloc"],
   * });
   * map.table().get(pidfd);
   * ```
   */
  static create<
    const M extends MapType,
    K extends Type = Type,
    V extends Type = Type,
  >(options: CreateMapOptions<M, K, V>): BpfMap<M, K, V> {
    const { descriptor, types } = create(options);
    return new BpfMap<M, K, V>(descriptor, "the new map", { types });
  }

  /**
   * Opens a map that is pinned to a path on a BPF file system (`BPF_OBJ_GET`).
   *
   * @param path A path or a `file:` URL.
   * @param options The option to open it for reading alone.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, or without
   * permission to read the path and, unless `readOnly`, to write it.
   * @throws {NotSupportedError} if something other than a map is pinned there.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT,
   * EACCES, EPERM without a capability.
   */
  static open(path: string | URL, options: OpenMapOptions = {}): BpfMap {
    const file = pathOf(path);
    requireOptions(options, openOptions);
    const readOnly = requireFlag("readOnly", options.readOnly);
    const opened = openPinned(file, readOnly);
    return new BpfMap(opened, `"${file}"`, { pinnedTo: file });
  }

  /**
   * Opens a map by the number that the kernel gave it (`BPF_MAP_GET_FD_BY_ID`),
   * whoever made it. That takes CAP_SYS_ADMIN.
   *
   * @param id The number, as in {@linkcode MapInfo.id}.
   * @param options The option to open it for reading alone.
   * @throws {RangeError} if the id is not an integer of 32 bits.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT where
   * there is no such map, EPERM without the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromId(id: number, options: OpenMapOptions = {}): BpfMap {
    requireOptions(options, openOptions);
    const readOnly = requireFlag("readOnly", options.readOnly);
    requireU32("Map id", id, 0);
    return new BpfMap(openById(id, readOnly), `the map of id ${id}`);
  }

  /**
   * The numbers of all maps in the system, ascending, for `fromId`
   * (`BPF_MAP_GET_NEXT_ID`). That takes CAP_SYS_ADMIN. Until they are opened,
   * somebody may make or close some.
   *
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EPERM without
   * the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static ids(): number[] {
    return idsOf("BPF_MAP_GET_NEXT_ID");
  }

  /**
   * The map of a descriptor, which is duplicated: the caller's stays the
   * caller's to close.
   *
   * @param fd A descriptor of a BPF map.
   * @throws {RangeError} if it is not a descriptor's number.
   * @throws {NotSupportedError} if it is not a BPF map's.
   * @throws {SystemError} with EBADF, if it is not open.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromFd(fd: number): BpfMap {
    requireDescriptor(fd);
    return new BpfMap(Descriptor.duplicate(fd), `descriptor ${fd}`);
  }

  /** The info that the kernel gave of the map when it was opened. */
  override get info(): MapInfo {
    return this.#info;
  }

  /**
   * The BTF of the program that the map was made for; undefined where it has
   * none. It is read when it is first asked for, and shared by the maps that
   * have the same.
   *
   * @throws {SystemError} with EPERM without CAP_SYS_ADMIN, which opening BTF by
   * its id takes.
   */
  get btf(): Btf | undefined {
    return this.#types.btf;
  }

  /**
   * The type of keys: from the map's own BTF, for a map of a `BpfObject` also
   * from its definition, or `u32` if keys are indices; undefined if nothing
   * says it.
   *
   * @throws {BtfError} if BTF gives it no layout.
   * @throws as {@linkcode BpfMap.btf} does.
   */
  get keyType(): Type | undefined {
    return this.#types.keyType;
  }

  /**
   * The type of values; for a per-CPU map, of the value of one CPU. It comes
   * from the map's own BTF, or for a map of a `BpfObject` from its definition.
   * For the maps that libbpf makes of `.data` and `.bss` it is a struct of the
   * variables, and for maps of maps `u32`, an id. Undefined if nothing says it.
   *
   * @throws {BtfError} if BTF gives it no layout.
   * @throws as {@linkcode BpfMap.btf} does.
   */
  get valueType(): Type | undefined {
    return this.#types.valueType;
  }

  /**
   * The number of bytes that the memory of the map has: its entries, each
   * rounded up to 8 bytes, in whole pages. It is what `Memory.map(map.fd,
   * map.memorySize, …)` takes, to map it for Workers or for reading alone.
   *
   * @throws {NotSupportedError} if the map has no memory that can be mapped.
   * @throws {RangeError} if that is more than 2^53 - 1.
   */
  get memorySize(): number {
    return memorySizeOf(this.#info);
  }

  /**
   * A copy of the value of a key (`BPF_MAP_LOOKUP_ELEM`). The value of a
   * per-CPU map has a part for each possible CPU, rounded up to 8 bytes.
   *
   * @param key The key's bytes; where keys have 4 bytes, as the indices of
   * arrays have, also the number that they are.
   * @param options The option to hold the lock of the value.
   * @returns The value's bytes, the only ones in their buffer; undefined where
   * there is no such entry.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError | RangeError} if the key is not of its size.
   * @throws {NotSupportedError} if maps of this type have no entries.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EINVAL for
   * `lock`, where values have no `struct bpf_spin_lock`.
   */
  lookup(
    key: Uint8Array | number,
    options: LockOptions = {},
  ): Uint8Array<ArrayBuffer> | undefined {
    return lookup(this.fd, this.#info, key, lockFlag(options));
  }

  /**
   * Stores a value (`BPF_MAP_UPDATE_ELEM`).
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @param value The value's bytes, as many as `lookup` gives.
   * @param mode The mode of the update; `"any"` by default.
   * @param options The option to hold the lock of the value.
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
    options: LockOptions = {},
  ): void {
    const flags = modeNumber(mode) | lockFlag(options);
    update(this.fd, this.#info, key, value, flags);
  }

  /**
   * Deletes an entry (`BPF_MAP_DELETE_ELEM`).
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @returns True if there was one. Of a `devmap`, `cpumap` or `xskmap` the
   * kernel does not tell: true for every index below `maxEntries`.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError | RangeError} if the key is not of its size.
   * @throws {NotSupportedError} if maps of this type have no entries, or none
   * that can be deleted by key.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EINVAL for
   * arrays, EPERM if the map is frozen.
   */
  delete(key: Uint8Array | number): boolean {
    return remove(this.fd, this.#info, key);
  }

  /**
   * Deletes an entry and gives its value: for hashes since Linux 5.14 in one
   * step (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`), elsewhere in two, and a value
   * stored between them is lost. For queues and stacks, which have no keys, see
   * {@linkcode BpfMap.queue}.
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @returns As {@linkcode BpfMap.lookup} does.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError | RangeError} if the key is not of its size.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EINVAL for
   * arrays, EPERM if the map is frozen.
   */
  take(key: Uint8Array | number): Uint8Array<ArrayBuffer> | undefined {
    return takeOne(this.fd, this.#info, key);
  }

  /**
   * Opens the inner map of a key, of a map of maps. That takes CAP_SYS_ADMIN.
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @param options The option to open it for reading alone.
   * @returns The inner map, to be closed by the caller; undefined where there is
   * none.
   * @throws {NotSupportedError} if this is not a map of maps.
   * @throws as {@linkcode BpfMap.lookup} and {@linkcode BpfMap.fromId} do.
   *
   * @example
   * ```ts ignore
   * using inner = map.lookupMap(3);
   * ```
   */
  lookupMap(
    key: Uint8Array | number,
    options: OpenMapOptions = {},
  ): BpfMap | undefined {
    return lookupInner(
      this,
      key,
      (id) => BpfMap.fromId(id, options),
    );
  }

  /**
   * Stores an inner map in a map of maps.
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @param map The inner map, like the one that this map was made with.
   * @param mode The mode of the update; `"any"` by default.
   * @throws {NotSupportedError} if this is not a map of maps.
   * @throws {TypeError} if that is not a BpfMap.
   * @throws {ClosedError} if either is closed.
   * @throws as {@linkcode BpfMap.update} does: EINVAL if the inner map is unlike
   * the one that this map was made with.
   */
  updateMap(
    key: Uint8Array | number,
    map: HasDescriptor,
    mode: UpdateMode = "any",
  ): void {
    updateInner(
      this,
      key,
      descriptorOf("Inner map", "map", map),
      modeNumber(mode),
    );
  }

  /**
   * Stores a program in a map of type `"prog_array"`, for tail calls. It stays
   * there while the map has descriptors or pins.
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @param program The program, of the type of those that use the map.
   * @param mode The mode of the update; `"any"` by default.
   * @throws {NotSupportedError} if this map holds no programs.
   * @throws {TypeError} if that is not a BpfProgram.
   * @throws {ClosedError} if either is closed.
   * @throws as {@linkcode BpfMap.update} does: EINVAL if the program is of
   * another type than those that are there or use the map.
   */
  updateProgram(
    key: Uint8Array | number,
    program: HasDescriptor,
    mode: UpdateMode = "any",
  ): void {
    updateProgram(
      this,
      key,
      descriptorOf("Program", "program", program),
      modeNumber(mode),
    );
  }

  /**
   * Stores a socket in a map of sockets: `sockmap`, `sockhash`,
   * `reuseport_sockarray`, `xskmap`. A socket that is closed leaves the map.
   *
   * Deno does not tell the descriptors of its own sockets: docs/attaching.md
   * says how to find them in `/proc`. The descriptor of a socket made by FFI is
   * known.
   *
   * @param key As in {@linkcode BpfMap.lookup}.
   * @param socket The descriptor of the socket, which stays its holder's to close.
   * @param mode The mode of the update; `"any"` by default.
   * @throws {RangeError} if that is not a descriptor's number.
   * @throws {NotSupportedError} if the map holds no sockets.
   * @throws as {@linkcode BpfMap.update} does: EINVAL and EOPNOTSUPP if it is
   * not a socket, or not in a state that the map takes.
   */
  updateSocket(
    key: Uint8Array | number,
    socket: number,
    mode: UpdateMode = "any",
  ): void {
    requireDescriptor(socket);
    updateSocket(this, key, socket, modeNumber(mode));
  }

  /**
   * The map as a table of plain data.
   *
   * @param types The types of keys and values. By default those of the map's own
   * BTF; without BTF they are bytes.
   * @throws {InvalidTypeError} if a type cannot be used, or has another size than
   * the map's keys or values.
   * @throws {NotSupportedError} if the map has no keys or no values, or one value
   * for each CPU: see {@linkcode BpfMap.perCpu}.
   * @throws {SystemError} with EPERM if a type is left out, the map has BTF, and
   * it cannot be opened without CAP_SYS_ADMIN.
   *
   * @example A hash of structs
   * ```ts
   * import { HostLayout, struct, SystemError, u16, u32, u64 } from "@hostmem/hostmem";
   * import { BpfMap } from "@hostmem/hostmem/bpf";
   * import { assertEquals } from "@std/assert";
   *
   * const Flow = struct("Flow", { _: HostLayout, address: u32, port: u16 });
   *
   * try {
   *   using map = BpfMap.create({ type: "hash", keySize: 8, valueSize: 8, maxEntries: 16 });
   *   const flows = map.table({ keyType: Flow, valueType: u64 });
   *   flows.set({ address: 0x7f000001, port: 443 }, 5n);
   *   assertEquals([...flows], [[{ address: 0x7f000001, port: 443 }, 5n]]);
   * } catch (error) {
   *   if (!(error instanceof SystemError && error.code === "EPERM")) throw error;
   *   console.log(error.message);
   * }
   * ```
   */
  table<KT extends Type = K, VT extends Type = V>(
    types: MapTypes<KT, VT> = {},
  ): TableOf<KT, VT> {
    refusePerCpu(this.#info);
    const table = tableOf(this, this.#typesOf(types));
    return table as unknown as TableOf<KT, VT>;
  }

  /**
   * A per-CPU map as a table of plain data, in which a value is an array of one
   * for each possible CPU; with the sums over them.
   *
   * @param types As in {@linkcode BpfMap.table}; a value is that of one CPU.
   * @throws {NotSupportedError} if this is not a per-CPU map.
   * @throws as {@linkcode BpfMap.table} does.
   *
   * @example What all CPUs counted
   * ```ts ignore
   * const counts = map.perCpu({ valueType: u64 });
   * counts.get(0); // [12n, 7n, 0n, 3n]
   * counts.sum(0); // 22n
   * ```
   */
  perCpu<KT extends Type = K, VT extends Type = V>(
    types: MapTypes<KT, VT> = {},
  ): PerCpuTableOf<KT, VT> {
    const known = this.#typesOf(types);
    requirePerCpu(this.#info);
    const table = tableOf(this, known);
    return table as unknown as PerCpuTableOf<KT, VT>;
  }

  /**
   * The queue or stack that a map of type `"queue"` or `"stack"` is.
   *
   * @param types The type of values, as in {@linkcode BpfMap.table}.
   * @throws {NotSupportedError} if the map is of another type.
   * @throws as {@linkcode BpfMap.table} does.
   */
  queue<VT extends Type = V>(
    types: Pick<MapTypes<Type, VT>, "valueType"> = {},
  ): QueueOf<VT> {
    const { valueType } = this.#typesOf(types);
    return queueOf(this, valueType) as unknown as QueueOf<VT>;
  }

  /**
   * The bloom filter that a map of type `"bloom_filter"` is.
   *
   * @param types The type of values, as in {@linkcode BpfMap.table}.
   * @throws {NotSupportedError} if the map is of another type.
   * @throws as {@linkcode BpfMap.table} does.
   */
  filter<VT extends Type = V>(
    types: Pick<MapTypes<Type, VT>, "valueType"> = {},
  ): FilterOf<VT> {
    const { valueType } = this.#typesOf(types);
    return filterOf(this, valueType) as unknown as FilterOf<VT>;
  }

  /**
   * The keys of any map that can be listed, as plain data, one after the other,
   * as those of a `Map` of JavaScript.
   *
   * @param types Types of keys and values, as in {@linkcode BpfMap.table}.
   * @throws as {@linkcode BpfMap.table} does.
   * @throws {NotSupportedError} if maps of this type cannot be listed.
   */
  keys<KT extends Type = K, VT extends Type = V>(
    types: MapTypes<KT, VT> = {},
  ): Generator<Value<KT>, void> {
    return this.#anyTable(types).keys();
  }

  /**
   * The values as plain data, one after the other; of a per-CPU map each is an
   * array of one for each possible CPU.
   *
   * @param types Types of keys and values, as in {@linkcode BpfMap.table}.
   * @throws as {@linkcode BpfMap.keys} does.
   */
  values<KT extends Type = K, VT extends Type = V>(
    types: MapTypes<KT, VT> = {},
  ): Generator<EntryValue<VT, M>, void> {
    return this.#anyTable(types).values();
  }

  /**
   * The entries as plain data, one after the other, many fetched at once; of a
   * per-CPU map each value is an array of one for each possible CPU.
   *
   * The static type of `entries` does not always tell which of the two a value
   * is. {@linkcode BpfMap.table} always has single values, and
   * {@linkcode BpfMap.perCpu} arrays. Keys and values that are bytes share
   * buffers, as {@linkcode MapTable} says; {@linkcode BpfMap.keyBytes} gives
   * each key in a buffer of its own.
   *
   * @param types Types of keys and values, as in {@linkcode BpfMap.table}.
   * @throws as {@linkcode BpfMap.keys} does.
   *
   * @example
   * ```ts ignore
   * for (const [key, value] of map.entries()) console.log(key, value);
   * ```
   */
  entries<KT extends Type = K, VT extends Type = V>(
    types: MapTypes<KT, VT> = {},
  ): Generator<[Value<KT>, EntryValue<VT, M>], void> {
    return this.#anyTable(types).entries();
  }

  /**
   * The entries as bytes in batches, as the kernel gives them
   * (`BPF_MAP_LOOKUP_BATCH`): the fastest way to go through a map. A loop over
   * batches can be interrupted: each batch has a cursor to continue from.
   *
   * The batches may or may not have the entries that others store and delete
   * meanwhile, also from a cursor that was kept. They have all entries of a
   * hash that stay. In maps where the kernel goes from key to key instead, the
   * next batch begins at the last key of the one before: if that key was
   * deleted, the kernel begins anew, and some entries are given twice. Others
   * are then left out, since no more entries are given than the map has room
   * for.
   *
   * @param options The cursor to begin at, and the most entries of a batch.
   * @throws {ClosedError} if the map is closed.
   * @throws {TypeError | RangeError} if an option is not of its kind, or the
   * cursor is one of another map.
   * @throws {NotSupportedError} if the map has no keys, or cannot be listed.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   *
   * @example A sum over a million entries
   * ```ts ignore
   * let bytes = 0n;
   * for (const { values, length } of map.batches()) {
   *   const column = view(array(Stats, length), values).column("bytes");
   *   for (let i = 0; i < length; i++) bytes += column.at(i);
   * }
   * ```
   *
   * @example A thousand entries a second, and on with the next thousand
   * ```ts ignore
   * let from: MapCursor | undefined;
   * do {
   *   const { value: batch } = map.batches({ from, size: 1000 }).next();
   *   if (batch !== undefined) report(batch);
   *   from = batch?.cursor;
   *   await sleep(1000);
   * } while (from !== undefined);
   * ```
   */
  batches(options: BatchOptions = {}): Generator<MapBatch, void> {
    return batchesOf(this, options);
  }

  /**
   * The entries, as {@linkcode BpfMap.entries} without types gives them.
   *
   * @throws as {@linkcode BpfMap.keys} does.
   */
  [Symbol.iterator](): Generator<[Value<K>, EntryValue<V, M>], void> {
    return this.entries();
  }

  /**
   * The keys as bytes, one after the other (`BPF_MAP_GET_NEXT_KEY`), for
   * {@linkcode BpfMap.lookup}, `update` and `delete`. If entries are deleted
   * meanwhile, the kernel may begin anew; there are never more keys than the
   * map has room for.
   *
   * @throws {ClosedError} if the map is closed.
   * @throws {NotSupportedError} if maps of this type cannot be listed.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  *keyBytes(): Generator<Uint8Array<ArrayBuffer>, void> {
    let key: Uint8Array<ArrayBuffer> | undefined;
    // Storage of cgroups says that it has no entries at most.
    const most = this.#info.maxEntries || Infinity;
    for (let i = 0; i < most; i++) {
      key = nextKey(this.fd, this.#info, key);
      if (key === undefined) return;
      yield new Uint8Array(key);
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
    freeze(this.fd);
  }

  /**
   * True if the map is frozen now; undefined where `/proc` does not tell.
   *
   * @throws {ClosedError} if the map is closed.
   */
  get frozen(): boolean | undefined {
    const frozen = fdinfoNumber(this.fd, "frozen");
    return frozen === undefined ? undefined : frozen === 1;
  }

  /**
   * The size of the kernel's memory that the map takes now, in bytes: exactly since
   * Linux 6.3, a guess before; undefined where `/proc` does not tell.
   *
   * @throws {ClosedError} if the map is closed.
   */
  get memlock(): number | undefined {
    return fdinfoNumber(this.fd, "memlock");
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
    const fd = this.fd;
    if (this.#memory === undefined || this.#memory.closed) {
      this.#memory = mapArray(fd, this.#info);
    }
    return this.#memory;
  }

  /**
   * The elements of the map in its memory, to be read and written.
   *
   * @param type Type of an element, of the size of the map's values; by default
   * {@linkcode BpfMap.valueType}.
   * @throws {ReadOnlyError} if the memory is read-only; use `elementViews`.
   * @throws {InvalidTypeError} if the type cannot be used, has another size, or
   * is left out where the map has no BTF.
   * @throws {AlignmentError} if it must be aligned to more than elements are.
   * @throws as {@linkcode BpfMap.memory} does.
   *
   * @example Adding up one field of all elements
   * ```ts ignore
   * let packets = 0n;
   * for (const count of map.elements(Stats).column("packets")) packets += count;
   * ```
   */
  elements<T extends Type>(type: T & Marked<T>): MapElements<T>;
  /**
   * The elements of the map in its memory, as its own BTF has them.
   *
   * @typeParam T The type, where it is known: nothing checks that it is.
   */
  elements<T extends Type = V>(): MapElements<T>;
  elements(type?: Type): MapElements<Type> {
    const memory = this.#writableMemory("elementViews()");
    const known = this.#elementType(type);
    requireValueType(known, this.#info);
    return elementsIn(memory, known, this.#info.maxEntries);
  }

  /**
   * The elements of the map in its memory, to be read.
   *
   * @param type Type of an element, as in {@linkcode BpfMap.elements}.
   * @throws as {@linkcode BpfMap.elements} does, but for ReadOnlyError.
   */
  elementViews<T extends Type>(type: T & Marked<T>): MapElementViews<T>;
  /**
   * The elements of the map in its memory, as its own BTF has them, to be read.
   *
   * @typeParam T The type, where it is known: nothing checks that it is.
   */
  elementViews<T extends Type = V>(): MapElementViews<T>;
  elementViews(type?: Type): MapElementViews<Type> {
    const memory = this.memory();
    const known = this.#elementType(type);
    requireValueType(known, this.#info);
    return elementViewsIn(memory, known, this.#info.maxEntries);
  }

  /**
   * A pointer to an element: its properties read and write the map. A flexible
   * array at the end of the type takes the rest of the value.
   *
   * @param type Type of the element, of the size of the map's values.
   * @param index Index of the element.
   * @throws {ReadOnlyError} if the memory is read-only; use `view`.
   * @throws {InvalidTypeError} if the type cannot be used, has another size, or
   * is left out where the map has no BTF.
   * @throws {RangeError} if the index is not a whole number from 0.
   * @throws {BoundsError} if there is no such element.
   * @throws {AlignmentError} if it is not aligned as the type requires.
   * @throws as {@linkcode BpfMap.memory} does.
   */
  pointer<T extends Type>(type: T & Marked<T>, index: number): Pointer<T>;
  /**
   * A pointer to an element, as the map's own BTF has it.
   *
   * @typeParam T The type, where it is known: nothing checks that it is.
   */
  pointer<T extends Type = V>(index: number): Pointer<T>;
  pointer(...given: [Type, number] | [number]): Pointer<Type> {
    const memory = this.#writableMemory("view()");
    const { type, offset, options } = this.#elementAt(given);
    return memory.pointer(type, offset, options);
  }

  /**
   * A view of an element: its properties read the map, and cannot write it.
   *
   * @param type Type of the element, of the size of the map's values.
   * @param index Index of the element.
   * @throws as {@linkcode BpfMap.pointer} does, but for ReadOnlyError.
   */
  view<T extends Type>(type: T & Marked<T>, index: number): View<T>;
  /**
   * A view of an element, as the map's own BTF has it.
   *
   * @typeParam T The type, where it is known: nothing checks that it is.
   */
  view<T extends Type = V>(index: number): View<T>;
  view(...given: [Type, number] | [number]): View<Type> {
    const memory = this.memory();
    const { type, offset, options } = this.#elementAt(given);
    return memory.view(type, offset, options);
  }

  /**
   * A variable of a map of a section, `.bss`, `.data` or `.rodata`, whoever
   * loaded the programs and however the map was opened.
   *
   * @param name Name of the variable in C.
   * @throws {ClosedError} if the map is closed.
   * @throws {NotSupportedError} if the map has no BTF that tells of variables.
   * @throws {RangeError} if there is no such variable, with the names that there
   * are.
   * @throws as {@linkcode BpfMap.btf} does.
   *
   * @typeParam T Its type, where it is known: nothing checks that it is.
   *
   * @example A counter of programs that others loaded, and pinned
   * ```ts ignore
   * using map = BpfMap.open("/sys/fs/bpf/count.bss");
   * const hits = map.variable("hits", atomic(u64)).pointer();
   * ```
   */
  variable<T extends Type = Type>(name: string): BpfVariable<T>;
  /**
   * A variable of a map of a section, as a type of its size.
   *
   * @param type The type to take it for, whatever BTF says.
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   */
  variable<T extends Type>(name: string, type: T & Marked<T>): BpfVariable<T>;
  variable<T extends Type>(name: string, type?: T): BpfVariable<T> {
    void this.fd;
    this.#variables ??= new VariableNames(this.#types.variables());
    return new BpfVariable(this.#variables.find(name), this, type);
  }

  /**
   * Attaches a map of struct_ops: from here on the kernel has the functions that
   * its struct has, such as a congestion control of TCP by its name.
   *
   * A map that was made with the flag `"link"` (Linux 6.4) is attached by a link
   * of the kernel's, which can be pinned, and updated to another map. Others are
   * attached once, and have no link of the kernel's: after a process that was
   * killed, or ended by an uncaught error, they stay, until `bpftool struct_ops
   * unregister`.
   *
   * @returns The link, which stays until it is closed, or its object is.
   * @throws {ClosedError} if the map is closed.
   * @throws {NotSupportedError} if it is of another type, or no `BpfObject` of this
   * process has loaded it.
   * @throws {SystemError} with the kernel's reason: EEXIST where the kernel has
   * one of this name, EBUSY if the map was attached before, EINVAL where a
   * function is missing, EPERM without a capability.
   *
   * @example A congestion control, and its successor under the connections it has
   * ```ts ignore
   * // SEC(".struct_ops") struct tcp_congestion_ops reno = { .name = "bpf_reno", … };
   * using object = BpfObject.load("congestion.bpf.o", {
   *   maps: { reno: { flags: ["link"] }, next: { flags: ["link"] } },
   * });
   * using link = object.map("reno").attach();
   * link.update(object.map("next"));
   * ```
   */
  attach(): BpfLink {
    const name = this.#info.name === "" ? "" : ` "${this.#info.name}"`;
    const type = this.#info.type ?? this.#info.typeNumber;
    const label = `map${name} of type ${type}`;
    return keep(attachStructOps(this, label), this.#links);
  }

  /**
   * Closes the descriptor. Memory that was mapped stays, and so do the pointers
   * into it: close what `memory` gave before, to release the map at once. A
   * second call does nothing.
   */
  override close(): void {
    this.#memory = undefined;
    super.close();
  }

  /** @ignore */
  protected override describe(): string[] {
    const { id, type, typeNumber, maxEntries } = this.#info;
    const name = this.#info.name;
    return [
      ...(name === "" ? [] : [show(name)]),
      type ?? `type ${typeNumber}`,
      `${maxEntries} entries`,
      `id ${id}`,
    ];
  }

  #typesOf(types: MapTypes): EntryTypes {
    void this.fd; // A closed map has no types to ask for.
    if (isType(types)) {
      throw new TypeError(
        `Types must be an object with keyType and valueType: received the type ${types.name}`,
      );
    }
    requireOptions(types, typeOptions);
    const { keyType = this.keyType, valueType = this.valueType } = types;
    return { keyType, valueType };
  }

  /** A table with single values or arrays, whichever the map has. */
  #anyTable<KT extends Type, VT extends Type>(types: MapTypes<KT, VT>) {
    const table: unknown = tableOf(this, this.#typesOf(types));
    return table as MapTable<Value<KT>, EntryValue<VT, M>>;
  }

  /** @throws {InvalidTypeError} if nothing says what the values are. */
  #elementType(given: Type | undefined): Type {
    const type = given === undefined ? this.valueType : given;
    if (type !== undefined) return type;
    throw new InvalidTypeError(
      "The map has no BTF that says what its values are: pass a type",
    );
  }

  #elementAt(given: [Type, number] | [number]): {
    readonly type: Type;
    readonly offset: number;
    readonly options: { readonly length: number } | undefined;
  } {
    const [type, index] = given.length === 1 ? [undefined, ...given] : given;
    if (typeof type === "number") {
      throw new TypeError(
        "The type of an element comes before its index: pass (type, index)",
      );
    }
    const known = this.#elementType(type);
    const length = requireValueType(known, this.#info);
    return {
      type: known,
      offset: entryOffset(index, this.#info),
      options: length === undefined ? undefined : { length },
    };
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

/** Closes a map together with its links, for the object that it is of. */
export function closeMapWithLinks(map: BpfMap): void {
  closeAll(map);
}
