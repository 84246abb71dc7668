/** The entries of a map in batches, as the kernel gives them. */

import { requireOptions, requireU32 } from "../../../base/arguments.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import { show } from "../../../base/show.ts";
import type { OpenMap } from "../info.ts";
import { entryLayout } from "./layout.ts";
import { EntryReader, type Position } from "./reader.ts";

let positionIn: (cursor: MapCursor) => Position;
let mapIdIn: (cursor: MapCursor) => number;
let cursorAt: (mapId: number, position: Position) => MapCursor;

/**
 * A place between two batches of a map, to go on from: by `from` of
 * {@linkcode BpfMap.batches}, now or later, as often as wanted. It keeps nothing
 * of the kernel's.
 */
export class MapCursor {
  readonly #mapId: number;
  readonly #position: Position;

  private constructor(mapId: number, position: Position) {
    this.#mapId = mapId;
    this.#position = position;
  }

  static {
    positionIn = (cursor) => cursor.#position;
    mapIdIn = (cursor) => cursor.#mapId;
    cursorAt = (mapId, position) => new MapCursor(mapId, position);
  }

  /**
   * Tests whether something is a cursor.
   *
   * @ignore
   */
  static isCursor(value: unknown): value is MapCursor {
    return typeof value === "object" && value !== null && #mapId in value;
  }
}

/**
 * Some entries of a map, copied, in memory of their own: whatever becomes of the
 * map, it stays as it is.
 */
export interface MapBatch {
  /** The number of entries. */
  readonly length: number;
  /** The keys, each directly behind the one before. */
  readonly keys: Uint8Array<ArrayBuffer>;
  /**
   * The values in the order of the keys, each directly behind the one before;
   * each of a per-CPU map has a part for each possible CPU, rounded up to 8
   * bytes.
   */
  readonly values: Uint8Array<ArrayBuffer>;
  /** The cursor to continue from; undefined behind the last entry. */
  readonly cursor: MapCursor | undefined;
}

/** Options of {@linkcode BpfMap.batches}. */
export interface BatchOptions {
  /** The cursor to begin at, of a batch of the same map. */
  readonly from?: MapCursor | undefined;
  /**
   * The largest number of entries of a batch; by default as many as about a
   * megabyte holds. A batch of a hash has more if one bucket has more: a bucket
   * is never split.
   */
  readonly size?: number | undefined;
}

const batchOptions: OptionNames<BatchOptions> = { from: true, size: true };

function positionOf(
  { info }: OpenMap,
  cursor: unknown,
): Position | undefined {
  if (cursor === undefined) return undefined;
  if (!MapCursor.isCursor(cursor)) {
    throw new TypeError(
      `Option from must be the cursor of a batch: received ${show(cursor)}`,
    );
  }
  const id = mapIdIn(cursor);
  if (id !== info.id) {
    throw new TypeError(
      `Option from must be a cursor of this map, of id ${info.id}: it is one of the map of id ${id}`,
    );
  }
  return positionIn(cursor);
}

/**
 * The entries of a map in batches.
 *
 * @throws {TypeError | RangeError} if an option is not of its kind.
 * @throws {NotSupportedError} if the map has no keys.
 */
export function batchesOf(
  map: OpenMap,
  options: BatchOptions,
): Generator<MapBatch, void> {
  requireOptions(options, batchOptions);
  const { info } = map;
  const { size } = options;
  const layout = entryLayout(info);
  const from = positionOf(map, options.from);
  if (size !== undefined) requireU32("Option size", size, 1);
  void map.fd; // A closed map is told at once.
  const reader = new EntryReader(map, layout, "lookup", { from, size });
  return readBatches(reader, info.id);
}

function* readBatches(
  reader: EntryReader,
  mapId: number,
): Generator<MapBatch, void> {
  while (reader.fetch()) {
    const { count, position } = reader;
    yield {
      length: count,
      keys: reader.copyKeys(),
      values: reader.copyValues(),
      cursor: position && cursorAt(mapId, position),
    };
  }
}
