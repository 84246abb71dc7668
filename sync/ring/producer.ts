/** The end of a ring that fills it. */

import { ClosedError, CorruptError } from "../../errors.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import { write } from "../../layout/access/write_whole.ts";
import { closed } from "../../layout/region/region.ts";
import { requireCallback, requireWhole } from "../../base/arguments.ts";
import type { Drain } from "./drain.ts";
import { type FillInput, fillOf, slotOf } from "./fill.ts";
import { checkType } from "../../layout/mod.ts";
import type {
  Input,
  Pointer,
  PointerTo,
  Type,
  View,
  ViewOf,
} from "../../layout/mod.ts";
import {
  agree,
  type Peer,
  Side,
  type SideOptions,
  takesOver,
} from "../shared/owner.ts";
import { publish, SharedWord } from "../shared/order.ts";
import { type ReadyOptions, type Sleep, sleepUntil } from "../shared/sleep.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import { OFFSETS, type SpscRingType } from "./type.ts";

/**
 * The producer of a {@linkcode SpscRing}: one thread, in one process.
 *
 * If it ends without `close`, all that it submitted is there; what it reserved
 * and did not submit never was. The next one takes its side over, and goes on
 * where it stopped.
 *
 * @example As fast as the other end allows
 * ```ts ignore
 * for (const { id, price } of quotes) {
 *   while (!producer.push({ id, price })) await producer.ready();
 * }
 * ```
 */
export class RingProducer<T extends Type> implements Disposable {
  readonly #ring: Placed;
  readonly #side: Side;
  readonly #head: SharedWord;
  readonly #tail: SharedWord;
  readonly #consumerSleeps: SharedWord;
  readonly #sleep: Sleep;
  readonly #capacity: number;
  readonly #slot: (index: number) => object;
  readonly #fill: Drain;
  readonly #shown = new Int32Array(1);
  #busy = false;
  /** The index of the next slot to reserve. */
  #next: number;
  /** The consumer's index, when it was last looked at. */
  #seen: number;
  #closed = false;

  private constructor(ring: Placed, takeOver: boolean) {
    const { region, at, element, name, capacity } = ring;
    checkType(element);
    agree(region, at + OFFSETS.format, name, capacity, element.size);
    const word = (field: keyof typeof OFFSETS) =>
      new SharedWord(region, at + OFFSETS[field]);
    const side = (field: "producer" | "consumer", title: string) =>
      new Side(region, at + OFFSETS[field], at + OFFSETS.pidNamespace, title);
    this.#ring = ring;
    this.#head = word("head");
    this.#tail = word("tail");
    this.#consumerSleeps = word("consumerSleeps");
    const start = at + OFFSETS.slots;
    const input: FillInput = { ...ring, start, shown: this.#shown };
    this.#capacity = capacity;
    this.#slot = slotOf(input);
    this.#fill = fillOf(input);
    this.#side = side("producer", `${name}: The producer's side`);
    this.#side.take(takeOver);
    this.#next = this.#head.load();
    this.#seen = this.#tail.load();
    this.#sleep = {
      region,
      offset: at + OFFSETS.tail,
      index: this.#tail,
      sleeps: word("producerSleeps"),
      peer: side("consumer", `${name}: The consumer's side`),
      peerName: `${name}: The consumer`,
      look: () => this.#room() > 0 ? true : undefined,
    };
    word("ended").store(0);
  }

  /**
   * Takes the producer's side of a ring for this thread.
   *
   * @param ring A pointer to a ring.
   * @param options Whether to take it from a thread that lives.
   * @throws {TypeError} if it is not a pointer to a ring.
   * @throws {OwnedError} if a thread has the side that may be alive.
   * @throws {CorruptError} if what lies there is a ring of something else.
   * @throws {InvalidTypeError} if there are no pointers to the elements.
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError} if there is no `/proc`.
   */
  static open<T extends Type>(
    ring: PointerTo<SpscRingType<T>>,
    options: SideOptions = {},
  ): RingProducer<T> {
    return new RingProducer<T>(
      structureAt("SpscRing", ring),
      takesOver(options),
    );
  }

  /** How many there is room for that are not reserved. */
  get room(): number {
    this.#requireOpen();
    return this.#room();
  }

  /** Who consumes. */
  get peer(): Peer {
    this.#requireOpen();
    return this.#sleep.peer.peer;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#closed;
  }

  #room(): number {
    const { capacity, name } = this.#ring;
    this.#seen = this.#tail.load();
    const used = (this.#next - this.#seen) >>> 0;
    if (used <= capacity) return capacity - used;
    throw new CorruptError(
      `${name}: The indices are ${used} apart: they must be at most ${capacity}`,
    );
  }

  /**
   * Reserves the next slot, to be filled in place: it holds what it held a lap
   * before. Several can be reserved before {@linkcode submit}; until then they
   * are this side's alone.
   *
   * @returns A pointer to it; undefined where the ring is full.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if somebody else wrote the indices.
   */
  reserve(): Pointer<T> | undefined {
    if (this.#closed || this.#busy || this.#ring.region.closed) this.#refuse();
    const next = this.#next;
    if (
      ((next - this.#seen) >>> 0) >= this.#capacity && this.#room() === 0
    ) return undefined;
    const slot = this.#slot(next);
    this.#next = (next + 1) | 0;
    return slot as Pointer<T>;
  }

  /**
   * Calls back with each slot that there is room for, to be filled in place, and
   * submits them together with what is reserved. What it is called with is one
   * pointer for all, and good until the callback returns; the slot holds what it
   * held a lap before. If the callback throws, those before are submitted.
   *
   * It is the fastest way to fill a ring.
   *
   * @param fill What fills a slot.
   * @param limit How many at the most; as many as there is room for by default.
   * @returns How many were filled.
   * @throws {TypeError} if the callback is no function, or produces itself.
   * @throws {RangeError} if the limit is not a whole number from 1.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if somebody else wrote the indices.
   *
   * @example As many as there is room for
   * ```ts ignore
   * producer.produce((quote) => quote.id = nextId++);
   * ```
   */
  produce(
    fill: (slot: Pointer<T>) => unknown,
    limit: number = Infinity,
  ): number {
    requireCallback(fill);
    if (limit !== Infinity) requireWhole("Limit", limit, 1);
    this.#requireOpen();
    if (this.#busy) {
      throw new TypeError("Cannot produce: a callback does already");
    }
    const count = Math.min(this.#room(), limit);
    const before = this.#next;
    this.#shown[0] = 0;
    this.#busy = true;
    let filled = 0;
    try {
      this.#fill(before, count, fill as (slot: never) => void);
      filled = count;
    } catch (error) {
      filled = Math.max(0, this.#shown[0]! - 1);
      throw error;
    } finally {
      this.#busy = false;
      // The callback may have closed the memory, or this side.
      if (!this.#closed && !this.#ring.region.closed) {
        this.#next = (before + filled) | 0;
        if (filled > 0) this.submit();
      }
    }
    this.#requireOpen();
    return filled;
  }

  /**
   * Gives all that is reserved to the consumer, and wakes it where it sleeps.
   *
   * @throws {ClosedError} if the side or the memory is closed.
   */
  submit(): void {
    if (this.#closed) this.#requireOpen();
    publish(this.#head, this.#next, this.#consumerSleeps);
  }

  /**
   * Fills the next slot, and submits it together with what is reserved. Fields
   * that are not given are zero.
   *
   * @param values The values, as `assign` takes them.
   * @returns True if there was room for it.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if somebody else wrote the indices.
   * @throws {TypeError | RangeError} as `assign` does; then nothing is submitted.
   */
  push(values: Input<T> | ViewOf<T> | View<T>): boolean {
    const before = this.#next;
    const slot = this.reserve();
    if (slot === undefined) return false;
    const { region, at, capacity, element } = this.#ring;
    const from = at + OFFSETS.slots + (before & (capacity - 1)) * element.size;
    try {
      region.u8.fill(0, from, from + element.size);
      write(whereIs(slot)!, values);
    } catch (error) {
      this.#next = before;
      throw error;
    }
    this.submit();
    return true;
  }

  /**
   * Waits until there is room, or a consumer that makes some. The event loop is
   * held while it waits.
   *
   * @param options The signal that ends it.
   * @throws {PeerDiedError} if the ring is full, and the consumer ended without
   * closing its side.
   * @throws {ClosedError} if the side or the memory is closed, also while it waits.
   * @throws {CorruptError} if somebody else wrote the indices.
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    this.#requireOpen();
    await sleepUntil(this.#sleep, options);
    this.#requireOpen();
  }

  /**
   * Gives the side back: the consumer comes to an end once it has consumed what
   * was submitted. What is reserved is not submitted. Once more does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { region, at } = this.#ring;
    if (region.closed) return;
    new SharedWord(region, at + OFFSETS.ended).store(1);
    this.#side.giveBack();
    this.#head.wake();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    return `RingProducer { ${this.#ring.name}${
      this.#closed ? ", closed" : ""
    } }`;
  }

  #refuse(): never {
    this.#requireOpen();
    if (this.#busy) {
      throw new TypeError("Cannot reserve: a callback of produce() runs");
    }
    closed(this.#ring.region);
  }

  #requireOpen(): void {
    if (this.#closed) {
      throw new ClosedError("The producer's side of the ring is closed");
    }
  }
}
