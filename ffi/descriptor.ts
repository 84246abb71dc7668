import { ClosedError } from "../errors.ts";
import { check, closeDescriptor, duplicate } from "./mod.ts";
import {
  atomics,
  NativeInt32Array,
  PrivateRegistry,
  typedArrayBuffer,
} from "../layout/intrinsics.ts";

const { SharedArrayBuffer: NativeSharedArrayBuffer } = globalThis;

/** An open descriptor, and where other threads read its number. */
interface Open {
  readonly fd: number;
  /** One word: the number, or -1 from before it is closed. */
  published: Int32Array | undefined;
}

/** In a published word: the descriptor is about to be closed, or is. */
const GONE = -1;

function closeOpen({ fd, published }: Open): void {
  if (published !== undefined) atomics.store(published, 0, GONE);
  // The number is taken from here: other threads can write what is published.
  closeDescriptor(fd);
}

/** Closes what was dropped without `close`: a net, not the way. */
const net = new PrivateRegistry<Open>(closeOpen);

/** A descriptor that this package opened and closes. */
export class Descriptor {
  #open: Open | undefined;

  /** Takes over an open descriptor. */
  constructor(fd: number) {
    const open: Open = { fd, published: undefined };
    this.#open = open;
    net.register(this, open, this);
  }

  /**
   * A descriptor of our own for what somebody else's is open for.
   *
   * @throws {SystemError} with EBADF, if that is not open.
   */
  static duplicate(fd: number): Descriptor {
    return new Descriptor(check(duplicate(fd), "fcntl"));
  }

  /** Its number; -1 once closed. */
  get fd(): number {
    return this.#open?.fd ?? -1;
  }

  /**
   * A word for other threads, by which {@linkcode duplicatePublished} gets at
   * the descriptor there for as long as it is open here.
   *
   * @throws {ClosedError} if it is closed.
   */
  publish(): ArrayBufferLike {
    const open = this.#open;
    if (open === undefined) throw gone();
    if (open.published === undefined) {
      const word = new NativeInt32Array(new NativeSharedArrayBuffer(4), 0, 1);
      atomics.store(word, 0, open.fd);
      open.published = word;
    }
    return typedArrayBuffer(open.published);
  }

  /** Closes it. Once more does nothing. */
  close(): void {
    const open = this.#open;
    if (open === undefined) return;
    net.unregister(this);
    this.#open = undefined;
    closeOpen(open);
  }
}

/**
 * Duplicates a descriptor that another thread published and may be closing. The
 * number alone would not do: once closed, it is another file's.
 *
 * @param buffer A SharedArrayBuffer of at least 4 bytes.
 * @throws {ClosedError} if the descriptor is closed.
 * @throws {SystemError} if it cannot be duplicated.
 */
export function duplicatePublished(buffer: ArrayBufferLike): Descriptor {
  const word = new NativeInt32Array(buffer, 0, 1);
  const fd = atomics.load(word, 0);
  if (fd === GONE) throw gone();
  const result = duplicate(fd);
  // Who closes it says so first. So if it is still there, it was at the call.
  if (atomics.load(word, 0) !== fd) {
    if (result >= 0) closeDescriptor(result);
    throw gone();
  }
  return new Descriptor(check(result, "fcntl"));
}

function gone(): ClosedError {
  return new ClosedError(
    "Cannot attach: the memory that gave the handle is closed, or nothing holds it any more",
  );
}
