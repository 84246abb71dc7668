/** Reads all entries of a map, many at a time where the kernel can. */

import { EINTR, ENOENT, ENOSPC } from "../../../ffi/mod.ts";
import type { Region } from "../../../layout/region/region.ts";
import { checked } from "../../../ffi/bpf/attributes.ts";
import { Block } from "../../../ffi/block.ts";
import { ReadBlock } from "./codec.ts";
import { type BatchResult, runBatch } from "./batch_commands.ts";
import { isMissing, lookup, nextKey, takeOne } from "./commands.ts";
import type { EntryLayout } from "./layout.ts";
import { roundUp } from "../../../base/round.ts";
import type { OpenMap } from "../info.ts";
import type { MapType } from "../type.ts";

/** The bytes of entries that are asked for at once, unless one has more. */
const CHUNK_SIZE = 1 << 20;
/**
 * The number of entries that are fetched in a go where each takes calls of its
 * own.
 */
const SINGLES = 64;
/** The most times that a command is repeated that got nowhere. */
const RETRIES = 8;
/** The number of a bucket, which is what a hash's batch stops at. */
const BUCKET_SIZE = 4;
/** The alignment of cursors, which lie one behind the other. */
const CURSOR_ALIGN = 8;

/**
 * The parts that are read: the keys, which more types of map have than values
 * that processes may look up, the entries, or the entries while they are taken
 * out of the map.
 */
export type Reading = "keys" | "lookup" | "take";

/** The position of a reader, for another to continue from. */
export interface Position {
  /** True if it goes on by batches, or by calls of their own. */
  readonly mode: "batches" | "singles";
  /** The kernel's cursor behind the last batch; undefined before any. */
  readonly cursor: Uint8Array<ArrayBuffer> | undefined;
  /** The key that was read last by a call of its own. */
  readonly key: Uint8Array<ArrayBuffer> | undefined;
  /** The number of keys that may still be asked for. */
  readonly left: number;
}

/** The position where a reader begins, and the size of its batches. */
export interface ReadOptions {
  /** The position of another reader; the beginning by default. */
  readonly from?: Position | undefined;
  /**
   * The number of entries that it fetches at once; as many as take a megabyte.
   */
  readonly size?: number | undefined;
}

/** Blocks for so many keys and values, which the kernel writes. */
interface Chunk {
  readonly capacity: number;
  readonly keys: ReadBlock;
  readonly values: ReadBlock;
}

/** Tests whether a batch stops at a bucket; at a key where it does not. */
function stopsAtBuckets(type: MapType | undefined): boolean {
  switch (type) {
    case "hash":
    case "percpu_hash":
    case "lru_hash":
    case "lru_percpu_hash":
    case "hash_of_maps":
      return true;
    default:
      return false;
  }
}

/**
 * Goes through all entries once. What it fetched lies in regions of its own,
 * which no one else writes, until it fetches more.
 *
 * Others may write the map meanwhile: then entries that come or go may be among
 * those read or not, and one that is deleted and stored again may be read twice;
 * but there is an end. All that stay are read where batches stop at buckets;
 * where they stop at a key and that is deleted, the kernel begins anew, and the
 * end may come before some of them.
 */
export class EntryReader {
  readonly #map: OpenMap;
  readonly #reading: Reading;
  readonly #keySize: number;
  readonly #valueSize: number;
  readonly #stopsAtBuckets: boolean;
  /** The cursor at which the last batch stopped, and that of the next one. */
  readonly #cursors: Block;
  readonly #cursorSize: number;
  /** The number of the cursor that the last batch wrote; undefined before any. */
  #cursor: 0 | 1 | undefined;
  /** The key that was read last by a call of its own. */
  #key: Uint8Array<ArrayBuffer> | undefined;
  #chunk: Chunk | undefined;
  #mode: "batches" | "singles" | "ended" = "batches";
  /** The number of keys that may still be asked for: a lost one begins anew. */
  #left: number;
  readonly #size: number | undefined;
  /** The number of entries that it fetched last. */
  count = 0;

  constructor(
    map: OpenMap,
    { keySize, valueLength }: EntryLayout,
    reading: Reading,
    { from, size }: ReadOptions = {},
  ) {
    const { info } = map;
    this.#map = map;
    this.#reading = reading;
    this.#keySize = keySize;
    this.#valueSize = valueLength;
    this.#stopsAtBuckets = stopsAtBuckets(info.type);
    this.#cursorSize = roundUp(
      keySize < BUCKET_SIZE ? BUCKET_SIZE : keySize,
      CURSOR_ALIGN,
    );
    this.#cursors = new Block(2 * this.#cursorSize);
    // Storage of cgroups says that it has no entries at most.
    this.#left = info.maxEntries === 0 ? Infinity : info.maxEntries;
    this.#size = size;
    if (from !== undefined) this.#goOn(from);
  }

  #goOn({ mode, cursor, key, left }: Position): void {
    this.#mode = mode;
    this.#key = key;
    this.#left = left;
    if (cursor === undefined) return;
    this.#cursors.put(cursor);
    this.#cursor = 0;
  }

  /** The position at which the next fetch begins; undefined behind the last. */
  get position(): Position | undefined {
    if (this.#mode === "ended") return undefined;
    return {
      mode: this.#mode,
      cursor: this.#cursor === undefined ? undefined : this.#cursors.take(
        this.#cursor * this.#cursorSize,
        this.#cursorSize,
      ),
      key: this.#key,
      left: this.#left,
    };
  }

  /** A copy of the keys that were fetched last. */
  copyKeys(): Uint8Array<ArrayBuffer> {
    return this.#chunk!.keys.take(0, this.count * this.#keySize);
  }

  /** A copy of the values that were fetched last. */
  copyValues(): Uint8Array<ArrayBuffer> {
    return this.#chunk!.values.take(0, this.count * this.#valueSize);
  }

  /** The keys, each directly behind the one before. */
  get keys(): Region {
    return this.#chunk!.keys.region;
  }

  /** The values, each directly behind the one before. */
  get values(): Region {
    return this.#chunk!.values.region;
  }

  /**
   * Fetches the next entries.
   *
   * @returns True if there were any.
   * @throws {ClosedError} if the map is closed.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  fetch(): boolean {
    this.count = 0;
    while (this.count === 0 && this.#mode !== "ended") {
      if (this.#mode === "batches") this.#fetchBatch();
      else this.#fetchSingles();
    }
    return this.count > 0;
  }

  #chunkFor(capacity: number): Chunk {
    if (this.#chunk === undefined || this.#chunk.capacity < capacity) {
      this.#chunk = {
        capacity,
        keys: new ReadBlock(capacity * this.#keySize),
        values: new ReadBlock(capacity * this.#valueSize),
      };
    }
    return this.#chunk;
  }

  #fetchBatch(): void {
    const most = this.#map.info.maxEntries;
    let capacity = this.#chunk?.capacity ?? this.#firstCapacity();
    for (let tries = 0;;) {
      const { result, count } = this.#runBatch(this.#chunkFor(capacity));
      if (result === -ENOSPC && count === 0 && capacity <= 2 * most) {
        // A bucket goes whole or not at all. It has no more than the map.
        capacity *= 2;
        continue;
      }
      if (result === -EINTR) {
        // What kernels before 6.14 say when entries go away beneath them, and
        // of arrays of maps that are not full.
        if (count === 0 && tries++ < RETRIES) continue;
        if (count === 0) return this.#fallBack();
      } else if (isMissing(result)) {
        return this.#fallBack();
      } else if (result === -ENOENT) {
        this.#mode = "ended";
      } else {
        checked(COMMANDS[this.#reading], result);
      }
      this.#cursor = this.#nextCursor;
      // By buckets there is an end; keys can begin anew.
      this.count = this.#stopsAtBuckets ? count : this.#spend(count);
      return;
    }
  }

  #firstCapacity(): number {
    const { maxEntries } = this.#map.info;
    const bytes = this.#keySize + this.#valueSize;
    const fitting = this.#size ?? Math.floor(CHUNK_SIZE / bytes);
    const capacity = maxEntries < fitting ? maxEntries : fitting;
    return capacity < 1 ? 1 : capacity;
  }

  #runBatch({ capacity, keys, values }: Chunk): BatchResult {
    return runBatch(COMMANDS[this.#reading], this.#map.fd, {
      from: this.#cursor === undefined ? 0n : this.#addressOf(this.#cursor),
      to: this.#addressOf(this.#nextCursor),
      keys: keys.address,
      values: values.address,
      count: capacity,
    });
  }

  get #nextCursor(): 0 | 1 {
    return this.#cursor === 0 ? 1 : 0;
  }

  #addressOf(cursor: 0 | 1): bigint {
    return this.#cursors.address + BigInt(cursor * this.#cursorSize);
  }

  /** So many keys were asked for: how many of them may be given. */
  #spend(count: number): number {
    if (count >= this.#left) {
      count = this.#left;
      this.#mode = "ended";
    }
    this.#left -= count;
    return count;
  }

  /** From here on by calls of their own: there is no batch, or it is no use. */
  #fallBack(): void {
    this.#mode = "singles";
    if (this.#cursor === undefined || this.#stopsAtBuckets) return;
    const start = this.#cursor * this.#cursorSize;
    const { buffer } = this.#cursors;
    this.#key = new Uint8Array(this.#keySize);
    this.#key.set(new Uint8Array(buffer, start, this.#keySize));
  }

  #fetchSingles(): void {
    const map = this.#map;
    const { info } = map;
    const most = this.#size !== undefined && this.#size < SINGLES
      ? this.#size
      : SINGLES;
    const chunk = this.#chunkFor(most);
    let count = 0;
    for (let i = 0; i < most && this.#mode !== "ended"; i++) {
      // What was taken has no key behind it: the first is the next.
      const before = this.#reading === "take" ? undefined : this.#key;
      const key = nextKey(map.fd, info, before);
      if (key === undefined) {
        this.#mode = "ended";
        break;
      }
      this.#spend(1);
      this.#key = key;
      if (this.#reading !== "keys") {
        const value = this.#reading === "take"
          ? takeOne(map.fd, info, key)
          : lookup(map.fd, info, key);
        if (value === undefined) continue; // Another deleted it meanwhile.
        chunk.values.put(value, count * this.#valueSize);
      }
      chunk.keys.put(key, count * this.#keySize);
      count++;
    }
    this.count = count;
  }
}

const COMMANDS = {
  keys: "BPF_MAP_LOOKUP_BATCH",
  lookup: "BPF_MAP_LOOKUP_BATCH",
  take: "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
} as const;
