import type { LayoutType, View } from "../../layout/mod.ts";
import {
  type OptionNames,
  requireCallback,
  requireOptions,
} from "../../base/arguments.ts";
import { show } from "../../base/show.ts";
import { recordLimitOf } from "./arguments.ts";
import { requireSignal } from "../../base/abort_signal.ts";
import { forEachRecord, type RecordSink } from "./for_each.ts";
import { RecordIterator, RecordStream } from "./iterate.ts";
import type { EndSignals } from "./record_wait.ts";
import type { RingRecord } from "./record.ts";
import { type RecordCallback, RecordReader } from "./record_reader.ts";

/** The type that stands for records whose type is not known beforehand. */
export interface UntypedRecord extends LayoutType<RingRecord, RingRecord> {}

/** The view of a record, by the type of its ring. */
export type RecordOf<T extends LayoutType> = View<T>;

/** Options of {@linkcode RecordSource.consume}. */
export interface ConsumeOptions {
  /** The largest number of records; all that there are, by default. */
  readonly limit?: number | undefined;
}

/** Options of {@linkcode RecordSource.records}, and of `forEach`. */
export interface RecordsOptions {
  /** Ends the iteration with an error: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the iteration quietly, as if there were no more records. */
  readonly until?: AbortSignal | undefined;
}

/** Options of {@linkcode RecordSource.forEach}. */
export interface ForEachOptions extends RecordsOptions, ConsumeOptions {}

/** The function that the records of a source go to. */
export type CallbackOf<S extends { consume(callback: never): number }> =
  Parameters<S["consume"]>[0];

const consumeOptions = { limit: true } as const satisfies OptionNames<
  ConsumeOptions
>;

const recordsOptions = {
  signal: true,
  until: true,
} as const satisfies OptionNames<RecordsOptions>;

const forEachOptions = {
  ...recordsOptions,
  ...consumeOptions,
} as const satisfies OptionNames<ForEachOptions>;

/**
 * A source of records that BPF programs write: a {@linkcode RingBuffer} or a
 * {@linkcode PerfBuffer}.
 *
 * There are four ways to read. `consume` with a callback, the fastest, and
 * `for (const record of ring)`, which can be left by `break`, take the records
 * that there are at the beginning. `forEach` with a callback, which is as fast
 * as `consume`, and `for await (const record of ring)` wait for more. All
 * sources of a thread are waited for together, by one call on one other thread;
 * nothing is polled.
 *
 * **A record is valid until the next one, and not beyond its loop or
 * callback.** One object shows all records: it points to one record after
 * another. After the last record the object throws {@linkcode ClosedError}, and
 * so do the views that were taken out of it. To keep a record, copy it:
 * `snapshot(record)`. In an `async` callback of `consume`, the record is gone
 * after the first `await`; in the body of a `for await`, the record stays.
 *
 * The program gets back the room of records that were read when the position is
 * published: by `consume` and `for` whenever a quarter of a ring was read, and
 * at the end; by `for await` before each next record. A callback that throws, a
 * `break`, and `close` publish exactly what was read, the record in hand
 * included.
 *
 * One reader at a time: to read in a callback or the body of a loop is an error.
 *
 * `for await` lets the event loop turn now and then, however many records there
 * are, so that timers and signals are heard. When all records are read, the
 * loop sleeps until the kernel wakes it. A Worker that is terminated while it
 * sleeps is not gone before the kernel wakes it either: end its iterations
 * first, by a signal or `close`.
 */
export abstract class RecordSource<
  T extends LayoutType,
  Rest extends unknown[] = [length: number],
> implements Iterable<RecordOf<T>>, AsyncIterable<RecordOf<T>>, Disposable {
  readonly #reader: RecordReader<Rest>;

  /**
   * Sources are made by the classes that extend this one.
   *
   * @internal
   */
  constructor(reader: RecordReader<Rest>) {
    if (!(reader instanceof RecordReader)) {
      throw new TypeError("Illegal constructor");
    }
    this.#reader = reader;
  }

  /**
   * The size of a ring in bytes. Each record in it has a header: of 8 bytes in a
   * ring buffer, of 12 in a perf buffer, where each CPU has a ring of this size.
   */
  get size(): number {
    return this.#reader.size;
  }

  /**
   * The number of bytes that are reserved and not read, with headers and
   * records that are not yet submitted. Records that were read count until the
   * position is published.
   *
   * @throws {ClosedError} if the source is closed.
   */
  get available(): number {
    return this.#reader.unread();
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#reader.closed;
  }

  /**
   * Calls back with each record that there is now, in order; in a perf buffer,
   * CPU after CPU.
   *
   * A callback that throws ends it, and so does one that closes the source; the
   * record that it was called with is consumed. So is a record that is shorter
   * than the type: the next call goes on behind it.
   *
   * @param callback The function to call with the record and its length in
   * bytes; for a perf buffer also with the CPU that wrote it.
   * @param options The largest number of records.
   * @returns The number of records.
   * @throws {ClosedError} if the source is closed.
   * @throws {TypeError} if it is being read already, also by another process, or
   * the callback is not a function.
   * @throws {RangeError} if the limit is not a whole number from 0.
   * @throws {BoundsError} if a record is shorter than the type, or a ring
   * cannot be read because it does not contain records.
   *
   * @example
   * ```ts ignore
   * let bytes = 0;
   * ring.consume((packet, length) => bytes += length, { limit: 1000 });
   * ```
   */
  consume(
    callback: (record: RecordOf<T>, ...rest: Rest) => void,
    options: ConsumeOptions = {},
  ): number {
    requireCallback(callback);
    requireOptions(options, consumeOptions);
    const limit = recordLimitOf(options.limit);
    return this.#reader.consume(limit, callback as RecordCallback<Rest>);
  }

  /**
   * Iterates over the records that there are when the first is asked for. Use
   * it with `for`, which ends the reading when the loop is left.
   *
   * @throws as {@linkcode RecordSource.consume} does, when a record is asked for.
   */
  [Symbol.iterator](): IteratorObject<RecordOf<T>, undefined, unknown> {
    return new RecordIterator<RecordOf<T>>(this.#reader);
  }

  /**
   * Iterates over the records that there are and those that come, until the
   * source is closed. The same as {@linkcode RecordSource.records} without a
   * signal.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<
    RecordOf<T>,
    undefined,
    unknown
  > {
    return this.records();
  }

  /**
   * Iterates over the records that there are and those that come, until the
   * source is closed or a signal is aborted. The event loop stays alive while it
   * waits for a record.
   *
   * @param options The signals that end it: `until` quietly, `signal` by throwing
   * its reason.
   * @throws {ClosedError} if the source is closed.
   * @throws {TypeError} if a signal is not an AbortSignal.
   * @throws as {@linkcode RecordSource.consume} does, and the signal's reason,
   * when a record is asked for.
   *
   * @example All that is written within ten seconds
   * ```ts ignore
   * const until = AbortSignal.timeout(10_000);
   * for await (const event of ring.records({ until })) kept.push(snapshot(event));
   * ```
   */
  records(
    options: RecordsOptions = {},
  ): AsyncIterableIterator<RecordOf<T>, undefined, unknown> {
    requireOptions(options, recordsOptions);
    const { signal, until } = signalsIn(options);
    this.#reader.requireOpen();
    return new RecordStream<RecordOf<T>>(this.#reader, { signal, until });
  }

  /**
   * Calls back with the records that there are and those that come, as fast as
   * `consume` does, until the source is closed, a signal is aborted, or there were
   * as many as the limit. The event loop turns every few milliseconds, however
   * many records there are, and stays alive meanwhile.
   *
   * A callback that throws ends it, and the promise is rejected; the record that
   * it was called with is consumed.
   *
   * @param callback The function to call, as by `consume`. A promise that it
   * returns is not waited for.
   * @param options The options that end it: `until` quietly, `signal` with its
   * reason, and `limit` after so many records.
   * @returns The number of records.
   * @throws {ClosedError} if the source is closed; or if the `BpfObject` of its map
   * was closed, and no program is left that could write it.
   * @throws as {@linkcode RecordSource.consume} does, and the signal's reason.
   *
   * @example Counting what comes within ten seconds
   * ```ts ignore
   * const until = AbortSignal.timeout(10_000);
   * let bytes = 0;
   * const count = await ring.forEach(({ length }) => bytes += length, { until });
   * ```
   */
  async forEach(
    callback: (record: RecordOf<T>, ...rest: Rest) => void,
    options: ForEachOptions = {},
  ): Promise<number> {
    requireCallback(callback);
    return await RecordSource.#forEach(
      [{ reader: this.#reader, callback } as unknown as RecordSink],
      options,
    );
  }

  /**
   * Does the same for several sources at once, until all of them are closed: each
   * has its turn after at most some thousand records of another.
   *
   * @param sources The sources.
   * @param callbacks A function for each of them, in the same order.
   * @param options The options that end it; a limit counts all records
   * together.
   * @returns The number of records.
   * @throws {TypeError} if there are not as many callbacks as sources.
   * @throws as {@linkcode RecordSource.forEach} of an object does.
   *
   * @example
   * ```ts ignore
   * await RecordSource.forEach([opens, exits], [
   *   ({ path }) => console.log("open", path),
   *   ({ pid }) => console.log("exit", pid),
   * ], { signal });
   * ```
   */
  static async forEach<
    // deno-lint-ignore no-explicit-any
    const S extends readonly RecordSource<any, any>[],
  >(
    sources: S,
    callbacks: { readonly [K in keyof S]: CallbackOf<S[K]> },
    options: ForEachOptions = {},
  ): Promise<number> {
    if (sources.length !== callbacks.length) {
      throw new TypeError(
        `There must be a callback for each source: received ${callbacks.length} callbacks and ${sources.length} sources`,
      );
    }
    const sinks = sources.map((source, i) => {
      const callback = callbacks[i];
      requireCallback(callback);
      if (!(#reader in source)) {
        throw new TypeError(
          `Source must be a RingBuffer or a PerfBuffer: received ${
            show(source)
          }`,
        );
      }
      return { reader: source.#reader, callback } as unknown as RecordSink;
    });
    return await RecordSource.#forEach(sinks, options);
  }

  static async #forEach(
    sinks: readonly RecordSink[],
    options: ForEachOptions,
  ): Promise<number> {
    requireOptions(options, forEachOptions);
    const limit = recordLimitOf(options.limit);
    return await forEachRecord(sinks, signalsIn(options), limit);
  }

  /**
   * Makes a waiting `for await` or `forEach` look for records now, though
   * nothing woke it: for records that a program has submitted with
   * `BPF_RB_NO_WAKEUP`, or that are too few to wake the reader of a
   * {@linkcode PerfBuffer}. If nothing waits, it does nothing;
   * {@linkcode RecordSource.consume} looks anyway.
   *
   * @throws {ClosedError} if the source is closed.
   *
   * @example Whatever there is, once a second
   * ```ts ignore
   * setInterval(() => ring.flush(), 1000);
   * for await (const { pid } of ring) console.log(pid);
   * ```
   */
  flush(): void {
    this.#reader.requireOpen();
    this.#reader.onflush?.();
  }

  /**
   * Unmaps the source at once and ends what reads it: a loop behind the record
   * in hand, `for await` also while it waits. What was read is published. A
   * second call does nothing.
   *
   * @throws {TypeError} if another process has read meanwhile, so that this
   * source must not publish the position; the source is closed all the same.
   */
  close(): void {
    this.#reader.close();
  }

  /** Closes the source at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** The signals among options. @throws {TypeError} if one is not a signal. */
function signalsIn({ signal, until }: RecordsOptions): EndSignals {
  return {
    signal: requireSignal(signal),
    until: requireSignal(until, "until"),
  };
}
