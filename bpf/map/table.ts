/** A map as a table of plain data. */

import { InvalidTypeError, NotSupportedError } from "../../errors.ts";
import type { OptionNames } from "../../base/arguments.ts";
import type { Input, Type, Value, View, ViewOf } from "../../layout/mod.ts";
import { strideOf } from "./array_memory.ts";
import { removeAll, updateAll } from "./entries/batch_commands.ts";
import { type Codec, codecOf, perCpuCodec, ReadBlock } from "./codec.ts";
import { lookup, remove, update, valueLength } from "./entries/commands.ts";
import { type Copy, ownCopy, sharedCopies } from "./entries/copies.ts";
import { EntryReader, type Reading, takeOne } from "./entries/reader.ts";
import type { MapInfo, OpenMap } from "./info.ts";
import { modeNumber, type UpdateMode } from "./options.ts";
import { possibleCpus } from "../../ffi/calls/cpus.ts";
import { type Sum, sumOf } from "./sum.ts";
import { isPerCpu, type MapType, type PerCpuMapType } from "./type.ts";
import { hasIds } from "./types_from_btf.ts";

/** The types of a map's keys and values, where its BTF does not say them. */
export interface MapTypes<K extends Type = Type, V extends Type = Type> {
  /**
   * The type of keys. By default the map's BTF gives it, or it is an index;
   * bytes where nothing does.
   */
  readonly keyType?: K | undefined;
  /**
   * The type of a value, of per-CPU maps that of one CPU. By default the type in
   * the map's BTF; bytes where it has none.
   */
  readonly valueType?: V | undefined;
}

/** Names of the options that say what keys and values are. */
export const typeOptions: OptionNames<MapTypes> = {
  keyType: true,
  valueType: true,
};

/**
 * A value that can be stored for a type: plain data, where fields that are left
 * out are zero, or a pointer or view of the type.
 */
export type Storable<T extends Type> = Input<T> | ViewOf<T> | View<T>;

/**
 * A value of a map. The value of a per-CPU map is an array with one value for
 * each possible CPU. Where the type of map is not known, it is one of the two.
 *
 * @typeParam V Type of a value, of one CPU.
 * @typeParam M Type of the map.
 */
export type EntryValue<V extends Type, M extends MapType = MapType> = M extends
  PerCpuMapType ? Value<V>[] : Value<V>;

/** The table of a map with keys and values of these types. */
export type TableOf<K extends Type, V extends Type> = MapTable<
  Value<K>,
  Value<V>,
  Storable<K>,
  Storable<V>
>;

/** The table of a per-CPU map with keys and values of these types. */
export type PerCpuTableOf<K extends Type, V extends Type> = PerCpuTable<
  Value<K>,
  Value<V>,
  Storable<K>,
  Storable<V>
>;

/**
 * The entries of a map as plain data, much like a `Map` of JavaScript. It holds
 * nothing: each method asks the kernel, and copies.
 *
 * All methods throw ClosedError once the map is closed, SystemError with the
 * kernel's reason, as in bpf(2), and TypeError or RangeError where a key or a
 * value is not of its type or does not fit.
 *
 * Methods that go through all entries fetch many at once
 * (`BPF_MAP_LOOKUP_BATCH` and its like, Linux 5.6) where kernel and map can,
 * and one by one elsewhere. Others may write the map meanwhile: an entry that
 * comes or goes may be given or not, and there is always an end. Entries of a
 * hash that stay are all given. Where the kernel goes from key to key instead,
 * in LPM tries and before Linux 5.6, it begins anew when a key was deleted:
 * then some entries may be given twice, and others left out, since no more are
 * given than the map has room for.
 *
 * Keys and values are bytes if nothing says their type; the bytes are copies.
 * The bytes of one key (`get`, `take`) are the only ones in their `buffer`;
 * those that a loop gives share buffers of 8 KiB: mind their `byteOffset`, and
 * `slice` bytes that you keep for long, or transfer to another thread.
 *
 * @typeParam K The plain data of a key.
 * @typeParam V The plain data of a value.
 * @typeParam KI The values that can be given for a key.
 * @typeParam VI The values that can be given for a value.
 */
export interface MapTable<K, V, KI = K, VI = V> extends Iterable<[K, V]> {
  /** The value of a key; undefined where there is no such entry. */
  get(key: KI): V | undefined;
  /** Tests whether there is an entry of that key. */
  has(key: KI): boolean;
  /**
   * Stores a value, all of it: fields that are left out of a struct are zero.
   *
   * @param mode The mode of the update; `"any"` by default.
   */
  set(key: KI, value: VI, mode?: UpdateMode): void;
  /** Deletes an entry; true if there was one. */
  delete(key: KI): boolean;
  /**
   * Deletes an entry and gives its value; undefined where there was none. It
   * takes one step where the kernel can (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`, for
   * hashes since Linux 5.14); elsewhere two, and a value stored between them is
   * lost.
   */
  take(key: KI): V | undefined;
  /** The keys, one after the other. */
  keys(): Generator<K, void>;
  /** The values, one after the other. */
  values(): Generator<V, void>;
  /** The entries, one after the other. */
  entries(): Generator<[K, V], void>;
  /** The entries, one after the other. */
  [Symbol.iterator](): Generator<[K, V], void>;
  /**
   * Stores many values, in few calls where the kernel can
   * (`BPF_MAP_UPDATE_BATCH`). Everything is checked before anything is stored.
   * If the kernel refuses one, those before it stay stored.
   */
  setAll(entries: Iterable<readonly [KI, VI]>): void;
  /**
   * Deletes many entries, in few calls where the kernel can
   * (`BPF_MAP_DELETE_BATCH`).
   *
   * @returns The number of entries that there were.
   */
  deleteAll(keys: Iterable<KI>): number;
  /**
   * Takes all entries out of the map (`BPF_MAP_LOOKUP_AND_DELETE_BATCH`): what
   * a program counts meanwhile is either in them or still in the map. For maps
   * other than hashes see {@linkcode MapTable.take}.
   */
  takeAll(): [K, V][];
}

/**
 * The entries of a per-CPU map as plain data: a value is an array of one for
 * each possible CPU, in their order.
 */
export interface PerCpuTable<K, V, KI = K, VI = V>
  extends MapTable<K, V[], KI, ArrayLike<VI>> {
  /**
   * The sum of the values of all CPUs, field by field; undefined where there is
   * no such entry. It is exact: bigints do not wrap at 64 bits, nor numbers at
   * 32.
   *
   * @throws {InvalidTypeError} if the type has fields other than numbers, such
   * as text, or is not known.
   */
  sum(key: KI): V | undefined;
  /**
   * The keys, each with the sum of its values.
   *
   * @throws {InvalidTypeError} as {@linkcode PerCpuTable.sum} does.
   */
  sums(): Generator<[K, V], void>;
}

/** The types of a table, where they are known. */
export interface TableTypes {
  readonly keyType: Type | undefined;
  readonly valueType: Type | undefined;
}

/**
 * The codec of a map's values, of all CPUs where it has one for each.
 *
 * @throws {InvalidTypeError} if the type cannot be pointed to, or has another
 * size.
 * @throws {NotSupportedError} if the map has no values.
 */
function valueCodec(
  { info }: OpenMap,
  type: Type | undefined,
): Codec {
  const length = valueLength(info);
  if (info.type === undefined || !isPerCpu(info.type)) {
    return codecOf(type, "values", info.valueSize, length);
  }
  const stride = strideOf(info.valueSize);
  const one = codecOf(type, "values", info.valueSize, stride);
  return perCpuCodec(one, possibleCpus().length, stride);
}

class Table implements MapTable<unknown, unknown> {
  readonly #map: OpenMap;
  readonly #keys: Codec;
  readonly #values: Codec;
  readonly #keySize: number;
  readonly #valueSize: number;
  #block: ReadBlock | undefined;

  constructor(map: OpenMap, { keyType, valueType }: TableTypes) {
    const { type, keySize } = map.info;
    this.#valueSize = valueLength(map.info);
    if (keySize === 0) {
      throw new NotSupportedError(
        `Cannot go by keys in a map of type ${type}: it has none${
          remedyFor(type)
        }`,
      );
    }
    this.#map = map;
    this.#keySize = keySize;
    this.#keys = codecOf(keyType, "keys", keySize, keySize);
    this.#values = valueCodec(map, valueType);
  }

  get(key: unknown): unknown {
    const bytes = this.#keys.write(key);
    return this.#read(lookup(this.#map.fd, this.#map.info, bytes));
  }

  has(key: unknown): boolean {
    const bytes = this.#keys.write(key);
    return lookup(this.#map.fd, this.#map.info, bytes) !== undefined;
  }

  set(key: unknown, value: unknown, mode: UpdateMode = "any"): void {
    refuseIds(this.#map.info);
    const flags = modeNumber(mode);
    const keyBytes = this.#keys.write(key);
    const valueBytes = this.#values.write(value);
    update(this.#map.fd, this.#map.info, keyBytes, valueBytes, flags);
  }

  delete(key: unknown): boolean {
    const bytes = this.#keys.write(key);
    return remove(this.#map.fd, this.#map.info, bytes);
  }

  take(key: unknown): unknown {
    const bytes = this.#keys.write(key);
    return this.#read(takeOne(this.#map.fd, this.#map.info, bytes));
  }

  keys(): Generator<unknown, void> {
    return this.#each(
      (reader, i, copy) => this.#keyOf(reader, i, copy),
      "keys",
    );
  }

  values(): Generator<unknown, void> {
    return this.#each((reader, i, copy) => this.#valueOf(reader, i, copy));
  }

  entries(): Generator<[unknown, unknown], void> {
    return this.#each((reader, i, copy) => this.#entryOf(reader, i, copy));
  }

  *#each<T>(
    read: (reader: EntryReader, index: number, copy: Copy) => T,
    reading: Reading = "lookup",
  ): Generator<T, void> {
    const reader = new EntryReader(this.#map, reading);
    const copy = sharedCopies();
    while (reader.fetch()) {
      for (let i = 0; i < reader.count; i++) {
        void this.#map.fd; // It may have been closed since the last one.
        yield read(reader, i, copy);
      }
    }
  }

  [Symbol.iterator](): Generator<[unknown, unknown], void> {
    return this.entries();
  }

  setAll(entries: Iterable<readonly [unknown, unknown]>): void {
    refuseIds(this.#map.info);
    const keys: Uint8Array[] = [];
    const values: Uint8Array[] = [];
    for (const [key, value] of entries) {
      keys.push(this.#keys.write(key));
      values.push(this.#values.write(value));
    }
    updateAll(this.#map, keys, values);
  }

  deleteAll(keys: Iterable<unknown>): number {
    const all: Uint8Array[] = [];
    for (const key of keys) all.push(this.#keys.write(key));
    return removeAll(this.#map, all);
  }

  takeAll(): [unknown, unknown][] {
    const reader = new EntryReader(this.#map, "take");
    const copy = sharedCopies();
    const all: [unknown, unknown][] = [];
    while (reader.fetch()) {
      for (let i = 0; i < reader.count; i++) {
        all.push(this.#entryOf(reader, i, copy));
      }
    }
    return all;
  }

  #keyOf(reader: EntryReader, index: number, copy: Copy): unknown {
    return this.#keys.read(reader.keys, index * this.#keySize, copy);
  }

  #valueOf(reader: EntryReader, index: number, copy: Copy): unknown {
    return this.#values.read(reader.values, index * this.#valueSize, copy);
  }

  #entryOf(
    reader: EntryReader,
    index: number,
    copy: Copy,
  ): [unknown, unknown] {
    return [
      this.#keyOf(reader, index, copy),
      this.#valueOf(reader, index, copy),
    ];
  }

  #read(bytes: Uint8Array<ArrayBuffer> | undefined): unknown {
    if (bytes === undefined) return undefined;
    // One region for all: making one takes as long as asking the kernel.
    const block = this.#block ??= new ReadBlock(this.#valueSize);
    block.put(bytes);
    return this.#values.read(block.region, 0, ownCopy);
  }
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

/** @throws {NotSupportedError} if what is looked up is not what is stored. */
function refuseIds({ type }: MapInfo): void {
  if (!hasIds(type)) return;
  const method = type === "prog_array" ? "updateProgram()" : "updateMap()";
  throw new NotSupportedError(
    `A map of type ${type} is given descriptors, and gives ids: use ${method}`,
  );
}

class SummingTable extends Table implements PerCpuTable<unknown, unknown> {
  readonly #type: Type | undefined;
  #add: Sum | undefined;

  constructor(map: OpenMap, types: TableTypes) {
    super(map, types);
    this.#type = types.valueType;
  }

  override get(key: unknown): unknown[] | undefined {
    return super.get(key) as unknown[] | undefined;
  }

  override take(key: unknown): unknown[] | undefined {
    return super.take(key) as unknown[] | undefined;
  }

  override values(): Generator<unknown[], void> {
    return super.values() as Generator<unknown[], void>;
  }

  override entries(): Generator<[unknown, unknown[]], void> {
    return super.entries() as Generator<[unknown, unknown[]], void>;
  }

  override [Symbol.iterator](): Generator<[unknown, unknown[]], void> {
    return this.entries();
  }

  override takeAll(): [unknown, unknown[]][] {
    return super.takeAll() as [unknown, unknown[]][];
  }

  sum(key: unknown): unknown {
    const add = this.#adding();
    const values = this.get(key);
    return values === undefined ? undefined : add(values);
  }

  *sums(): Generator<[unknown, unknown], void> {
    const add = this.#adding();
    for (const [key, values] of this.entries()) yield [key, add(values)];
  }

  #adding(): Sum {
    if (this.#type === undefined) {
      throw new InvalidTypeError(
        "Cannot add up values whose type is not known: pass a valueType",
      );
    }
    return this.#add ??= sumOf(this.#type);
  }
}

/**
 * The table of a map, per-CPU or not.
 *
 * @throws {InvalidTypeError} if a type cannot be pointed to, or has another size.
 * @throws {NotSupportedError} if the map has no keys or no values.
 */
export function tableOf(
  map: OpenMap,
  types: TableTypes,
): MapTable<unknown, unknown> {
  return hasCpus(map) ? new SummingTable(map, types) : new Table(map, types);
}

/** The table of a per-CPU map. @throws {NotSupportedError} if it is none. */
export function perCpuTableOf(
  map: OpenMap,
  types: TableTypes,
): PerCpuTable<unknown, unknown> {
  if (hasCpus(map)) return new SummingTable(map, types);
  throw new NotSupportedError(
    `A map of type ${map.info.type} has no values for each CPU: use table()`,
  );
}

/** @throws {NotSupportedError} if a map has a value for each CPU. */
export function refusePerCpu({ type }: MapInfo): void {
  if (type !== undefined && isPerCpu(type)) {
    throw new NotSupportedError(
      `A map of type ${type} has values for each CPU: use perCpu()`,
    );
  }
}

/** Tests whether a map has a value for each CPU. */
function hasCpus({ info }: OpenMap): boolean {
  return info.type !== undefined && isPerCpu(info.type);
}
