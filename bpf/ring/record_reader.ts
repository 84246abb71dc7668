import { ClosedError } from "../../errors.ts";
import type { Watched } from "./wait_for_events.ts";

/** A function that is called with a record, its length, and what else is told. */
export type RecordCallback<Rest extends unknown[]> = (
  record: never,
  ...rest: Rest
) => void;

/**
 * Reads the records of a ring buffer, or of the rings of all CPUs, for one
 * reading at a time. It holds what it has read until it publishes its position.
 */
export abstract class RecordReader<Rest extends unknown[] = unknown[]> {
  /** The name of what is read, for messages: `"ring buffer"`. */
  readonly noun: string;
  /** The size in bytes of a ring. */
  readonly size: number;
  /** Called when the reader is closed, for the reading that is under way. */
  onclose: (() => void) | undefined = undefined;
  /** Called to have a reading that waits look now. */
  onflush: (() => void) | undefined = undefined;
  #isReading = false;
  #closed = false;

  /** Reads nothing yet. */
  constructor(noun: string, size: number) {
    this.noun = noun;
    this.size = size;
  }

  /** The one object that shows the record which was read last. */
  abstract readonly record: object;
  /** The id of the map that programs write to. */
  abstract readonly mapId: number;
  /** The descriptors that tell when there are more records. */
  abstract readonly watched: readonly Watched[];
  /** The number of bytes that are reserved and not consumed, with headers. */
  abstract unread(): number;

  /** Takes note of how much there is to be read now. */
  abstract look(): void;

  /**
   * Goes on to the next record.
   *
   * @param heldMax The bytes to hold before their room is given back.
   * @returns True if there is one.
   */
  abstract readOne(heldMax: number): boolean;

  /** Gives the room of what was read back. */
  abstract publish(): void;

  /** Ends the validity of the record until there is another: for a wait. */
  abstract invalidate(): void;

  /** Begins the validity of a record. */
  abstract validate(): void;

  /** Prepares for a reading, all but the check that there is no other. */
  protected abstract start(): void;

  /** Calls back with records, up to a limit: the number of records. */
  protected abstract drain(
    limit: number,
    callback: RecordCallback<Rest>,
  ): number;

  /** Unmaps all rings and closes their descriptors. */
  protected abstract release(): void;

  /** True once closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Begins a reading: until `end` there can be no other. What there is now is all
   * that is read until the next `look`.
   *
   * @throws {ClosedError} if the reader is closed.
   * @throws {TypeError} if a reading is under way.
   */
  begin(): void {
    this.requireOpen();
    if (this.#isReading) {
      throw new TypeError(
        `Cannot read the ${this.noun}: it is being read already, by an iteration that has not ended or a callback that has not returned`,
      );
    }
    this.start();
    this.#isReading = true;
  }

  /** Publishes, and lets others read. A second call does nothing. */
  end(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.invalidate();
    if (!this.closed) this.publish();
  }

  /** Ends a reading after an error, which counts more than one of ending. */
  endAfterError(): void {
    try {
      this.end();
    } catch {
      // The first error is thrown.
    }
  }

  /**
   * Calls back with the records that there are.
   *
   * @param limit The largest number of records.
   * @returns The number of records.
   */
  consume(limit: number, callback: RecordCallback<Rest>): number {
    this.begin();
    let count: number;
    try {
      count = this.drain(limit, callback);
    } catch (error) {
      this.endAfterError();
      throw error;
    }
    this.end();
    return count;
  }

  /**
   * Calls back with the records that there are now, in a reading that was begun.
   *
   * @param limit The largest number of records.
   * @returns The number of records; 0 once closed.
   */
  readMore(limit: number, callback: RecordCallback<Rest>): number {
    if (this.closed || limit === 0) return 0;
    this.look();
    this.validate();
    const count = this.drain(limit, callback);
    this.invalidate();
    return count;
  }

  /** Publishes what was read, and closes all. A second call does nothing. */
  close(): void {
    if (this.closed) return;
    try {
      if (this.#isReading) this.publish();
    } finally {
      this.invalidate();
      // First: what waits for descriptors lets go of them while they are open.
      this.onclose?.();
      this.#closed = true;
      this.release();
    }
  }

  /** @throws {ClosedError} if the reader is closed. */
  requireOpen(): void {
    if (this.closed) throw new ClosedError(`The ${this.noun} is closed`);
  }
}
