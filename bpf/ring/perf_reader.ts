/** Reading the rings of all CPUs: one reader at a time. */

import { BoundsError, ClosedError } from "../../errors.ts";
import { toBigInt } from "../../ffi/mod.ts";
import {
  NativeArrayBuffer,
  NativeUint32Array,
} from "../../layout/intrinsics.ts";
import { Region } from "../../layout/region/region.ts";
import type { Type } from "../../layout/mod.ts";
import { LOST, type PerfRing, SAMPLE } from "./perf_ring.ts";
import type { RecordReader } from "./iterate.ts";
import { type Shown, shownAs } from "./record_view.ts";

/**
 * Room for the largest event, whose size has 16 bits: twice, as that which shows
 * records takes it for a ring buffer, where all data is there twice.
 */
const SCRATCH_SIZE = 2 * 65536;

/** Where in the scratch a record begins. */
const RECORD = 8;

/** What is called with a record, its length in bytes, and its CPU. */
export type PerfCallback = (record: never, length: number, cpu: number) => void;

/** Reads the events of all CPUs. */
export class PerfReader implements RecordReader {
  /** Undefined once closed. */
  #open: readonly PerfRing[] | undefined;
  readonly #name: string;
  /** An event without its header, so that its record is aligned to 8 bytes. */
  readonly #event: Uint32Array;
  readonly #scratch: Region;
  /** The region of the record, which reaches the scratch while it is valid. */
  readonly #region: Region;
  readonly #shown: Shown;
  #reading = false;
  #next = 0;
  #lost = 0n;
  /** How many bytes the record has that was read last. */
  length = 0;
  /** The CPU that it is of. */
  cpu = 0;
  /** Called when it is closed, by who reads. */
  onclose: (() => void) | undefined = undefined;

  /**
   * Reads from these rings.
   *
   * @param rings The rings.
   * @param type What each record is.
   * @throws as `shownAs` does.
   */
  constructor(rings: readonly PerfRing[], type: Type | undefined) {
    const buffer = new NativeArrayBuffer(RECORD + SCRATCH_SIZE);
    this.#scratch = new Region(buffer, RECORD, SCRATCH_SIZE, "record");
    this.#region = new Region(buffer, RECORD, SCRATCH_SIZE, "record");
    this.#shown = shownAs(type, this.#region);
    this.#region.release();
    // A sample is a length of 32 bits, then the record.
    this.#event = new NativeUint32Array(buffer, RECORD - 4, 65536 / 4);
    this.#open = rings;
    this.#name = type?.name ?? "Record";
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#open === undefined;
  }

  /** The object that shows the record which was read last. */
  get record(): object {
    return this.#shown.record;
  }

  /** How many records there was no room for, as far as was read. */
  get lost(): bigint {
    return this.#lost;
  }

  /** How many bytes there are that were not read, with headers. */
  unread(): number {
    const rings = this.#live();
    let sum = 0;
    for (let i = 0; i < rings.length; i++) sum += rings[i]!.unread();
    return sum;
  }

  /**
   * Begins to read: from here to `end` nobody else can. What there is now is all
   * that is read until the next `look`.
   *
   * @throws {ClosedError} if it is closed.
   * @throws {TypeError} if it is being read already.
   */
  begin(): void {
    this.#live();
    if (this.#reading) {
      throw new TypeError(
        "Cannot read the perf buffer: it is being read already, by an iteration that has not ended or a callback that has not returned",
      );
    }
    this.look();
    this.#reading = true;
  }

  /** Looks how much there is to be read now. */
  look(): void {
    const rings = this.#live();
    for (let i = 0; i < rings.length; i++) rings[i]!.look();
  }

  /**
   * Calls back with the records that there are.
   *
   * @param limit How many at the most.
   * @param most How many bytes of a ring to hold before their room is given back.
   * @returns How many there were.
   */
  consume(limit: number, most: number, callback: PerfCallback): number {
    this.begin();
    let count = 0;
    try {
      while (count < limit && this.readOne(most)) {
        count++;
        callback(this.record as never, this.length, this.cpu);
      }
    } catch (error) {
      this.endBecause();
      throw error;
    }
    this.end();
    return count;
  }

  /**
   * Goes on to the next record, of one CPU after the other.
   *
   * @param most How many bytes of a ring to hold before their room is given back.
   * @returns Whether there is one.
   * @throws {BoundsError} if it is shorter than the type; it is consumed.
   */
  readOne(most: number): boolean {
    this.#region.release();
    const rings = this.#open ?? [];
    for (let i = 0; i < rings.length; i++) {
      if (this.#readFrom(rings[this.#next]!, most)) return true;
      this.#next = (this.#next + 1) % rings.length;
    }
    return false;
  }

  #readFrom(ring: PerfRing, most: number): boolean {
    const event = this.#event;
    for (let type; (type = ring.read(event, most)) !== 0;) {
      // { u64 id; u64 lost; }: of the second the lower half.
      if (type === LOST) this.#lost += toBigInt(event[2]!);
      if (type !== SAMPLE) continue;
      this.#show(event[0]!, ring.cpu);
      return true;
    }
    return false;
  }

  #show(length: number, cpu: number): void {
    const { record, move, least } = this.#shown;
    // The kernel never says more than the event has; nothing is believed.
    const bytes = length < SCRATCH_SIZE / 2 ? length : SCRATCH_SIZE / 2;
    if (bytes < least) {
      throw new BoundsError(
        `${this.#name}: ${least}-byte value exceeds the record of ${bytes} bytes`,
      );
    }
    this.length = bytes;
    this.cpu = cpu;
    this.#region.useViewsOf(this.#scratch);
    move(record, 0, bytes);
  }

  /** Gives the kernel the room of what was read. */
  publish(): void {
    const rings = this.#open ?? [];
    for (let i = 0; i < rings.length; i++) rings[i]!.publish();
  }

  /** Ends the validity of the record until there is another: for a wait. */
  rest(): void {
    this.#region.release();
  }

  /** Ends that: there is a record. */
  resume(): void {
    this.#region.useViewsOf(this.#scratch);
  }

  /** Ends the validity of the record, and lets others read. */
  end(): void {
    this.#reading = false;
    this.#region.release();
    this.publish();
  }

  /** Ends after an error, which counts more than one of ending. */
  endBecause(): void {
    try {
      this.end();
    } catch {
      // The first error is thrown.
    }
  }

  /** Publishes what was read, and unmaps the rings. */
  close(): void {
    const rings = this.#open;
    if (rings === undefined) return;
    if (this.#reading) this.publish();
    this.#open = undefined;
    this.#region.release();
    this.onclose?.();
    for (let i = 0; i < rings.length; i++) rings[i]!.close();
  }

  #live(): readonly PerfRing[] {
    if (this.#open === undefined) {
      throw new ClosedError("The perf buffer is closed");
    }
    return this.#open;
  }
}
