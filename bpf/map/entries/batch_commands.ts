/** The commands of `bpf(2)` that take many entries at once. */

import { ENOENT } from "../../../ffi/mod.ts";
import {
  checked,
  clearAttributes,
  run,
  SIZE,
} from "../../../ffi/bpf/attributes.ts";
import type { BatchCommand } from "../../../ffi/bpf/commands.ts";
import { Block } from "../../../ffi/block.ts";
import type { OpenMap } from "../info.ts";
import { isMissing, remove, update } from "./commands.ts";
import { valueLength } from "./layout.ts";

/** The input of a command, by address. */
export interface Batch {
  /** The address of the cursor at which the last command stopped; 0 for none. */
  readonly from: bigint;
  /** The address of the cursor that it writes; 0 for storing and deleting. */
  readonly to: bigint;
  /** The keys, one behind the other. */
  readonly keys: bigint;
  /** The values, one behind the other; 0 for deleting. */
  readonly values: bigint;
  /** The number of entries, or of those that there is room for. */
  readonly count: number;
}

/** The result of a command. */
export interface BatchResult {
  /** Its result, or the negative reason. */
  readonly result: number;
  /** The number of entries that it processed, also if it then failed. */
  readonly count: number;
}

/** Runs a command. */
export function runBatch(
  command: BatchCommand,
  fd: number,
  { from, to, keys, values, count }: Batch,
): BatchResult {
  const { batch } = clearAttributes();
  batch.inBatch = from;
  batch.outBatch = to;
  batch.keys = keys;
  batch.values = values;
  batch.count = count;
  batch.mapFd = fd;
  const result = run(command, SIZE.batch);
  const done = batch.count;
  // What is refused at once leaves the count as it was. A command that did all
  // fails with ENOENT alone: there are no more.
  const refused = result < 0 && result !== -ENOENT && done >= count;
  return { result, count: refused ? 0 : done };
}

/** The most bytes of keys and values that are given to the kernel at once. */
const CHUNK_SIZE = 1 << 20;

/** The number of entries of a size that are given at once, of those left. */
function countFor(size: number, left: number): number {
  const fitting = Math.floor(CHUNK_SIZE / size);
  return fitting < 1 ? 1 : fitting < left ? fitting : left;
}

/** Puts some of a list one behind the other, each of that size. */
function pack(
  target: Uint8Array,
  list: readonly Uint8Array[],
  from: number,
  count: number,
  size: number,
): void {
  for (let i = 0; i < count; i++) {
    target.set(list[from + i]!, i * size);
  }
}

/**
 * Stores values (`BPF_MAP_UPDATE_BATCH`).
 *
 * @param keys The keys, of the map's size.
 * @param values As many values, of the map's size.
 * @throws {SystemError} where one is refused; those before it stay stored.
 */
export function updateAll(
  map: OpenMap,
  keys: readonly Uint8Array[],
  values: readonly Uint8Array[],
): void {
  const { info } = map;
  void map.fd; // Also where there is nothing to do, a closed map is told.
  const { length } = keys;
  const { keySize } = info;
  const valueSize = valueLength(info);
  const most = countFor(keySize + valueSize, length);
  if (most === 0) return;
  const keyRoom = new Block(most * keySize);
  const valueRoom = new Block(most * valueSize);
  for (let done = 0; done < length;) {
    const count = length - done < most ? length - done : most;
    pack(keyRoom.bytes, keys, done, count, keySize);
    pack(valueRoom.bytes, values, done, count, valueSize);
    const batch = runBatch("BPF_MAP_UPDATE_BATCH", map.fd, {
      from: 0n,
      to: 0n,
      keys: keyRoom.address,
      values: valueRoom.address,
      count,
    });
    if (isMissing(batch.result)) {
      for (let i = done + batch.count; i < length; i++) {
        update(map.fd, info, keys[i]!, values[i]!, 0n);
      }
      return;
    }
    checked("BPF_MAP_UPDATE_BATCH", batch.result);
    done += count;
  }
}

/**
 * Deletes entries (`BPF_MAP_DELETE_BATCH`).
 *
 * @param keys The keys, of the map's size.
 * @returns The number of them that there were.
 * @throws {SystemError} where one is refused; those before it stay deleted.
 */
export function removeAll(
  map: OpenMap,
  keys: readonly Uint8Array[],
): number {
  const { info } = map;
  void map.fd; // Also where there is nothing to do, a closed map is told.
  const { length } = keys;
  const { keySize } = info;
  const most = countFor(keySize, length);
  if (most === 0) return 0;
  const room = new Block(most * keySize);
  let removed = 0;
  for (let done = 0; done < length;) {
    const count = length - done < most ? length - done : most;
    pack(room.bytes, keys, done, count, keySize);
    const batch = runBatch("BPF_MAP_DELETE_BATCH", map.fd, {
      from: 0n,
      to: 0n,
      keys: room.address,
      values: 0n,
      count,
    });
    removed += batch.count;
    done += batch.count;
    if (isMissing(batch.result)) {
      for (; done < length; done++) {
        if (remove(map.fd, info, keys[done]!)) removed++;
      }
    } else if (batch.result === -ENOENT) {
      done++; // It stops at a key that is not there.
    } else {
      checked("BPF_MAP_DELETE_BATCH", batch.result);
    }
  }
  return removed;
}
