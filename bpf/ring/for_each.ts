/** Calling back with records as they come, at the speed of `consume`. */

import { setImmediate } from "node:timers/promises";
import type { RecordCallback, RecordReader } from "./record_reader.ts";
import { type EndSignals, RecordWait } from "./record_wait.ts";

/** A reader, and the function that its records go to. */
export interface RecordSink {
  readonly reader: RecordReader;
  readonly callback: RecordCallback<unknown[]>;
}

/** The number of records of a ring that are read before the others have a turn. */
const BATCH = 4096;
/** The milliseconds of reading after which the event loop turns. */
const TURN_AFTER = 4;

/**
 * Calls back with the records that there are and those that come, until a signal,
 * the limit, or the closing of all readers ends it.
 *
 * @returns The number of records.
 */
export async function forEachRecord(
  sinks: readonly RecordSink[],
  signals: EndSignals,
  limit: number,
): Promise<number> {
  const wait = new RecordWait(sinks.map(({ reader }) => reader), signals);
  let count = 0;
  wait.begin();
  try {
    // The time since which records are read without a turn; undefined after a wait,
    // until the first are read: to look at the clock before takes a tenth of the
    // time from a record to its reader.
    let since: number | undefined = performance.now();
    while (count < limit && !wait.isOver()) {
      const before = count;
      for (const { reader, callback } of sinks) {
        count += reader.readMore(Math.min(BATCH, limit - count), callback);
      }
      if (count === before) {
        await wait.event();
        since = undefined;
      } else if (since === undefined) {
        since = performance.now();
      } else if (performance.now() - since > TURN_AFTER) {
        await setImmediate();
        since = performance.now();
      }
    }
  } catch (error) {
    wait.endAfterError();
    throw error;
  }
  wait.end();
  return count;
}
