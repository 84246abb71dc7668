/** Iterating over the records of a ring, now or as they come. */

import { setImmediate } from "node:timers/promises";
import type { RecordReader } from "./record_reader.ts";
import { type EndSignals, RecordWait } from "./record_wait.ts";

/** The records that there are now. */
export class RecordIterator<R> extends Iterator<R, undefined, unknown>
  implements Disposable {
  readonly #reader: RecordReader;
  /** The bytes that are held before the position is published. */
  readonly #heldMax: number;
  #state: "new" | "reading" | "ended" = "new";

  /** Reads nothing yet, and keeps nobody from reading. */
  constructor(reader: RecordReader) {
    super();
    this.#reader = reader;
    this.#heldMax = reader.size >>> 2;
  }

  /** Goes on to the next record. */
  next(): IteratorResult<R, undefined> {
    if (this.#state === "new") {
      this.#reader.begin();
      this.#state = "reading";
    }
    if (this.#state === "reading") {
      let found: boolean;
      try {
        found = this.#reader.readOne(this.#heldMax);
      } catch (error) {
        this.#state = "ended";
        this.#reader.endAfterError();
        throw error;
      }
      if (found) return { value: this.#reader.record as R, done: false };
      this.#end();
    }
    return { value: undefined, done: true };
  }

  /** Publishes the position behind the record that was read last. */
  override return(): IteratorResult<R, undefined> {
    this.#end();
    return { value: undefined, done: true };
  }

  /** Does the same at the end of a `using` declaration's block. */
  override [Symbol.dispose](): void {
    this.#end();
  }

  #end(): void {
    const wasReading = this.#state === "reading";
    this.#state = "ended";
    if (wasReading) this.#reader.end();
  }
}

/** The largest number of records between two turns of the event loop. */
const RUN_MAX = 256;

/** The records that there are, and those that come. */
export class RecordStream<R>
  implements AsyncIterableIterator<R, undefined, unknown>, AsyncDisposable {
  readonly #reader: RecordReader;
  readonly #reading: RecordWait;
  /** One result for all records, and one promise: there is one object for them. */
  readonly #result: IteratorResult<R, undefined>;
  readonly #found: Promise<IteratorResult<R, undefined>>;
  #state: "new" | "reading" | "waiting" | "ended" = "new";
  /** The number of records that were given since the event loop turned. */
  #run = 0;

  /** Reads nothing yet, and keeps nobody from reading. */
  constructor(reader: RecordReader, signals: EndSignals) {
    this.#reader = reader;
    this.#reading = new RecordWait([reader], signals);
    this.#result = Object.freeze({ value: reader.record as R, done: false });
    this.#found = Promise.resolve(this.#result);
  }

  /** Resolves once there is a record. */
  next(): Promise<IteratorResult<R, undefined>> {
    try {
      if (this.#state === "waiting") {
        throw new TypeError("Cannot wait for a record: a wait is under way");
      }
      if (this.#state === "new") this.#begin();
      this.#endIfOver();
      if (this.#state === "ended") return ended();
      // A program that writes as fast as it is read would else keep timers, and
      // whoever is to abort, from ever being run: promises come before them.
      if (++this.#run > RUN_MAX) return this.#wait(setImmediate());
      return this.#advance() ? this.#found : this.#wait();
    } catch (error) {
      if (this.#state !== "waiting") this.#endAfterError();
      return Promise.reject(error);
    }
  }

  /** Publishes the position behind the record that was read last. */
  return(): Promise<IteratorResult<R, undefined>> {
    try {
      this.#end();
      return ended();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Does the same at the end of an `await using` declaration's block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Is its own iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  #begin(): void {
    this.#reading.begin();
    this.#state = "reading";
  }

  /** Goes on to the next record; false if there is none yet. */
  #advance(): boolean {
    // Nothing is held over an await: what was read is published at once.
    if (this.#reader.readOne(0)) return true;
    // In this order: published, looked, and only then asleep.
    this.#reader.publish();
    this.#reader.look();
    return this.#reader.readOne(0);
  }

  /** Waits for a record, or first for something else. */
  async #wait(first?: Promise<void>): Promise<IteratorResult<R, undefined>> {
    this.#state = "waiting";
    this.#reader.invalidate();
    try {
      await (first ?? this.#reading.event());
      while (true) {
        this.#endIfOver();
        if (!this.#isWaiting()) return await ended();
        // First: what shows records is pointed through memory that is there.
        this.#reader.validate();
        // There was nothing at the last look.
        this.#reader.look();
        if (this.#advance()) break;
        this.#reader.invalidate();
        await this.#reading.event();
      }
      this.#run = 0;
      this.#state = "reading";
      return this.#result;
    } catch (error) {
      this.#endAfterError();
      throw error;
    }
  }

  /** True if nobody has ended the iteration meanwhile. */
  #isWaiting(): boolean {
    return this.#state === "waiting";
  }

  /** Ends if the reader is closed, or a signal says so. */
  #endIfOver(): void {
    if (this.#state !== "ended" && this.#reading.isOver()) this.#end();
  }

  #end(): void {
    const began = this.#state === "reading" || this.#state === "waiting";
    this.#state = "ended";
    if (began) this.#reading.end();
  }

  /** Ends after an error, which counts more than one of ending. */
  #endAfterError(): void {
    try {
      this.#end();
    } catch {
      // The first error is thrown.
    }
  }
}

function ended(): Promise<IteratorReturnResult<undefined>> {
  return Promise.resolve({ value: undefined, done: true });
}
