/** The one implementation of tables. */

import { InvalidTypeError, NotSupportedError } from "../../errors.ts";
import type { Type } from "../../layout/mod.ts";
import {
  type Codec,
  codecOf,
  makeRoom,
  perCpuCodec,
  type Room,
} from "./codec.ts";
import { lookup, remove, update, valueLength } from "./elements.ts";
import { EntryReader, takeOne } from "./entry_reader.ts";
import { removeAll, updateAll } from "./many.ts";
import { hasIds } from "./types_from_btf.ts";
import { strideOf } from "./map_size.ts";
import { possibleCpus } from "./possible_cpus.ts";
import { type Sum, sumOf } from "./sum.ts";
import type { MapInfo, OpenMap } from "./info.ts";
import { modeNumber, type UpdateMode } from "./options.ts";
import type { MapTable, PerCpuTable } from "./table.ts";
import { isPerCpu } from "./type.ts";

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
  return perCpuCodec(one, possibleCpus(), stride);
}

class Table implements MapTable<unknown, unknown> {
  readonly #map: OpenMap;
  readonly #keys: Codec;
  readonly #values: Codec;
  readonly #keySize: number;
  readonly #valueSize: number;
  #room: Room | undefined;

  constructor(map: OpenMap, { keyType, valueType }: TableTypes) {
    const { type, keySize } = map.info;
    this.#valueSize = valueLength(map.info);
    if (keySize === 0) {
      throw new NotSupportedError(
        `Cannot go by keys in a map of type ${type}: it has none`,
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

  *keys(): Generator<unknown, void> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<unknown, void> {
    for (const [, value] of this.entries()) yield value;
  }

  *entries(): Generator<[unknown, unknown], void> {
    const reader = new EntryReader(this.#map, "lookup");
    while (reader.fetch()) {
      for (let i = 0; i < reader.count; i++) {
        void this.#map.fd; // It may have been closed since the last one.
        yield this.#entryOf(reader, i);
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
    const all: [unknown, unknown][] = [];
    while (reader.fetch()) {
      for (let i = 0; i < reader.count; i++) all.push(this.#entryOf(reader, i));
    }
    return all;
  }

  #entryOf(reader: EntryReader, index: number): [unknown, unknown] {
    return [
      this.#keys.read(reader.keys, index * this.#keySize),
      this.#values.read(reader.values, index * this.#valueSize),
    ];
  }

  #read(bytes: Uint8Array<ArrayBuffer> | undefined): unknown {
    if (bytes === undefined) return undefined;
    // One region for all: making one takes as long as asking the kernel.
    const room = this.#room ??= makeRoom(this.#valueSize);
    room.bytes.set(bytes);
    return this.#values.read(room.region, 0);
  }
}

/** @throws {NotSupportedError} if what is looked up is not what is stored. */
function refuseIds({ type }: MapInfo): void {
  if (!hasIds(type)) return;
  const method = type === "prog_array" ? "update()" : "updateMap()";
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

/** Whether a map has a value for each CPU. */
function hasCpus({ info }: OpenMap): boolean {
  return info.type !== undefined && isPerCpu(info.type);
}
