/**
 * The holder of a side of a shared structure: a word of 64 bits, which is 0
 * where nobody has it. Its low half is the number of a thread, its high half
 * the low half of the time when that began, so that a later thread of the same
 * number is known for another. A thread that ended is known by that, and its
 * side can be taken over.
 *
 * The numbers are those of one namespace, which a further word tells. Nobody can
 * be told dead where the two sides are of different ones, as containers are, or
 * where one is in a time namespace of its own: the kernel tells it other times. A
 * thread that `/proc` hides counts as dead only if no thread has its number.
 */

import { CorruptError, NotSupportedError, OwnedError } from "../../errors.ts";
import { requireFlag, requireOptions } from "../../base/arguments.ts";
import {
  hasMachineTime,
  pidNamespace,
  thisThread,
  threadOf,
} from "../../ffi/calls/threads.ts";
import { ENOENT } from "../../ffi/constants.ts";
import { systemError } from "../../ffi/mod.ts";
import { closed, type Region } from "../../layout/region/region.ts";

/** In the word of the namespace: several, or one whose times are its own. */
const SEVERAL = 0xffff_ffff;

/** The most tries to take a side that others take, too. */
const TRIES_MAX = 1000;

let own: { readonly owner: bigint; readonly namespace: number } | undefined;

/** Makes the word that this thread writes. */
function identity(): { readonly owner: bigint; readonly namespace: number } {
  if (own !== undefined) return own;
  const thread = thisThread();
  if (thread === -ENOENT) {
    throw new NotSupportedError(
      "Cannot tell other processes who this is: /proc must be mounted",
    );
  }
  if (typeof thread === "number") {
    throw systemError(-thread, "open(/proc/thread-self/stat)");
  }
  const owner = BigInt.asUintN(32, thread.start) << 32n | BigInt(thread.id);
  const namespace = hasMachineTime() ? pidNamespace() : SEVERAL;
  return own = { owner, namespace };
}

/** Tests whether there is the thread that wrote a word, or may be. */
function isAlive(owner: bigint): boolean {
  const thread = threadOf(Number(owner & 0xffff_ffffn));
  if (thread === "hidden") return true;
  return thread !== "none" && !thread.ended &&
    BigInt.asUintN(32, thread.start) === owner >> 32n;
}

/** Options of opening a side of a shared structure. */
export interface SideOptions {
  /**
   * True to take the side from the thread that has it: for a thread that still
   * runs but is known not to use the side any more. A side whose thread ended
   * is free without it. If the object that had the side is used all the same, that is
   * noticed once its index can no longer be right: by an `OwnedError`.
   */
  readonly takeOver?: boolean | undefined;
}

/** Checks the options, and tells whether to take over. */
export function takesOver(options: SideOptions = {}): boolean {
  requireOptions(options, { takeOver: true });
  return requireFlag("takeOver", options.takeOver);
}

/**
 * The sides of this thread that took a word last, by region and offset. All of
 * them write the same word there: one that another took over has it no more.
 */
const holders = new WeakMap<Region, Map<number, Side>>();

/**
 * The state of the other side: nobody has it, its thread lives or may live, or
 * its thread ended without closing it.
 */
export type Peer =
  /** Nobody, yet or any more. */
  | "absent"
  /** A thread that lives, or that nobody here can tell of. */
  | "alive"
  /** A thread that ended without closing its side. */
  | "dead";

/** A side of a shared structure. */
export class Side {
  readonly #region: Region;
  readonly #owner: number;
  readonly #namespace: number;
  /** The name in error messages. */
  readonly name: string;

  /**
   * @param region The whole region.
   * @param owner The offset of the word of the owner, in bytes.
   * @param namespace The offset of the word of the namespace.
   * @param name The name of the side in error messages.
   */
  constructor(
    region: Region,
    owner: number,
    namespace: number,
    name: string,
  ) {
    this.#region = region;
    this.#owner = owner / 8;
    this.#namespace = namespace / 4;
    this.name = name;
  }

  get #words(): BigUint64Array {
    const { u64 } = this.#region;
    if (u64.length === 0) closed(this.#region);
    return u64;
  }

  /** The holder of the side. */
  get peer(): Peer {
    const owner = Atomics.load(this.#words, this.#owner);
    if (owner === 0n) return "absent";
    const namespace = Atomics.load(this.#region.u32, this.#namespace);
    if (namespace === SEVERAL || namespace !== identity().namespace) {
      return "alive";
    }
    return isAlive(owner) ? "alive" : "dead";
  }

  /**
   * Takes the side for this thread.
   *
   * @param takeOver True to take it from whoever has it.
   * @throws {OwnedError} if somebody has it who may be alive.
   * @throws {NotSupportedError | SystemError} if there is no `/proc`, or it cannot be
   * read.
   */
  take(takeOver: boolean): void {
    const { owner, namespace } = identity();
    const words = this.#words;
    const { u32 } = this.#region;
    const before = Atomics.compareExchange(u32, this.#namespace, 0, namespace);
    if (before !== 0 && before !== namespace) {
      Atomics.store(u32, this.#namespace, SEVERAL);
    }
    for (let tries = 0;; tries++) {
      const other = Atomics.load(words, this.#owner);
      const isFree = takeOver || other === 0n || this.peer !== "alive";
      // Others took it each time that it was free.
      if (!isFree || tries === TRIES_MAX) throw this.#taken(other);
      if (
        Atomics.compareExchange(words, this.#owner, other, owner) === other
      ) break;
    }
    const region = this.#region;
    let offsets = holders.get(region);
    if (offsets === undefined) holders.set(region, offsets = new Map());
    offsets.set(this.#owner, this);
  }

  /** True while it has what it took: false once another has, or memory is closed. */
  get held(): boolean {
    const { u64 } = this.#region;
    return u64.length > 0 &&
      holders.get(this.#region)?.get(this.#owner) === this &&
      Atomics.load(u64, this.#owner) === identity().owner;
  }

  #taken(other: bigint): OwnedError {
    const thread = Number(other & 0xffff_ffffn);
    return new OwnedError(
      `${this.name} is taken by ${this.#holder(other, thread)}`,
    );
  }

  /** The owner of the side, and what there is to be done. */
  #holder(other: bigint, thread: number): string {
    const { owner, namespace } = identity();
    const found = Atomics.load(this.#region.u32, this.#namespace);
    if (found !== namespace || found === SEVERAL) {
      return `thread ${thread} of some PID namespace: it must close it, or be known to have ended, which cannot be seen across namespaces: then pass takeOver`;
    }
    if (other === owner) {
      return `this thread, ${thread}: close the object that has it, or pass takeOver if that is gone`;
    }
    if (threadOf(thread) === "hidden") {
      return `thread ${thread}, of which /proc does not tell this process: it must close it or end; if another thread has that number now, pass takeOver`;
    }
    return `thread ${thread}: it must close it or end`;
  }

  /** Gives the side back, unless another has taken it. */
  giveBack(): void {
    if (!this.held) return;
    const { u64 } = this.#region;
    Atomics.compareExchange(u64, this.#owner, identity().owner, 0n);
    holders.get(this.#region)!.delete(this.#owner);
  }
}

/**
 * Writes down what a structure is made for, or compares it with what is.
 *
 * @param at The offset of the word that tells it, in bytes.
 * @param capacity The number of elements, or of bytes for messages.
 * @param size The size of each in bytes; 0 where they are messages of any length.
 * @throws {CorruptError} if it was made for something else.
 */
export function agree(
  region: Region,
  at: number,
  name: string,
  capacity: number,
  size: number,
): void {
  const { u64 } = region;
  if (u64.length === 0) closed(region);
  const mine = BigInt(capacity) << 32n | BigInt(size);
  const found = Atomics.compareExchange(u64, at / 8, 0n, mine);
  if (found !== 0n) requireSame(name, found, capacity, size);
}

/** The same, without writing anything: what nobody has made yet is of any kind. */
export function agrees(
  region: Region,
  at: number,
  name: string,
  capacity: number,
  size: number,
): void {
  const { u64 } = region;
  if (u64.length === 0) closed(region);
  const found = Atomics.load(u64, at / 8);
  if (found !== 0n) requireSame(name, found, capacity, size);
}

function requireSame(
  name: string,
  found: bigint,
  capacity: number,
  size: number,
): void {
  if (found === (BigInt(capacity) << 32n | BigInt(size))) return;
  throw new CorruptError(
    `${name}: What lies there is of ${
      described(found >> 32n, found & 0xffff_ffffn)
    }: this is of ${described(BigInt(capacity), BigInt(size))}`,
  );
}

function described(capacity: bigint, size: bigint): string {
  return size === 0n
    ? `messages in ${capacity} bytes`
    : `${capacity} times ${size} bytes`;
}
