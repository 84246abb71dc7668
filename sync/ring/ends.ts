/**
 * The common part of both ends of every ring: a side, the indices, and how they
 * wait for each other. An index counts elements, or the bytes of a `ByteRing`.
 */

import { ClosedError, CorruptError, OwnedError } from "../../errors.ts";
import {
  agree,
  type Peer,
  Side,
  type SideOptions,
  takesOver,
} from "../shared/owner.ts";
import { publish, SharedWord } from "../shared/order.ts";
import { type ReadyOptions, type Sleep, sleepUntil } from "../shared/sleep.ts";
import { type Placed, unitOf } from "../shared/structure.ts";
import { OFFSETS } from "./fields.ts";
import { FreeLines } from "./lines.ts";

/**
 * The number of elements that a loop yields before it asks whether the event
 * loop has to turn, which `ready` does.
 */
export const YIELDED_MAX = 256;

/** A ring whose side is taken, and the words in it. */
class End {
  readonly ring: Placed;
  readonly head: SharedWord;
  readonly tail: SharedWord;
  readonly ended: SharedWord;
  readonly side: Side;
  readonly #grain: number;

  /** Takes the side that `own` names. */
  constructor(
    ring: Placed,
    own: "producer" | "consumer",
    options?: SideOptions,
  ) {
    const takeOver = takesOver(options);
    const { size, grain } = unitOf(ring);
    const { region, at, name, capacity } = ring;
    agree(region, at + OFFSETS.format, name, capacity, size);
    this.ring = ring;
    this.#grain = grain;
    this.head = this.word("head");
    this.tail = this.word("tail");
    this.ended = this.word("ended");
    this.side = this.sideOf(own);
    this.side.take(takeOver);
  }

  word(field: keyof typeof OFFSETS): SharedWord {
    const { region, at } = this.ring;
    return new SharedWord(region, at + OFFSETS[field]);
  }

  sideOf(side: "producer" | "consumer"): Side {
    const { region, at, name } = this.ring;
    return new Side(
      region,
      at + OFFSETS[side],
      at + OFFSETS.pidNamespace,
      `${name}: The ${side}'s side`,
    );
  }

  /** The index that this side goes on from; gives the side back where it is none. */
  begin(word: SharedWord): number {
    const index = word.load();
    if ((index & (this.#grain - 1)) === 0) return index;
    this.side.giveBack();
    throw this.#misplaced(index);
  }

  /**
   * Finds the distance from the tail to the head.
   *
   * @throws {CorruptError} if that cannot be.
   */
  apart(head: number, tail: number): number {
    const { capacity, name } = this.ring;
    const apart = (head - tail) >>> 0;
    if (apart > capacity) {
      this.#requireSide();
      throw new CorruptError(
        `${name}: The indices are ${apart} apart: they must be at most ${capacity}`,
      );
    }
    if ((apart & (this.#grain - 1)) !== 0) throw this.#misplaced(apart);
    return apart;
  }

  /** @throws {OwnedError} if another object has the side: the index is its. */
  #requireSide(): void {
    if (this.side.held || this.ring.region.closed) return;
    throw new OwnedError(
      `${this.side.name} was taken over from this object, and the indices have gone on without it`,
    );
  }

  #misplaced(index: number): CorruptError {
    return new CorruptError(
      `${this.ring.name}: An index is ${
        index >>> 0
      }: it must be a multiple of ${this.#grain}`,
    );
  }
}

/** The end of a ring that fills it. */
export class ProducerEnd {
  /** The ring. */
  readonly ring: Placed;
  readonly #end: End;
  readonly #consumerSleeps: SharedWord;
  readonly #sleep: Omit<Sleep, "look">;
  /** The cache lines to be filled. */
  readonly lines: FreeLines;
  /** The index of the next to reserve. */
  next: number;
  /** The consumer's index, when it was last looked at. */
  seen: number;
  /** True if the side was given back. */
  closed = false;
  /** The index of the first that is not submitted. */
  #submitted: number;

  /**
   * Takes the producer's side.
   *
   * @throws {OwnedError | CorruptError | ClosedError | NotSupportedError} as the
   * `open` of each ring tells.
   */
  constructor(ring: Placed, options?: SideOptions) {
    const end = new End(ring, "producer", options);
    const { region, at, name } = ring;
    this.ring = ring;
    this.#end = end;
    this.#consumerSleeps = end.word("consumerSleeps");
    this.next = this.#submitted = end.begin(end.head);
    this.seen = end.tail.load();
    this.lines = new FreeLines(ring, this.next);
    this.#sleep = {
      region,
      offset: at + OFFSETS.tail,
      index: end.tail,
      sleeps: end.word("producerSleeps"),
      peer: end.sideOf("consumer"),
      peerName: `${name}: The consumer`,
    };
    end.ended.store(0);
  }

  /** The consumer. */
  get peer(): Peer {
    this.requireOpen();
    return this.#sleep.peer.peer;
  }

  /** The index of the first that is not free, as far as was looked. */
  get full(): number {
    return (this.seen + this.ring.capacity) | 0;
  }

  /**
   * Reads how many elements, or bytes, there is room for.
   *
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  room(): number {
    this.seen = this.#end.tail.load();
    return this.ring.capacity - this.#end.apart(this.next, this.seen);
  }

  /**
   * Tests whether there is room for the next element, where no cache lines are
   * taken any more.
   *
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  hasMore(): boolean {
    const used = (this.next - this.seen) >>> 0;
    if (used >= this.ring.capacity && this.room() === 0) return false;
    this.lines.take(this.next + 1, this.full);
    return true;
  }

  /**
   * Gives all that is reserved to the consumer, and wakes it where it sleeps.
   *
   * @throws {ClosedError} if the side or the memory is closed.
   */
  submit(): void {
    this.requireOpen();
    this.#submitted = this.next;
    publish(this.#end.head, this.next, this.#consumerSleeps);
  }

  /** Gives up what is reserved and not submitted. */
  discard(): void {
    this.next = this.#submitted;
  }

  /** Waits until something holds, which is asked whenever the consumer went on. */
  async ready(isSo: () => boolean, options?: ReadyOptions): Promise<void> {
    this.requireOpen();
    const look = () => {
      if (this.closed || isSo()) return true;
      this.#requireSubmitted();
      return undefined;
    };
    await sleepUntil({ ...this.#sleep, look }, options);
    this.requireOpen();
  }

  /** @throws {TypeError} where nobody could make room but this side. */
  #requireSubmitted(): void {
    const isEmpty = this.#end.tail.load() === this.#submitted;
    if (!isEmpty || this.next === this.#submitted) return;
    throw new TypeError(
      "Cannot wait for room: the ring is full of what this side has reserved: call submit() first",
    );
  }

  /** Gives the side back; once more does nothing. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.ring.region.closed) return;
    const { ended, side, head, tail } = this.#end;
    // This side may sleep, too.
    tail.wake();
    // Whoever took the side over goes on.
    if (!side.held) return;
    ended.store(1);
    side.giveBack();
    head.wake();
  }

  /** @throws {ClosedError} if the side was given back. */
  requireOpen(): void {
    if (this.closed) {
      throw new ClosedError("The producer's side of the ring is closed");
    }
  }
}

/** The end of a ring that empties it. */
export class ConsumerEnd {
  /** The ring. */
  readonly ring: Placed;
  readonly #end: End;
  readonly #producerSleeps: SharedWord;
  readonly #sleep: Sleep;
  /** The index of the next to consume. */
  next: number;
  /** True if the side was given back. */
  closed = false;
  #busy = false;

  /**
   * Takes the consumer's side.
   *
   * @throws {OwnedError | CorruptError | ClosedError | NotSupportedError} as the
   * `open` of each ring tells.
   */
  constructor(ring: Placed, options?: SideOptions) {
    const end = new End(ring, "consumer", options);
    const { region, at, name } = ring;
    this.ring = ring;
    this.#end = end;
    this.#producerSleeps = end.word("producerSleeps");
    this.next = end.begin(end.tail);
    this.#sleep = {
      region,
      offset: at + OFFSETS.head,
      index: end.head,
      sleeps: end.word("consumerSleeps"),
      peer: end.sideOf("producer"),
      peerName: `${name}: The producer`,
      look: () => {
        if (this.closed) return false;
        // First whether it ended: what it submitted before is there then.
        const hasEnded = end.ended.load() !== 0;
        if (this.available() > 0) return true;
        return hasEnded ? false : undefined;
      },
    };
  }

  /** The producer. */
  get peer(): Peer {
    this.requireOpen();
    return this.#sleep.peer.peer;
  }

  /**
   * Reads how many elements, or bytes, were submitted and are not consumed.
   *
   * @throws {CorruptError} if another program wrote impossible indices.
   */
  available(): number {
    return this.#end.apart(this.#end.head.load(), this.next);
  }

  /**
   * The number of elements, or bytes, to give back at once, so that a producer
   * that waits does not wait for all of them.
   */
  get batch(): number {
    return Math.max(1, this.ring.capacity >> 2);
  }

  /**
   * Gives what was consumed back to the producer, unless the side or the memory
   * was closed, which a callback may do.
   */
  giveBack(count: number): void {
    if (count === 0 || this.closed || this.ring.region.closed) return;
    this.next = (this.next + count) | 0;
    publish(this.#end.tail, this.next, this.#producerSleeps);
  }

  /** Begins to consume. */
  enter(): void {
    this.requireOpen();
    if (this.#busy) {
      throw new TypeError("Cannot consume: a callback or a loop does already");
    }
    this.#busy = true;
  }

  /** Ends it. */
  leave(): void {
    this.#busy = false;
  }

  /** Waits until there is something; false once the producer has ended. */
  async ready(options?: ReadyOptions): Promise<boolean> {
    this.requireOpen();
    const result = await sleepUntil(this.#sleep, options);
    this.requireOpen();
    return result;
  }

  /**
   * Gives the side back; once more does nothing.
   *
   * @param shown The number of elements, or bytes, that were consumed and not given
   * back: where a callback or a loop closes the side.
   */
  close(shown: number): void {
    if (this.closed) return;
    // Whoever took the side over goes on from elsewhere.
    if (!this.ring.region.closed && this.#end.side.held) this.giveBack(shown);
    this.closed = true;
    if (this.ring.region.closed) return;
    this.#end.side.giveBack();
    // This side may sleep.
    this.#end.head.wake();
  }

  /** @throws {ClosedError} if the side was given back. */
  requireOpen(): void {
    if (this.closed) {
      throw new ClosedError("The consumer's side of the ring is closed");
    }
  }
}
