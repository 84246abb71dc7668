/** Reading a ring buffer that the kernel writes. */

import { BoundsError, ClosedError } from "../../errors.ts";
import { Region } from "../../layout/region/region.ts";
import type { Type } from "../../layout/mod.ts";
import {
  type Drain,
  type DrainInput,
  drainOf,
  ownDrainOf,
  SHORT,
} from "./drain.ts";
import type { RingMemory } from "./memory.ts";
import {
  type Committed,
  committedOn,
  loadPosition,
  storePosition,
} from "./memory_order.ts";
import { type RecordCallback, RecordReader } from "./record_reader.ts";
import { recordViewOf } from "./record_view.ts";
import type { Watched } from "./wait_for_events.ts";

const committed: Committed = committedOn(Deno.build.arch);

/** A function that is called with a record and its length in bytes. */
type RingCallback = RecordCallback<[length: number]>;

const nothing: RingCallback = () => {};

/** Reads the records of one ring. */
export class RingReader extends RecordReader<[length: number]> {
  /** Undefined once closed. */
  #memory: RingMemory | undefined;
  readonly #typeName: string;
  /** The region of the records, which reaches memory while they are valid. */
  readonly #region: Region;
  readonly #input: DrainInput;
  readonly #consumed: Int32Array;
  readonly #step: Drain;
  #drain: Drain | undefined;
  /** The position that is published. */
  #base = 0n;
  /** Its low 32 bits. */
  #from = 0;
  /** The bytes after it that the producer had reserved at the last look. */
  #available = 0;
  override readonly mapId: number;
  override readonly watched: readonly Watched[];

  /**
   * Takes over the memory of a ring.
   *
   * @param memory The memory.
   * @param type The type of its records; undefined where they differ.
   * @throws as `recordViewOf` does.
   */
  constructor(memory: RingMemory, type: Type | undefined) {
    const { data, geometry: { size } } = memory;
    super("ring buffer", size);
    const region = new Region(data.buffer, data.start, data.size, data.noun);
    const { record, move, minimum } = recordViewOf(type, region);
    region.release();
    this.mapId = memory.mapId;
    this.watched = [memory];
    this.#memory = memory;
    this.#typeName = type?.name ?? "Record";
    this.#region = region;
    this.#consumed = new Int32Array(2);
    this.#input = {
      data: data.i32,
      mask: size - 1,
      record,
      move,
      minimum,
      consumed: this.#consumed,
    };
    this.#step = drainOf(this.#input);
  }

  override get record(): object {
    return this.#input.record;
  }

  override unread(): number {
    const { consumer, producer } = this.#live();
    // The consumer's first: it never overtakes the other.
    const from = loadPosition(consumer.u64);
    return this.#distance(loadPosition(producer.u64), from);
  }

  /** @throws {BoundsError} if the positions cannot be those of a ring. */
  protected override start(): void {
    const { consumer, data } = this.#live();
    // Each time anew: another process may have read meanwhile.
    this.#base = loadPosition(consumer.u64);
    this.#from = Number(BigInt.asIntN(32, this.#base));
    this.#consumed[0] = 0;
    this.look();
    this.#region.useViewsOf(data);
  }

  override look(): void {
    const { producer } = this.#live();
    const end = loadPosition(producer.u64);
    this.#available = this.#distance(end, this.#base);
  }

  #distance(end: bigint, from: bigint): number {
    const distance = Number(BigInt.asIntN(64, end - from));
    if (distance < 0 || distance > this.size || (from & 7n) !== 0n) {
      throw new BoundsError(
        `Cannot read the ring buffer of ${this.size} bytes: the consumer's position is ${from}, the producer's ${end}`,
      );
    }
    return distance;
  }

  /** Reads, and publishes the position whenever a quarter of the ring was. */
  protected override drain(limit: number, callback: RingCallback): number {
    const drain = this.#drain ??= ownDrainOf(this.#input);
    const heldMax = this.size >>> 2;
    let count = 0;
    while (count < limit) {
      const read = this.#read(drain, heldMax, limit - count, callback);
      count += read;
      // Nothing was consumed; or the callback has closed the ring.
      if (this.#consumed[0] === 0 || this.closed) break;
      this.publish();
    }
    return count;
  }

  override readOne(heldMax: number): boolean {
    while (!this.closed) {
      const before = this.#consumed[0]!;
      if (before >= heldMax) this.publish();
      const held = this.#consumed[0]!;
      if (this.#read(this.#step, 1, 1, nothing) === 1) return true;
      // What was discarded is no record; what was not consumed is busy.
      if (this.#consumed[0] === held) return false;
    }
    return false;
  }

  #read(
    drain: Drain,
    heldMax: number,
    limit: number,
    callback: RingCallback,
  ): number {
    const { data, mask } = this.#input;
    const held = this.#consumed[0]!;
    const left = this.#available - held;
    if (left <= 0) return 0;
    const budget = held + committed(
      data,
      mask,
      (this.#from + held) | 0,
      left,
      Math.min(left, heldMax),
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
    const { data, mask, minimum } = this.#input;
    const consumed = this.#consumed[0]!;
    if (reason === SHORT) {
      throw new BoundsError(
        `${this.#typeName}: ${minimum}-byte value exceeds the record of ${
          this.#consumed[1]
        } bytes`,
      );
    }
    const header = data[((this.#from + consumed) & mask) >>> 2]! >>> 0;
    throw new BoundsError(
      `Cannot read the ring buffer: at position ${
        this.#base + BigInt(consumed)
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
  override publish(): void {
    const consumed = this.#consumed[0]!;
    if (consumed === 0) return;
    const { consumer } = this.#live();
    const found = loadPosition(consumer.u64);
    if (found !== this.#base) {
      throw new TypeError(
        `Cannot go on reading the ring buffer: it has another consumer, who moved the position from ${this.#base} to ${found}`,
      );
    }
    this.#base = BigInt.asUintN(64, this.#base + BigInt(consumed));
    this.#from = (this.#from + consumed) | 0;
    this.#available -= consumed;
    this.#consumed[0] = 0;
    storePosition(consumer.u64, this.#base);
  }

  override invalidate(): void {
    this.#region.release();
  }

  override validate(): void {
    this.#region.useViewsOf(this.#live().data);
  }

  protected override release(): void {
    const memory = this.#memory;
    this.#memory = undefined;
    memory?.close();
  }

  #live(): RingMemory {
    if (this.#memory === undefined) {
      throw new ClosedError("The ring buffer is closed");
    }
    return this.#memory;
  }
}
