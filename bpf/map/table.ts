/** A map as a table of plain data. */

import type { Input, Type, Value, View, ViewOf } from "../../layout/mod.ts";
import type { UpdateMode } from "./options.ts";

/** What the keys and values of a map are, where its BTF does not say it. */
export interface MapTypes<K extends Type = Type, V extends Type = Type> {
  /**
   * What a key is. By default what the map's BTF says, or an index is; bytes
   * where nothing does.
   */
  readonly keyType?: K | undefined;
  /**
   * What a value is, of per-CPU maps that of one CPU. By default what the map's
   * BTF says; bytes where it has none.
   */
  readonly valueType?: V | undefined;
}

/**
 * What can be stored for a type: plain data, of which what is left out is zero,
 * or a pointer or view of the type.
 */
export type Storable<T extends Type> = Input<T> | ViewOf<T> | View<T>;

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
 * Methods that go through all entries fetch many at once (`BPF_MAP_LOOKUP_BATCH`
 * and its like, Linux 5.6) where kernel and map can, and one by one elsewhere.
 * Others may write the map meanwhile: what comes or goes may be given or not,
 * and there is always an end. Of hashes all that stays is given. Where the
 * kernel goes from key to key instead, in LPM tries and before Linux 5.6, the
 * deletion of a key lets it begin anew: then some may be given twice, and others
 * not, as never more are given than the map has room for.
 *
 * @typeParam K What a key is.
 * @typeParam V What a value is.
 * @typeParam KI What can be given for a key.
 * @typeParam VI What can be given for a value.
 */
export interface MapTable<K, V, KI = K, VI = V> extends Iterable<[K, V]> {
  /** The value of a key; undefined where there is no such entry. */
  get(key: KI): V | undefined;
  /** Whether there is an entry of that key. */
  has(key: KI): boolean;
  /**
   * Stores a value, all of it: what is left out of a struct is zero.
   *
   * @param mode Whether the entry may exist already, or must.
   */
  set(key: KI, value: VI, mode?: UpdateMode): void;
  /** Deletes an entry; tells whether there was one. */
  delete(key: KI): boolean;
  /**
   * Deletes an entry and gives its value; undefined where there was none. In one
   * step where the kernel can (`BPF_MAP_LOOKUP_AND_DELETE_ELEM`, of hashes since
   * Linux 5.14); elsewhere what is stored between its two steps is lost.
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
   * Where the kernel refuses one, those before it stay stored.
   */
  setAll(entries: Iterable<readonly [KI, VI]>): void;
  /**
   * Deletes many entries, in few calls where the kernel can
   * (`BPF_MAP_DELETE_BATCH`).
   *
   * @returns How many there were.
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
