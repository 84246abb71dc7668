/** The side of a seqlock that writes it. */

import { ClosedError } from "../../errors.ts";
import { refusePromise, requireCallback } from "../../base/arguments.ts";
import {
  checkType,
  type Pointer,
  pointer,
  type PointerTo,
  type Type,
} from "../../layout/mod.ts";
import { closed } from "../../layout/region/region.ts";
import { agree, Side, type SideOptions, takesOver } from "../shared/owner.ts";
import { fence, SharedWord } from "../shared/order.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import { OFFSETS, type SeqlockType } from "./type.ts";

/**
 * The writer of a {@linkcode Seqlock}: one thread, in one process.
 *
 * If the thread ends in the middle of a store, readers get a `PeerDiedError`
 * until the next writer has written.
 */
export class SeqlockWriter<T extends Type> implements Disposable {
  readonly #lock: Placed;
  readonly #side: Side;
  readonly #sequence: SharedWord;
  /** The value that was stored last. */
  readonly #stored: Uint8Array;
  /** A copy of it, to be changed: also by a callback that goes on too long. */
  readonly #draft: Uint8Array<ArrayBuffer>;
  readonly #pointer: Pointer<T>;
  #busy = false;
  #closed = false;

  private constructor(lock: Placed, takeOver: boolean) {
    const { region, at, element, name } = lock;
    checkType(element);
    agree(region, at + OFFSETS.format, name, 1, element.size);
    this.#lock = lock;
    this.#sequence = new SharedWord(region, at + OFFSETS.sequence);
    this.#side = new Side(
      region,
      at + OFFSETS.writer,
      at + OFFSETS.pidNamespace,
      `${name}: The writer's side`,
    );
    this.#stored = new Uint8Array(element.size);
    this.#draft = new Uint8Array(new ArrayBuffer(element.size));
    this.#pointer = pointer<Type>(
      element as Type,
      this.#draft.buffer,
    ) as Pointer<
      T
    >;
    this.#side.take(takeOver);
    // What a writer left that died while it stored is nobody's value.
    if ((this.#sequence.load() & 1) === 0) this.#stored.set(this.#shared());
  }

  /**
   * Takes the writer's side for this thread.
   *
   * @param lock A pointer to a seqlock.
   * @param options The option to take the side over from a thread that lives.
   * @throws {TypeError} if it is not a pointer to a seqlock.
   * @throws {OwnedError} if a thread that may be alive has the side.
   * @throws {CorruptError} if values of another size lie there.
   * @throws {InvalidTypeError} if there are no pointers to the value.
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError | SystemError} if there is no `/proc`, or it cannot be
   * read.
   */
  static open<T extends Type>(
    lock: PointerTo<SeqlockType<T>>,
    options?: SideOptions,
  ): SeqlockWriter<T> {
    const takeOver = takesOver(options);
    return new SeqlockWriter<T>(structureAt("Seqlock", lock), takeOver);
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#closed;
  }

  #shared(): Uint8Array {
    const { region, at, element } = this.#lock;
    const start = at + OFFSETS.value;
    if (region.closed) closed(region);
    return region.u8.subarray(start, start + element.size);
  }

  /**
   * Changes the value: the callback changes a draft, which holds the value as
   * it is; the draft is then stored at once. If the callback throws, nothing is
   * stored. If the last writer died while it stored, the draft is zero.
   *
   * @param change The function that changes it, through a pointer that is good until it
   * returns.
   * @throws {TypeError} if it is not a function, calls `write`, or returns a
   * promise, as an `async` function does; nothing is stored then.
   * @throws {ClosedError} if the side or the memory is closed.
   */
  write(change: (draft: Pointer<T>) => void): void {
    requireCallback(change);
    this.#requireOpen();
    if (this.#busy) {
      throw new TypeError("Cannot write: a callback does already");
    }
    const stored = this.#stored;
    this.#draft.set(stored);
    this.#busy = true;
    try {
      const result: unknown = change(this.#pointer);
      refusePromise(result, "the draft is stored once it has returned");
      this.#requireOpen();
    } finally {
      this.#busy = false;
    }
    const shared = this.#shared();
    stored.set(this.#draft);
    const odd = this.#sequence.load() | 1;
    this.#sequence.store(odd);
    fence();
    shared.set(stored);
    this.#sequence.store((odd + 1) | 0);
  }

  /** Gives the side back. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#side.giveBack();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#lock in this)) return "[prototype]";
    const closed = this.#closed ? ", closed" : "";
    return `SeqlockWriter { ${this.#lock.name}${closed} }`;
  }

  #requireOpen(): void {
    if (this.#closed) {
      throw new ClosedError("The writer's side of the seqlock is closed");
    }
  }
}
