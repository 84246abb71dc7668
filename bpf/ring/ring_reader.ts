/**
 * Reading a ring buffer: one reader at a time, which holds what it has read
 * until it publishes the position.
 */

import { BoundsError, ClosedError } from "../../errors.ts";
import { toBigInt, toNumber } from "../../ffi/mod.ts";
import { NativeInt32Array } from "../../layout/intrinsics.ts";
import { Region } from "../../layout/region/region.ts";
import type { Type } from "../../layout/mod.ts";
import {
  type Drain,
  type Drained,
  drainOf,
  ownDrainOf,
  SHORT,
} from "./drain.ts";
import type { RecordReader } from "./iterate.ts";
import type { RingMemory } from "./memory.ts";
import {
  type Committed,
  committedOn,
  loadPosition,
  storePosition,
} from "./memory_order.ts";
import { shownAs } from "./record_view.ts";

const { asIntN, asUintN } = BigInt;

/** What is called with a record and its length in bytes. */
export type RecordCallback = (record: never, length: number) => void;

const committed: Committed = committedOn(Deno.build.arch);
const nothing: RecordCallback = () => {};

/** Reads the records of one ring. */
export class RingReader implements RecordReader {
  /** Undefined once closed. */
  #memory: RingMemory | undefined;
  readonly #size: number;
  readonly #name: string;
  /** The region of the records, which reaches memory while they are valid. */
  readonly #shown: Region;
  readonly #drained: Drained;
  readonly #consumed: Int32Array;
  readonly #step: Drain;
  #drain: Drain | undefined;
  #reading = false;
  /** The position that is published. */
  #base = 0n;
  /** Its low 32 bits. */
  #from = 0;
  /** How many bytes after it the producer had reserved at the last look. */
  #available = 0;
  /** Called when the ring is closed, by who reads it. */
  onclose: (() => void) | undefined = undefined;

  /**
   * Takes over the memory of a ring.
   *
   * @param memory The memory.
   * @param type What its records are.
   * @throws as `shownAs` does.
   */
  constructor(memory: RingMemory, type: Type | undefined) {
    const { data, geometry: { size } } = memory;
    const region = new Region(data.buffer, data.start, data.size, data.noun);
    const { record, move, least } = shownAs(type, region);
    region.release();
    this.#memory = memory;
    this.#size = size;
    this.#name = type?.name ?? "Record";
    this.#shown = region;
    this.#consumed = new NativeInt32Array(2);
    this.#drained = {
      data: data.i32,
      mask: size - 1,
      record,
      move,
      least,
      consumed: this.#consumed,
    };
    this.#step = drainOf(this.#drained);
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#memory === undefined;
  }

  /** The object that shows the record which was read last. */
  get record(): object {
    return this.#drained.record;
  }

  /** How many bytes are reserved and not consumed, as the positions say. */
  unread(): number {
    const { consumer, producer } = this.#live();
    // The consumer's first: it never overtakes the other.
    const from = loadPosition(consumer.u64);
    return this.#distance(loadPosition(producer.u64), from);
  }

  /**
   * Begins to read: from here to `end` nobody else can. What there is to be read
   * now is all that is read until the next `look`.
   *
   * @throws {ClosedError} if the ring is closed.
   * @throws {TypeError} if it is being read already.
   * @throws {BoundsError} if its positions cannot be.
   */
  begin(): void {
    const { consumer, data } = this.#live();
    if (this.#reading) {
      throw new TypeError(
        "Cannot read the ring buffer: it is being read already, by an iteration that has not ended or a callback that has not returned",
      );
    }
    // Each time anew: another process may have read meanwhile.
    this.#base = loadPosition(consumer.u64);
    this.#from = toNumber(asIntN(32, this.#base));
    this.#consumed[0] = 0;
    this.look();
    this.#shown.useViewsOf(data);
    this.#reading = true;
  }

  /** Looks how much there is to be read now. */
  look(): void {
    const { producer } = this.#live();
    const end = loadPosition(producer.u64);
    this.#available = this.#distance(end, this.#base);
  }

  #distance(end: bigint, from: bigint): number {
    const distance = toNumber(asIntN(64, end - from));
    if (distance < 0 || distance > this.#size || (from & 7n) !== 0n) {
      throw new BoundsError(
        `Cannot read the ring buffer of ${this.#size} bytes: the consumer's position is ${from}, the producer's ${end}`,
      );
    }
    return distance;
  }

  /**
   * Calls back with all records that there are.
   *
   * @param limit How many at the most.
   * @returns How many there were.
   */
  consume(limit: number, callback: RecordCallback): number {
    this.begin();
    let count: number;
    try {
      count = this.#readAll(limit, callback);
    } catch (error) {
      this.endBecause();
      throw error;
    }
    this.end();
    return count;
  }

  /** Reads, and publishes the position whenever a quarter of the ring was. */
  #readAll(limit: number, callback: RecordCallback): number {
    const drain = this.#drain ??= ownDrainOf(this.#drained);
    const most = this.#size >>> 2;
    let count = 0;
    while (count < limit) {
      const read = this.#read(drain, most, limit - count, callback);
      count += read;
      // Nothing was consumed; or the callback has closed the ring.
      if (this.#consumed[0] === 0 || this.closed) break;
      this.publish();
    }
    return count;
  }

  /**
   * Goes on to the next record.
   *
   * @param most How many bytes to hold before the position is published.
   * @returns Whether there is one.
   */
  readOne(most: number): boolean {
    while (!this.closed) {
      const before = this.#consumed[0]!;
      if (before >= most) this.publish();
      const held = this.#consumed[0]!;
      if (this.#read(this.#step, 1, 1, nothing) === 1) return true;
      // What was discarded is no record; what was not consumed is busy.
      if (this.#consumed[0] === held) return false;
    }
    return false;
  }

  #read(
    drain: Drain,
    most: number,
    limit: number,
    callback: RecordCallback,
  ): number {
    const { data, mask } = this.#drained;
    const held = this.#consumed[0]!;
    const left = this.#available - held;
    if (left <= 0) return 0;
    const budget = held + committed(
      data,
      mask,
      (this.#from + held) | 0,
      left,
      left < most ? left : most,
    );
    const count = drain(
      this.#from,
      this.#available,
      budget,
      limit,
      callback,
    );
    if (count < 0) this.#refuse(count);
    return count;
  }

  #refuse(reason: number): never {
    const { data, mask, least } = this.#drained;
    const consumed = this.#consumed[0]!;
    if (reason === SHORT) {
      throw new BoundsError(
        `${this.#name}: ${least}-byte value exceeds the record of ${
          this.#consumed[1]
        } bytes`,
      );
    }
    const header = data[((this.#from + consumed) & mask) >>> 2]! >>> 0;
    throw new BoundsError(
      `Cannot read the ring buffer: at position ${
        this.#base + toBigInt(consumed)
      } there is the header 0x${header.toString(16)}, which exceeds the ${
        this.#available - consumed
      } bytes that are reserved`,
    );
  }

  /**
   * Publishes the position: the producer has the room of what was read.
   *
   * @throws {TypeError} if somebody else has moved it: two consumers would each
   * take the other's records.
   */
  publish(): void {
    const consumed = this.#consumed[0]!;
    if (consumed === 0) return;
    const { consumer } = this.#live();
    const found = loadPosition(consumer.u64);
    if (found !== this.#base) {
      throw new TypeError(
        `Cannot go on reading the ring buffer: it has another consumer, who moved the position from ${this.#base} to ${found}`,
      );
    }
    this.#base = asUintN(64, this.#base + toBigInt(consumed));
    this.#from = (this.#from + consumed) | 0;
    this.#available -= consumed;
    this.#consumed[0] = 0;
    storePosition(consumer.u64, this.#base);
  }

  /** Ends the validity of the record until there is another: for a wait. */
  rest(): void {
    this.#shown.release();
  }

  /** Ends that: there may be a record now. */
  resume(): void {
    this.#shown.useViewsOf(this.#live().data);
  }

  /** Publishes the position, and lets others read. Once more is nothing. */
  end(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#shown.release();
    if (!this.closed) this.publish();
  }

  /** Ends after an error, which counts more than one of ending. */
  endBecause(): void {
    try {
      this.end();
    } catch {
      // The first error is thrown.
    }
  }

  /** Publishes the position and unmaps the ring. Once more is nothing. */
  close(): void {
    const memory = this.#memory;
    if (memory === undefined) return;
    try {
      if (this.#reading) this.publish();
    } finally {
      this.#memory = undefined;
      this.#shown.release();
      this.onclose?.();
      memory.close();
    }
  }

  #live(): RingMemory {
    if (this.#memory === undefined) {
      throw new ClosedError("The ring buffer is closed");
    }
    return this.#memory;
  }
}
