/**
 * The state that threads share together with a memory: whether it is closed.
 * Shared memory cannot be detached; without a word here, a thread would read
 * zeros after another one's `close` and not know why.
 *
 * The words lie in memory that every one of them can write, so nothing here
 * decides about safety.
 */

/** The first word. */
const MAGIC = 0x686d656d; // "hmem"

/** The word of the state, one of the following. */
const STATE = 1;
const OPEN = 1;
const CLOSED = 2;
/** Somebody is about to release the memory, and has not failed to yet. */
const CLOSING = 3;

/** The bytes that the two words take. */
export const CONTROL_SIZE = 8;

/** The state that all threads sharing a memory see. */
export class Control {
  /** The words that it lies in, and possibly more behind it. */
  readonly words: Int32Array;

  /** Takes the words as they are. */
  constructor(words: Int32Array) {
    this.words = words;
  }

  /** Begins to be one, of open memory. */
  initialize(): this {
    this.words[0] = MAGIC;
    Atomics.store(this.words, STATE, OPEN);
    return this;
  }

  /** True if it is one at all. */
  get genuine(): boolean {
    return this.words[0] === MAGIC;
  }

  /** True if nobody has begun to close the memory. */
  get open(): boolean {
    return Atomics.load(this.words, STATE) === OPEN;
  }

  /** True if somebody has released the memory. */
  get closed(): boolean {
    return Atomics.load(this.words, STATE) === CLOSED;
  }

  /**
   * Says that the memory is about to be released. This comes first: who reads
   * it, and then finds it open still, has not read zeros of its end.
   */
  startClosing(): void {
    Atomics.compareExchange(this.words, STATE, OPEN, CLOSING);
  }

  /** Says that the memory is released. */
  finishClosing(): void {
    Atomics.store(this.words, STATE, CLOSED);
    Atomics.notify(this.words, STATE);
  }

  /**
   * Takes {@linkcode startClosing} back. False if another thread has finished:
   * then the memory is closed.
   */
  abandonClosing(): boolean {
    const state = Atomics.compareExchange(this.words, STATE, CLOSING, OPEN);
    return state !== CLOSED;
  }
}

/** A control of its own, for memory whose buffer is not shared. */
export function createControl(): Control {
  return controlIn(new SharedArrayBuffer(CONTROL_SIZE)).initialize();
}

/**
 * The control at the begin of a buffer.
 *
 * @throws {TypeError} if it is no SharedArrayBuffer.
 * @throws {RangeError} if it is too short.
 */
export function controlIn(buffer: ArrayBufferLike): Control {
  if (!(buffer instanceof SharedArrayBuffer)) {
    throw new TypeError("A control lies in a SharedArrayBuffer");
  }
  return new Control(new Int32Array(buffer, 0, CONTROL_SIZE / 4));
}
