/** Reading the rings of all CPUs. */

import { BoundsError, ClosedError } from "../../errors.ts";
import { Region } from "../../layout/region/region.ts";
import type { Type } from "../../layout/mod.ts";
import { LOST, type PerfRing, SAMPLE } from "./perf_ring.ts";
import type { PerfRings } from "./perf_rings.ts";
import { type RecordCallback, RecordReader } from "./record_reader.ts";
import { type RecordView, recordViewOf } from "./record_view.ts";
import type { Watched } from "./wait_for_events.ts";

/**
 * Room for the largest event, whose size has 16 bits: twice, as that which shows
 * records takes it for a ring buffer, where all data is there twice.
 */
const SCRATCH_SIZE = 2 * 65536;

/** The offset in the scratch at which a record begins. */
const RECORD = 8;

/** The numbers beside a record: its length in bytes, and its CPU. */
export type PerfRest = [length: number, cpu: number];

/** Reads the events of all CPUs. */
export class PerfReader extends RecordReader<PerfRest> {
  /** Undefined once closed. */
  #open: PerfRings | undefined;
  readonly #typeName: string;
  /** An event without its header, so that its record is aligned to 8 bytes. */
  readonly #event: Uint32Array;
  readonly #scratch: Region;
  /** The region of the record, which reaches the scratch while it is valid. */
  readonly #region: Region;
  readonly #view: RecordView;
  #next = 0;
  #lost = 0n;
  /** The length in bytes of the record that was read last. */
  #length = 0;
  /** The CPU that wrote it. */
  #cpu = 0;
  override readonly mapId: number;
  override readonly watched: readonly Watched[];

  /**
   * Takes over the rings.
   *
   * @param rings The rings.
   * @param type The type of each record; undefined where they differ.
   * @throws as `recordViewOf` does.
   */
  constructor(rings: PerfRings, type: Type | undefined) {
    super("perf buffer", rings.size);
    const buffer = new ArrayBuffer(RECORD + SCRATCH_SIZE);
    this.#scratch = new Region(buffer, RECORD, SCRATCH_SIZE, "record");
    this.#region = new Region(buffer, RECORD, SCRATCH_SIZE, "record");
    this.#view = recordViewOf(type, this.#region);
    this.#region.release();
    // A sample is a length of 32 bits, then the record.
    this.#event = new Uint32Array(buffer, RECORD - 4, 65536 / 4);
    this.#open = rings;
    this.#typeName = type?.name ?? "Record";
    this.mapId = rings.mapId;
    this.watched = rings.rings;
  }

  override get record(): object {
    return this.#view.record;
  }

  /** The number of records that there was no room for, as far as was read. */
  get lost(): bigint {
    return this.#lost;
  }

  /** Has nothing written to the rings, or again. @throws {ClosedError} */
  pause(paused: boolean): void {
    this.requireOpen();
    this.#open!.pause(paused);
  }

  override unread(): number {
    let sum = 0;
    for (const ring of this.#live()) sum += ring.unread();
    return sum;
  }

  protected override start(): void {
    this.look();
  }

  override look(): void {
    for (const ring of this.#live()) ring.look();
  }

  protected override drain(
    limit: number,
    callback: RecordCallback<PerfRest>,
  ): number {
    const heldMax = this.size >>> 2;
    let count = 0;
    while (count < limit && this.readOne(heldMax)) {
      count++;
      callback(this.record as never, this.#length, this.#cpu);
    }
    return count;
  }

  /**
   * Goes on to the next record, of one CPU after the other.
   *
   * @param heldMax The bytes of a ring to hold before their room is given back.
   * @returns True if there is one.
   * @throws {BoundsError} if it is shorter than the type; it is consumed.
   */
  override readOne(heldMax: number): boolean {
    this.#region.release();
    const rings = this.#open?.rings ?? [];
    for (let i = 0; i < rings.length; i++) {
      if (this.#readFrom(rings[this.#next]!, heldMax)) return true;
      this.#next = (this.#next + 1) % rings.length;
    }
    return false;
  }

  #readFrom(ring: PerfRing, heldMax: number): boolean {
    const event = this.#event;
    for (let type; (type = ring.read(event, heldMax)) !== 0;) {
      // { u64 id; u64 lost; }: of the second the lower half.
      if (type === LOST) this.#lost += BigInt(event[2]!);
      if (type !== SAMPLE) continue;
      this.#show(event[0]!, ring.cpu);
      return true;
    }
    return false;
  }

  #show(length: number, cpu: number): void {
    const { record, move, minimum } = this.#view;
    // The kernel never says more than the event has; nothing is believed.
    const bytes = Math.min(length, SCRATCH_SIZE / 2);
    if (bytes < minimum) {
      throw new BoundsError(
        `${this.#typeName}: ${minimum}-byte value exceeds the record of ${bytes} bytes`,
      );
    }
    this.#length = bytes;
    this.#cpu = cpu;
    this.#region.useViewsOf(this.#scratch);
    move(record, 0, bytes);
  }

  override publish(): void {
    for (const ring of this.#open?.rings ?? []) ring.publish();
  }

  override invalidate(): void {
    this.#region.release();
  }

  override validate(): void {
    this.#region.useViewsOf(this.#scratch);
  }

  protected override release(): void {
    const rings = this.#open;
    this.#open = undefined;
    rings?.close();
  }

  #live(): readonly PerfRing[] {
    if (this.#open === undefined) {
      throw new ClosedError("The perf buffer is closed");
    }
    return this.#open.rings;
  }
}
