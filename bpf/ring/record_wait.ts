import { ClosedError } from "../../errors.ts";
import { EPOLLIN } from "../../ffi/mod.ts";
import type { RecordReader } from "./record_reader.ts";
import { Watch } from "./wait_for_events.ts";
import { hasWriters, isOrphan, onOrphan } from "./writers.ts";

/** The signals that end a wait for records. */
export interface EndSignals {
  /** Ends it with the signal's reason. */
  readonly signal: AbortSignal | undefined;
  /** Ends it quietly. */
  readonly until: AbortSignal | undefined;
}

/** The time between two looks for programs that may write, in milliseconds. */
const LOOK_FIRST = 10;
const LOOK_LAST = 1000;

/** Reading some rings and waiting for their records, until something ends it. */
export class RecordWait {
  readonly #readers: readonly RecordReader[];
  readonly #signals: EndSignals;
  readonly #undo: (() => void)[] = [];
  readonly #wake = (): void => this.wake();
  #watch: Watch | undefined;
  #lookAgainIn = LOOK_FIRST;

  /** Reads nothing yet, and keeps nobody from reading. */
  constructor(readers: readonly RecordReader[], signals: EndSignals) {
    this.#readers = readers;
    this.#signals = signals;
  }

  /** Ends a wait that is under way, as an event would. */
  wake(): void {
    this.#watch?.interrupt();
  }

  /** Begins to read all rings, or none. @throws as `RecordReader.begin` does. */
  begin(): void {
    const { signal, until } = this.#signals;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", this.#wake);
    until?.addEventListener("abort", this.#wake);
    const begun: RecordReader[] = [];
    try {
      for (const reader of this.#readers) {
        reader.begin();
        begun.push(reader);
      }
    } catch (error) {
      for (const reader of begun) reader.endAfterError();
      throw error;
    }
    for (const reader of this.#readers) {
      reader.onclose = () => this.#letGo();
      reader.onflush = this.#wake;
      this.#undo.push(onOrphan(reader.mapId, this));
    }
  }

  /**
   * Tells whether the reading is to end quietly.
   *
   * @throws the signal's reason, if it is to end with that.
   */
  isOver(): boolean {
    const { signal, until } = this.#signals;
    if (until?.aborted || !this.#isAnyOpen()) return true;
    signal?.throwIfAborted();
    return false;
  }

  #isAnyOpen(): boolean {
    for (const { closed } of this.#readers) if (!closed) return true;
    return false;
  }

  /**
   * Waits until something has happened to a ring, after all records were read.
   *
   * @throws {ClosedError} if nothing can happen any more, since the object of all
   * rings was closed and no program uses their maps.
   */
  event(): Promise<void> {
    if (this.#watch === undefined) {
      this.#watch = this.#newWatch();
      // To be looked at once more: to begin to watch takes the event of a record
      // that came before, where the kernel's perf_poll tells of it only once.
      return Promise.resolve();
    }
    const watch = this.#watch;
    return this.#allOrphans() ? this.#eventOrLastWriter(watch) : watch.next();
  }

  #allOrphans(): boolean {
    let open = 0;
    for (const { closed, mapId } of this.#readers) {
      if (closed) continue;
      if (!isOrphan(mapId)) return false;
      open++;
    }
    return open > 0;
  }

  async #eventOrLastWriter(watch: Watch): Promise<void> {
    const open = this.#readers.filter(({ closed }) => !closed);
    if (!open.some(({ mapId }) => hasWriters(mapId))) {
      throw new ClosedError(
        `Cannot wait for records of the ${
          open[0]!.noun
        }: its BpfObject was closed, and no program is left that could write it. An object that is declared with using is closed at the end of the block, at the top level of a module when the module was run`,
      );
    }
    // The kernel lets go of programs a while after they were detached.
    const timer = setTimeout(this.#wake, this.#lookAgainIn);
    this.#lookAgainIn = Math.min(2 * this.#lookAgainIn, LOOK_LAST);
    try {
      await watch.next();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Publishes what was read, and lets others read. */
  end(): void {
    const { signal, until } = this.#signals;
    this.#watch?.close();
    for (const undo of this.#undo.splice(0)) undo();
    try {
      for (const reader of this.#readers) {
        reader.onclose = undefined;
        reader.onflush = undefined;
        reader.end();
      }
    } catch (error) {
      for (const reader of this.#readers) reader.endAfterError();
      throw error;
    } finally {
      signal?.removeEventListener("abort", this.#wake);
      until?.removeEventListener("abort", this.#wake);
    }
  }

  /** Ends after an error, which counts more than one of ending. */
  endAfterError(): void {
    try {
      this.end();
    } catch {
      // The first error is thrown.
    }
  }

  #newWatch(): Watch {
    const open = this.#readers.filter(({ closed }) => !closed);
    return new Watch(open.flatMap(({ watched }) => watched), EPOLLIN);
  }

  /** Lets go of the descriptors before one of them is closed. */
  #letGo(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }
}
