import { ClosedError } from "../errors.ts";
import { closeDescriptor, duplicate } from "./calls/descriptors.ts";
import { check } from "./errno/system_error.ts";
import { type Held, hold, isWorker, letGo } from "./isolate_end.ts";
import { emptySlot, moveToSlot } from "./thread_descriptors.ts";

/** In a published word: the descriptor is about to be closed, or is. */
const GONE = -1;

/** An open file, as one number. Apart from the object that the net watches. */
class OpenFile implements Held {
  /** The number; -1 once it is closed. */
  fd: number;
  /** A word that other threads read the number in: -1 from before it is closed. */
  published: Int32Array | undefined;
  readonly #isSlot: boolean;

  constructor(fd: number) {
    const slot = isWorker ? moveToSlot(fd) : undefined;
    this.fd = slot ?? fd;
    this.#isSlot = slot !== undefined;
    hold(this);
  }

  end(): void {
    const { fd, published } = this;
    if (fd < 0) return;
    this.fd = -1;
    if (published !== undefined) Atomics.store(published, 0, GONE);
    if (this.#isSlot) emptySlot(fd);
    else closeDescriptor(fd);
  }
}

function close(file: OpenFile): void {
  letGo(file);
  file.end();
}

/** Closes what was dropped without `close`: a net, not the way. */
const net = new FinalizationRegistry<OpenFile>(close);

/**
 * A descriptor that this package opened and closes: by `close`, when it is
 * collected, or when its isolate ends.
 *
 * Users get none of these. So a class whose constructor is not for them asks for
 * one, and checks it by {@linkcode Descriptor.is}.
 */
export class Descriptor {
  readonly #file: OpenFile;

  /** Takes over an open descriptor, whose number can be another afterwards. */
  constructor(fd: number) {
    this.#file = new OpenFile(fd);
    net.register(this, this.#file, this);
  }

  /**
   * A descriptor of our own for what somebody else's is open for.
   *
   * @throws {SystemError} with EBADF, if that is not open.
   */
  static duplicate(fd: number): Descriptor {
    return new Descriptor(check(duplicate(fd), "fcntl"));
  }

  /** True for a descriptor that this class made, open or closed. */
  static is(value: unknown): value is Descriptor {
    return typeof value === "object" && value !== null && #file in value;
  }

  /** The number of the descriptor; -1 once it is closed. */
  get fd(): number {
    return this.#file.fd;
  }

  /**
   * A word for other threads, by which {@linkcode duplicatePublished} gets at
   * the descriptor there for as long as it is open here.
   *
   * @throws {ClosedError} if it is closed.
   */
  publish(): ArrayBufferLike {
    const file = this.#file;
    if (file.fd < 0) throw gone();
    if (file.published === undefined) {
      file.published = new Int32Array(new SharedArrayBuffer(4));
      Atomics.store(file.published, 0, file.fd);
    }
    return file.published.buffer;
  }

  /** Closes it. A second call does nothing. */
  close(): void {
    net.unregister(this);
    close(this.#file);
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
  const word = new Int32Array(buffer, 0, 1);
  const fd = Atomics.load(word, 0);
  if (fd === GONE) throw gone();
  const result = duplicate(fd);
  // Who closes it says so first. So if it is still there, it was at the call.
  if (Atomics.load(word, 0) !== fd) {
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
