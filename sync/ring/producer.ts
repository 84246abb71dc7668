/** The end of a ring that fills it. */

import { whereIs } from "../../layout/access/private_fields.ts";
import { write, writeValue } from "../../layout/access/write_whole.ts";
import { closed } from "../../layout/region/region.ts";
import { requireCallback } from "../../base/arguments.ts";
import { ProducerEnd } from "./ends.ts";
import { CONTENTS } from "./fields.ts";
import { type Filling, type FillInput, fillOf, slotOf } from "./fill.ts";
import { checkType } from "../../layout/mod.ts";
import type {
  Input,
  Pointer,
  PointerTo,
  Type,
  View,
  ViewOf,
} from "../../layout/mod.ts";
import type { Peer, SideOptions } from "../shared/owner.ts";
import { limitIn, type LimitOptions } from "../shared/limit.ts";
import type { ReadyOptions } from "../shared/sleep.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import type { SpscRingType } from "./type.ts";

/**
 * The producer of a {@linkcode SpscRing}: one thread, in one process.
 *
 * If the thread ends without `close`, the elements that it submitted are there;
 * those that it only reserved are lost. The next producer goes on where this
 * one stopped.
 *
 * @example As fast as the other end allows
 * ```ts ignore
 * for (const { id, price } of quotes) {
 *   while (!producer.push({ id, price })) await producer.ready();
 * }
 * ```
 */
export class RingProducer<T extends Type> implements Disposable {
  readonly #end: ProducerEnd;
  readonly #slot: (index: number) => object;
  readonly #filling: Filling;
  readonly #progress = new Int32Array(2);
  /** A side that is closed stores no more: the slot may be another's. */
  readonly #check = () => this.#end.requireOpen();
  #busy = false;

  private constructor(ring: Placed, options?: SideOptions) {
    const { at, element } = ring;
    checkType(element);
    const start = at + CONTENTS;
    const input: FillInput = { ...ring, start, progress: this.#progress };
    this.#slot = slotOf(input);
    this.#filling = fillOf(input);
    this.#end = new ProducerEnd(ring, options);
  }

  /**
   * Takes the producer's side of a ring for this thread.
   *
   * @param ring A pointer to a ring.
   * @param options The option to take the side over from a thread that lives.
   * @throws {TypeError} if it is not a pointer to a ring.
   * @throws {OwnedError} if a thread that may be alive has the side.
   * @throws {CorruptError} if a ring of another capacity, or of elements of another
   * size, lies there.
   * @throws {InvalidTypeError} if there are no pointers to the elements.
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError | SystemError} if there is no `/proc`, or it cannot be
   * read.
   */
  static open<T extends Type>(
    ring: PointerTo<SpscRingType<T>>,
    options?: SideOptions,
  ): RingProducer<T> {
    return new RingProducer<T>(structureAt("SpscRing", ring), options);
  }

  /** The number of elements that there is room for and that are not reserved. */
  get room(): number {
    this.#end.requireOpen();
    return this.#end.room();
  }

  /** The consumer. */
  get peer(): Peer {
    return this.#end.peer;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#end.closed;
  }

  /**
   * Reserves the next slot, to be filled in place: it holds what it held a lap
   * before. Several can be reserved before {@linkcode submit}; until then they
   * are this side's alone.
   *
   * @returns A pointer to it; undefined where the ring is full.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  reserve(): Pointer<T> | undefined {
    const slot = this.#nextSlot();
    if (slot === undefined) return undefined;
    this.#goOn();
    return slot as Pointer<T>;
  }

  /** Makes a pointer to the next slot; undefined where the ring is full. */
  #nextSlot(): object | undefined {
    const end = this.#end;
    if (end.closed || this.#busy || end.ring.region.closed) this.#refuse();
    const { next } = end;
    if (next === end.lines.index && !end.hasMore()) return undefined;
    return this.#slot(next);
  }

  /** Reserves the next slot. */
  #goOn(): void {
    this.#end.next = (this.#end.next + 1) | 0;
  }

  /**
   * Calls back with each slot that there is room for, to be filled in place, and
   * submits them together with what is reserved. One pointer shows all slots,
   * and is good until the callback returns; after the last one it throws
   * `ClosedError`: also in an `async` callback, after its first `await`. Do not keep a
   * part of it, such as a nested struct: it would be stored to later. A slot holds
   * what it held a lap before. If the callback throws, those before are submitted.
   *
   * It is the fastest way to fill a ring.
   *
   * @param fill The function that fills a slot.
   * @param options The largest number.
   * @returns The number of slots that were filled.
   * @throws {TypeError} if the callback is not a function, or calls `produce`; in a
   * ring of arrays of numbers also if it returns a promise.
   * @throws {RangeError} if the limit is not a whole number from 0.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote impossible indices.
   *
   * @example As many as there is room for
   * ```ts ignore
   * producer.produce((quote) => quote.id = nextId++);
   * ```
   */
  produce(
    fill: (slot: Pointer<T>) => unknown,
    options?: LimitOptions,
  ): number {
    requireCallback(fill);
    const limit = limitIn(options);
    const end = this.#end;
    end.requireOpen();
    this.#requireIdle("produce");
    const count = Math.min(end.room(), limit);
    const before = end.next;
    const { fill: fillSlots, revive, retire } = this.#filling;
    this.#busy = true;
    let filled = 0;
    revive();
    try {
      // What is closed takes no more lines: they may be another producer's.
      while (filled < count && !end.closed && !end.ring.region.closed) {
        const index = (before + filled) | 0;
        const taken = end.lines.take(index + 1, end.full);
        const piece = Math.min((taken - index) | 0, count - filled);
        this.#progress[0] = 0;
        fillSlots(index, piece, fill as (slot: never) => void);
        filled += piece;
      }
    } catch (error) {
      filled += Math.max(0, this.#progress[0]! - 1);
      throw error;
    } finally {
      this.#busy = false;
      retire();
      // The callback may have closed the memory, or this side.
      if (!end.closed && !end.ring.region.closed) {
        end.next = (before + filled) | 0;
        if (filled > 0) end.submit();
      }
    }
    end.requireOpen();
    if (end.ring.region.closed) closed(end.ring.region);
    return filled;
  }

  /**
   * Gives all that is reserved to the consumer, and wakes it where it sleeps.
   *
   * @throws {ClosedError} if the side or the memory is closed.
   */
  submit(): void {
    this.#end.submit();
  }

  /**
   * Gives up all that is reserved and not submitted: the next slot to be reserved
   * is the first of those.
   *
   * @throws {ClosedError} if the side is closed.
   * @throws {TypeError} if `produce` or `push` is under way.
   */
  discard(): void {
    this.#end.requireOpen();
    this.#requireIdle("discard");
    this.#end.discard();
  }

  /**
   * Fills the next slot, and submits it together with what is reserved. Fields
   * that are not given are zero.
   *
   * @param values The values, as `assign` takes them.
   * @returns True if there was room for it.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote impossible indices.
   * @throws {TypeError | RangeError} as `assign` does; then nothing is submitted.
   * @throws {TypeError} if a getter of the values reserves, produces or pushes.
   */
  push(values: Input<T> | ViewOf<T> | View<T>): boolean {
    const slot = this.#nextSlot();
    if (slot === undefined) return false;
    const end = this.#end;
    const { region, at, capacity, element } = end.ring;
    const from = at + CONTENTS + (end.next & (capacity - 1)) * element.size;
    // The values may have getters, which may use or close this side.
    this.#busy = true;
    try {
      region.u8.fill(0, from, from + element.size);
      const located = whereIs(slot);
      const check = this.#check;
      // A slot of numbers is a typed array of the engine.
      if (located !== undefined) write(located, values, check);
      else writeValue(element, region, from, element.size, values, check);
    } finally {
      this.#busy = false;
    }
    this.#goOn();
    end.submit();
    return true;
  }

  /**
   * Waits until there is room, or a consumer that makes some. The event loop
   * stays alive while it waits.
   *
   * @param options The signal that ends it.
   * @throws {TypeError} if the ring is full of what is reserved and not submitted.
   * @throws {PeerDiedError} if the ring is full, and the consumer ended without
   * closing its side.
   * @throws {ClosedError} if the side or the memory is closed, also while it waits.
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  async ready(options?: ReadyOptions): Promise<void> {
    await this.#end.ready(() => this.#end.room() > 0, options);
  }

  /**
   * Gives the side back: the consumer comes to an end once it has consumed what
   * was submitted. What is reserved is not submitted. A second call does
   * nothing.
   */
  close(): void {
    this.#progress[1] = 0;
    this.#end.close();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#end in this)) return "[prototype]";
    const { ring, closed } = this.#end;
    return `RingProducer { ${ring.name}${closed ? ", closed" : ""} }`;
  }

  #requireIdle(what: string): void {
    if (this.#busy) {
      throw new TypeError(`Cannot ${what}: produce() or push() is under way`);
    }
  }

  #refuse(): never {
    this.#end.requireOpen();
    this.#requireIdle("reserve");
    closed(this.#end.ring.region);
  }
}
