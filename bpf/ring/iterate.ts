/** Iterating over the records of a ring, now or as they come. */

import { EPOLLIN } from "../../ffi/mod.ts";
import { Watch, type Watched } from "./wait_for_events.ts";

/** What reads records: of a ring buffer, or of the rings of all CPUs. */
export interface RecordReader {
  /** Whether it was closed. */
  readonly closed: boolean;
  /** The one object that shows the record which was read last. */
  readonly record: object;
  /** Called when it is closed, by who reads. */
  onclose: (() => void) | undefined;
  /**
   * Begins to read: from here to `end` nobody else can. What there is now is all
   * that is read until the next `look`.
   */
  begin(): void;
  /** Looks how much there is to be read now. */
  look(): void;
  /**
   * Goes on to the next record.
   *
   * @param most How many bytes to hold before their room is given back.
   * @returns Whether there is one.
   */
  readOne(most: number): boolean;
  /** Gives the room of what was read back. */
  publish(): void;
  /** Ends the validity of the record until there is another: for a wait. */
  rest(): void;
  /** Ends that: there is a record. */
  resume(): void;
  /** Publishes, and lets others read. Once more is nothing. */
  end(): void;
  /** Ends after an error, which counts more than one of ending. */
  endBecause(): void;
}

/** The records that there are now. */
export class RecordIterator<R> extends Iterator<R, undefined, unknown>
  implements Disposable {
  readonly #reader: RecordReader;
  /** How many bytes are held before the position is published. */
  readonly #most: number;
  #state: "new" | "reading" | "ended" = "new";

  /** Reads nothing yet, and keeps nobody from reading. */
  constructor(reader: RecordReader, most: number) {
    super();
    this.#reader = reader;
    this.#most = most;
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
        found = this.#reader.readOne(this.#most);
      } catch (error) {
        this.#state = "ended";
        this.#reader.endBecause();
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

/** How many records there are at the most between two turns of the event loop. */
const RUN_MAX = 256;

// As it was when this module loaded. A timer takes a thousand times as long.
const schedule: (callback: () => void) => unknown =
  (globalThis as { setImmediate?: (callback: () => void) => unknown })
    .setImmediate ??
    setTimeout;

/** Lets the event loop turn once. */
function turn(): Promise<void> {
  return new Promise((resolve) => schedule(resolve));
}

/** The records that there are, and those that come. */
export class RecordStream<R>
  implements AsyncIterableIterator<R, undefined, unknown>, AsyncDisposable {
  readonly #reader: RecordReader;
  /** What has the descriptors that tell when there are more. */
  readonly #rings: readonly Watched[];
  readonly #signal: AbortSignal | undefined;
  /** One promise for all records: there is one object for all of them. */
  readonly #found: Promise<IteratorResult<R, undefined>>;
  #state: "new" | "reading" | "waiting" | "ended" = "new";
  /** How many records were given since the event loop turned. */
  #run = 0;
  #watch: Watch | undefined;
  readonly #onabort = (): void => this.#watch?.interrupt();

  /**
   * Reads nothing yet, and keeps nobody from reading.
   *
   * @param reader What reads.
   * @param rings What has the descriptors, which this may outlive.
   * @param signal What ends it.
   */
  constructor(
    reader: RecordReader,
    rings: readonly Watched[],
    signal: AbortSignal | undefined,
  ) {
    this.#reader = reader;
    this.#rings = rings;
    this.#signal = signal;
    this.#found = Promise.resolve(
      Object.freeze({ value: reader.record as R, done: false as const }),
    );
  }

  /** Resolves once there is a record. */
  next(): Promise<IteratorResult<R, undefined>> {
    try {
      if (this.#state === "waiting") {
        throw new TypeError("Cannot wait for a record: a wait is under way");
      }
      if (this.#state === "new") this.#begin();
      if (this.#reader.closed) this.#end();
      if (this.#state === "ended") return ended();
      // A program that writes as fast as it is read would else keep timers, and
      // whoever is to abort, from ever being run: promises come before them.
      if (++this.#run > RUN_MAX) return this.#wait(turn());
      return this.#advance() ? this.#found : this.#wait();
    } catch (error) {
      if (this.#state !== "waiting") this.#endBecause();
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
    this.#signal?.throwIfAborted();
    this.#reader.begin();
    this.#state = "reading";
    this.#reader.onclose = () => this.#watch?.close();
    this.#signal?.addEventListener("abort", this.#onabort);
  }

  /** Goes on to the next record; false if there is none yet. */
  #advance(): boolean {
    this.#signal?.throwIfAborted();
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
    this.#reader.rest();
    try {
      await (first ?? this.#event());
      while (true) {
        if (this.#reader.closed) this.#end();
        if (!this.#isWaiting()) return await ended();
        // First: what shows records is pointed through memory that is there.
        this.#reader.resume();
        if (this.#advance()) break;
        this.#reader.rest();
        await this.#event();
      }
      this.#run = 0;
      this.#state = "reading";
      return await this.#found;
    } catch (error) {
      this.#endBecause();
      throw error;
    }
  }

  /** Waits until something has happened to the ring. */
  #event(): Promise<void> {
    this.#watch ??= new Watch(this.#rings, EPOLLIN);
    return this.#watch.next();
  }

  /** Whether nobody has ended the iteration meanwhile. */
  #isWaiting(): boolean {
    return this.#state === "waiting";
  }

  #end(): void {
    const began = this.#state === "reading" || this.#state === "waiting";
    this.#state = "ended";
    if (!began) return;
    this.#signal?.removeEventListener("abort", this.#onabort);
    this.#reader.onclose = undefined;
    this.#watch?.close();
    this.#reader.end();
  }

  /** Ends after an error, which counts more than one of ending. */
  #endBecause(): void {
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
