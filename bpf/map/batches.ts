/** The commands of `bpf(2)` that take many entries at once. */

import { EINVAL, ENOENT, ENOTSUPP } from "../../ffi/mod.ts";
import { clearAttributes, run, SIZE } from "../../ffi/bpf/attributes.ts";
import type { BatchCommand } from "../../ffi/bpf/commands.ts";

/** What a command is given: addresses of what lies there. */
export interface Batch {
  /** Where the command before stopped; 0 for the first. */
  readonly from: bigint;
  /** Where it is to write where it stopped; 0 for storing and deleting. */
  readonly to: bigint;
  /** The keys, one behind the other. */
  readonly keys: bigint;
  /** The values, one behind the other; 0 for deleting. */
  readonly values: bigint;
  /** How many there are, or is room for. */
  readonly count: number;
}

/** What a command did. */
export interface BatchResult {
  /** Its result, or the negative reason. */
  readonly result: number;
  /** How many entries it did, also where it failed then. */
  readonly count: number;
}

/** Whether the kernel, or this type of map, has no such command. */
export function isMissing(result: number): boolean {
  return result === -ENOTSUPP || result === -EINVAL;
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
