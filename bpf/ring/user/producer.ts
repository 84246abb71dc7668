/**
 * Writing records to a ring buffer that the kernel reads: the protocol of
 * `kernel/bpf/ringbuf.c`, `__bpf_user_ringbuf_peek`.
 *
 * A record is written behind the producer's position, its header included, and
 * becomes the kernel's by storing the position behind it. One that is reserved
 * becomes so with the busy bit in its header, at which the kernel stops; an
 * exchange of the header takes the bit away. Both are sequentially consistent,
 * so what was written before them is there when the kernel sees them.
 *
 * The kernel knows one producer. Any number of those made here can share a ring,
 * in threads and processes: what lies between reading the position and storing
 * it is done by who holds a lock, a word in the producer's page that the kernel
 * has no use for.
 */

import { lengthOf } from "../../../base/bytes.ts";
import { BoundsError, ClosedError } from "../../../errors.ts";
import { Region } from "../../../layout/region/region.ts";
import { pause } from "../../../memory/map/turn.ts";
import { BUSY, DISCARDED, HEADER_SIZE } from "../geometry.ts";
import type { RingMemory } from "../memory.ts";

/**
 * The number of bytes that a record may have: the kernel hands it to the program
 * as a dynptr (`DYNPTR_MAX_SIZE`), and stops for ever at one that is longer.
 */
const RECORD_MAX = 2 ** 24 - 1;

/** The time to hold the lock, in milliseconds: after it the holder has died. */
const LOCK_LIMIT = 1000;
/** The time to spin for the lock, in milliseconds, before pauses of one. */
const SPIN = 0.1;

/** Writes the records of one ring. */
export class RingProducer {
  /** Undefined once closed. */
  #memory: RingMemory | undefined;
  readonly #size: number;
  /** The index of the lock among the 32-bit words of the producer's page. */
  readonly #lock: number;
  /** The token that the lock was held with last; it begins at random. */
  #token = (Math.random() * 2 ** 32) | 0;

  /** Takes over the memory of a ring. */
  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#size = memory.geometry.size;
    this.#lock = memory.geometry.page / 4 - 1;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#memory === undefined;
  }

  /** The number of bytes that the largest record can have. */
  get recordSizeMax(): number {
    return Math.min(this.#size - HEADER_SIZE, RECORD_MAX);
  }

  /** The number of bytes that the kernel has not read, with headers. */
  unread(): number {
    const { consumer, producer } = this.#live();
    const from = Atomics.load(consumer.u64, 0);
    return this.#distance(Atomics.load(producer.u64, 0), from);
  }

  /** True if there is room for a record of so many bytes. */
  hasRoom(length: number): boolean {
    return stepOf(length) <= this.#size - this.unread();
  }

  /**
   * @throws {BoundsError} unless a record can have so many bytes.
   */
  requireLength(length: number): void {
    if (length > this.recordSizeMax) {
      throw new BoundsError(
        `A record of this ring buffer has at most ${this.recordSizeMax} bytes: received ${length}`,
      );
    }
  }

  /**
   * Writes a record.
   *
   * @param bytes Its bytes, at most `recordSizeMax`.
   * @returns True if there was room.
   */
  write(bytes: Uint8Array): boolean {
    const length = lengthOf(bytes);
    return this.#append(length, length, (buffer, start) => {
      new Uint8Array(buffer, start, length).set(bytes);
    }) >= 0;
  }

  /**
   * Reserves a record of zeros, for {@linkcode commit}.
   *
   * @param length The number of its bytes, at most `recordSizeMax`.
   * @returns Its region; undefined where there is no room.
   */
  reserve(length: number): Region | undefined {
    const start = this.#append(length, length | BUSY, (buffer, start) => {
      new Uint8Array(buffer, start, length).fill(0);
    });
    if (start < 0) return undefined;
    return new Region(
      this.#live().data.buffer,
      start,
      length,
      "reserved record",
    );
  }

  /** Gives a reserved record to the kernel, to be read or to be skipped. */
  commit(record: Region, discard: boolean): void {
    const { data } = this.#live();
    const header = record.start - data.start - HEADER_SIZE;
    Atomics.exchange(
      data.i32,
      header / 4,
      discard ? record.size | DISCARDED : record.size,
    );
  }

  /** Writes a record: its start in the buffer; negative if there is no room. */
  #append(
    length: number,
    header: number,
    fill: (buffer: ArrayBufferLike, start: number) => void,
  ): number {
    const { consumer, producer, data } = this.#live();
    const token = this.#acquire(producer);
    try {
      const from = Atomics.load(consumer.u64, 0);
      const position = Atomics.load(producer.u64, 0);
      const step = stepOf(length);
      if (step > this.#size - this.#distance(position, from)) return -1;
      const offset = Number(position & BigInt(this.#size - 1));
      const start = data.start + offset + HEADER_SIZE;
      fill(data.buffer, start);
      data.i32[offset / 4] = header;
      data.i32[offset / 4 + 1] = 0;
      Atomics.store(
        producer.u64,
        0,
        BigInt.asUintN(64, position + BigInt(step)),
      );
      return start;
    } finally {
      this.#release(producer, token);
    }
  }

  /**
   * Takes the lock: the token that it is held with.
   *
   * No code of a caller runs while it is held, so it is for microseconds, unless
   * its thread was ended in the middle. Then the position is as it was, or the
   * record complete, and the lock is taken away: from the token that was seen
   * for all of the time, and by one of those who wait for it.
   */
  #acquire({ i32 }: Region): number {
    const token = this.#nextToken();
    let seen = Atomics.compareExchange(i32, this.#lock, 0, token);
    if (seen === 0) return token;
    let since = performance.now();
    while (true) {
      const holder = Atomics.compareExchange(i32, this.#lock, 0, token);
      if (holder === 0) return token;
      const waited = performance.now() - since;
      if (holder !== seen) {
        seen = holder;
        since = performance.now();
      } else if (waited > LOCK_LIMIT) {
        const last = Atomics.compareExchange(i32, this.#lock, seen, token);
        if (last === seen) return token;
      } else if (waited > SPIN) {
        pause(1);
      }
    }
  }

  /** Gives the lock back, unless it was taken away. */
  #release({ i32 }: Region, token: number): void {
    Atomics.compareExchange(i32, this.#lock, token, 0);
  }

  /** One that nobody else has, nor this one had before. */
  #nextToken(): number {
    do this.#token = (this.#token + 1) | 0; while (this.#token === 0);
    return this.#token;
  }

  #distance(end: bigint, from: bigint): number {
    const distance = Number(BigInt.asUintN(64, end - from));
    if (distance > this.#size || (end & 7n) !== 0n) {
      throw new BoundsError(
        `Cannot write the ring buffer of ${this.#size} bytes: the consumer's position is ${from}, the producer's ${end}`,
      );
    }
    return distance;
  }

  /** Unmaps the ring. A second call does nothing. */
  close(): void {
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

/** The number of bytes that a record takes in the ring. */
function stepOf(length: number): number {
  return (length + HEADER_SIZE + 7) & -8;
}
