/**
 * A region: the views of one stretch of memory through which every pointer
 * into it reads and writes. Pointers hold a region and an offset, nothing else.
 */

import { ClosedError } from "../../errors.ts";

/**
 * Types of at least this size, in bytes, are *wide*: their fields are reached
 * by division instead of a 32-bit shift. All others fit a window.
 */
export const WIDE = 2 ** 30;

/**
 * Beyond this size, in bytes, a region is cut into windows, so that an offset
 * plus a field's offset stays below 2^31 and `>>` is right.
 */
const WINDOW = 2 ** 31;

/** The name that error messages give the memory. */
export type RegionNoun = "mapping" | "buffer" | "record" | "reserved record";

/**
 * The registry of threads that sleep in shared memory: when another thread
 * closes the memory, it wakes them.
 */
export interface Sleepers {
  /**
   * Sleeps, and returns what it is woken with; undefined where the memory was
   * closed before or meanwhile.
   *
   * @param offset The place to sleep at, in bytes from the begin of the buffer.
   * @param wait Sleeps.
   */
  sleep<T>(offset: number, wait: () => T): T | undefined;
}

/** The registries of the buffers that have one, for who points into a buffer. */
const registries = new WeakMap<ArrayBufferLike, Sleepers>();

/** The registry to enter before sleeping in a buffer; undefined if there is none. */
export function sleepersIn(buffer: ArrayBufferLike): Sleepers | undefined {
  return registries.get(buffer);
}

/** One stretch of memory and its views. */
export class Region {
  // Declared, not initialised: a field that is first set to undefined makes
  // the engine forget what type it has, which costs 13 % on every access.
  /** The buffer all views lie in. */
  declare readonly buffer: ArrayBufferLike;
  /** The offset of the region, in bytes from the begin of the buffer. */
  declare readonly start: number;
  /** The region's length in bytes. */
  declare readonly size: number;
  /** The name that error messages give it. */
  declare readonly noun: RegionNoun;
  /** The region that this is a window of; itself where it is none. */
  declare readonly root: Region;
  /** The registry to enter before sleeping; undefined if there is none. */
  declare readonly sleepers: Sleepers | undefined;
  declare u8: Uint8Array;
  declare i8: Int8Array;
  declare u16: Uint16Array;
  declare i16: Int16Array;
  declare u32: Uint32Array;
  declare i32: Int32Array;
  declare f32: Float32Array;
  declare f64: Float64Array;
  declare u64: BigUint64Array;
  declare i64: BigInt64Array;
  declare dv: DataView;
  /** The windows made so far, by number. */
  declare windows: Map<number, Region> | undefined;

  /**
   * @param buffer A buffer of fixed length.
   * @param start The offset of the region in bytes; a multiple of 8.
   * @param size The region's length in bytes.
   * @param noun The name that error messages give it.
   * @param sleepers The registry to enter before sleeping in it.
   * @param root The region that this is a window of.
   */
  constructor(
    buffer: ArrayBufferLike,
    start: number,
    size: number,
    noun: RegionNoun,
    sleepers?: Sleepers,
    root?: Region,
  ) {
    this.buffer = buffer;
    this.start = start;
    this.size = size;
    this.noun = noun;
    this.root = root ?? this;
    this.sleepers = sleepers;
    if (sleepers !== undefined) registries.set(buffer, sleepers);
    // A naturally aligned value that lies within `size` also lies within the
    // whole lanes of its width, so cutting the last partial lane loses none.
    this.u8 = new Uint8Array(buffer, start, size);
    this.i8 = new Int8Array(buffer, start, size);
    this.u16 = new Uint16Array(buffer, start, Math.floor(size / 2));
    this.i16 = new Int16Array(buffer, start, Math.floor(size / 2));
    this.u32 = new Uint32Array(buffer, start, Math.floor(size / 4));
    this.i32 = new Int32Array(buffer, start, Math.floor(size / 4));
    this.f32 = new Float32Array(buffer, start, Math.floor(size / 4));
    this.f64 = new Float64Array(buffer, start, Math.floor(size / 8));
    this.u64 = new BigUint64Array(buffer, start, Math.floor(size / 8));
    this.i64 = new BigInt64Array(buffer, start, Math.floor(size / 8));
    this.dv = new DataView(buffer, start, size);
    this.windows = undefined;
  }

  /** True if its memory is gone: released, detached or transferred. */
  get closed(): boolean {
    return this.size > 0 && this.u8.length === 0;
  }

  /**
   * Lets go of the memory: every later access through a pointer finds empty
   * views and throws. For memory that cannot be detached, because Workers
   * share it, this is what makes the pointers of this thread safe.
   */
  release(): void {
    for (const window of this.windows?.values() ?? []) window.release();
    this.windows = undefined;
    this.useViewsOf(released);
  }

  /**
   * Reaches memory through the views of another region of the same size: after
   * `release`, those who held pointers hold them again.
   */
  useViewsOf(other: Region): void {
    this.u8 = other.u8;
    this.i8 = other.i8;
    this.u16 = other.u16;
    this.i16 = other.i16;
    this.u32 = other.u32;
    this.i32 = other.i32;
    this.f32 = other.f32;
    this.f64 = other.f64;
    this.u64 = other.u64;
    this.i64 = other.i64;
    this.dv = other.dv;
  }
}

/** The empty region that every released region becomes. */
const released = new Region(new ArrayBuffer(0), 0, 0, "buffer");

/**
 * The region to reach a value through: the whole of it where offsets fit 31
 * bits or the value is wide, else the window that the value begins in.
 *
 * @param root The whole region.
 * @param offset The value's offset in it, in bytes.
 * @param size The value's size in bytes.
 */
export function windowFor(root: Region, offset: number, size: number): Region {
  if (root.size <= WINDOW || size >= WIDE || root.closed) return root;
  // Windows begin every 2^30 bytes and are 2^31 long, so a value that is not
  // wide lies whole in the one that its first byte is in the first half of.
  const number = Math.floor(offset / WIDE);
  const windows = root.windows ??= new Map<number, Region>();
  let window = windows.get(number);
  if (window === undefined) {
    window = new Region(
      root.buffer,
      root.start + number * WIDE,
      Math.min(WINDOW, root.size - number * WIDE),
      root.noun,
      root.sleepers,
      root,
    );
    windows.set(number, window);
  }
  return window;
}

/** Throws what every access to a record throws that came too late. */
function recordEnded(): never {
  throw new ClosedError(
    "This record is no longer valid: it lasts until the next one is read; keep snapshot(record)",
  );
}

/** Throws what every access to a slot throws that was given away. */
function slotEnded(): never {
  throw new ClosedError(
    "This record is no longer valid: it was submitted or discarded",
  );
}

/** Throws what every access throws that found no memory. */
export function closed(region?: Region): never {
  if (region?.noun === "record") recordEnded();
  if (region?.noun === "reserved record") slotEnded();
  throw new ClosedError(
    "Cannot access this memory: it is closed, detached or transferred",
  );
}
