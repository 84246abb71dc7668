/** A map as a table of plain data. */

import { InvalidTypeError, NotSupportedError } from "../../../errors.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import type { Input, Type, Value, View, ViewOf } from "../../../layout/mod.ts";
import { removeAll, updateAll } from "./batch_commands.ts";
import {
  type Codec,
  type EntryCodecs,
  entryCodecs,
  ReadBlock,
} from "./codec.ts";
import { lookup, remove, takeOne, update } from "./commands.ts";
import { type Copy, ownCopy, sharedCopies } from "./copies.ts";
import { type EntryLayout, entryLayout } from "./layout.ts";
import { EntryReader, type Reading } from "./reader.ts";
import type { MapInfo, OpenMap } from "../info.ts";
import { modeNumber, type UpdateMode } from "../options.ts";
import type { EntryTypes } from "../types_from_btf.ts";
import { type Sum, sumOf } from "./sum.ts";
import { hasIds, isPerCpu, type MapType, type PerCpuMapType } from "../type.ts";

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

/**
 * The table of a map; of a per-CPU map with all values of an entry as one.
 *
 * @typeParam V The plain data of a value.
 */
class Table<V> implements MapTable<unknown, V> {
  readonly #map: OpenMap;
  readonly #layout: EntryLayout;
  readonly #keys: Codec;
  readonly #values: Codec;
  #block: ReadBlock | undefined;

  constructor(
    map: OpenMap,
    layout: EntryLayout,
    { keys, values }: EntryCodecs,
  ) {
    this.#map = map;
    this.#layout = layout;
    this.#keys = keys;
    this.#values = values;
  }

  get(key: unknown): V | undefined {
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

  take(key: unknown): V | undefined {
    const bytes = this.#keys.write(key);
    return this.#read(takeOne(this.#map.fd, this.#map.info, bytes));
  }

  keys(): Generator<unknown, void> {
    return this.#each(
      (reader, i, copy) => this.#keyOf(reader, i, copy),
      "keys",
    );
  }

  values(): Generator<V, void> {
    return this.#each((reader, i, copy) => this.#valueOf(reader, i, copy));
  }

  entries(): Generator<[unknown, V], void> {
    return this.#each((reader, i, copy) => this.#entryOf(reader, i, copy));
  }

  *#each<T>(
    read: (reader: EntryReader, index: number, copy: Copy) => T,
    reading: Reading = "lookup",
  ): Generator<T, void> {
    const copy = sharedCopies();
    const reader = new EntryReader(this.#map, this.#layout, reading);
    while (reader.fetch()) {
      for (let i = 0; i < reader.count; i++) {
        void this.#map.fd; // It may have been closed since the last one.
        yield read(reader, i, copy);
      }
    }
  }

  [Symbol.iterator](): Generator<[unknown, V], void> {
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

  takeAll(): [unknown, V][] {
    const copy = sharedCopies();
    const reader = new EntryReader(this.#map, this.#layout, "take");
    const all: [unknown, V][] = [];
    while (reader.fetch()) {
      for (let i = 0; i < reader.count; i++) {
        all.push(this.#entryOf(reader, i, copy));
      }
    }
    return all;
  }

  #keyOf(reader: EntryReader, index: number, copy: Copy): unknown {
    const offset = index * this.#layout.keySize;
    return this.#keys.read(reader.keys, offset, copy);
  }

  #valueOf(reader: EntryReader, index: number, copy: Copy): V {
    const offset = index * this.#layout.valueLength;
    return this.#values.read(reader.values, offset, copy) as V;
  }

  #entryOf(
    reader: EntryReader,
    index: number,
    copy: Copy,
  ): [unknown, V] {
    return [
      this.#keyOf(reader, index, copy),
      this.#valueOf(reader, index, copy),
    ];
  }

  #read(bytes: Uint8Array<ArrayBuffer> | undefined): V | undefined {
    if (bytes === undefined) return undefined;
    // One region for all: making one takes as long as asking the kernel.
    const block = this.#block ??= new ReadBlock(bytes.length);
    block.put(bytes);
    return this.#values.read(block.region, 0, ownCopy) as V;
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

class SummingTable extends Table<unknown[]>
  implements PerCpuTable<unknown, unknown> {
  readonly #type: Type | undefined;
  #add: Sum | undefined;

  constructor(
    map: OpenMap,
    layout: EntryLayout,
    codecs: EntryCodecs,
    type: Type | undefined,
  ) {
    super(map, layout, codecs);
    this.#type = type;
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
  types: EntryTypes,
): MapTable<unknown, unknown> {
  const layout = entryLayout(map.info);
  const codecs = entryCodecs(layout, types);
  return layout.cpus === undefined
    ? new Table(map, layout, codecs)
    : new SummingTable(map, layout, codecs, types.valueType);
}

/** @throws {NotSupportedError} unless a map has a value for each CPU. */
export function requirePerCpu({ type }: MapInfo): void {
  if (!isPerCpu(type)) {
    throw new NotSupportedError(
      `A map of type ${type} has no values for each CPU: use table()`,
    );
  }
}

/** @throws {NotSupportedError} if a map has a value for each CPU. */
export function refusePerCpu({ type }: MapInfo): void {
  if (isPerCpu(type)) {
    throw new NotSupportedError(
      `A map of type ${type} has values for each CPU: use perCpu()`,
    );
  }
}
