/**
 * The engine's side of a mapping: pages that a WebAssembly.Memory reserves, and
 * the few things that are done to one. Everything is captured when this module
 * loads, so that what is over read-only memory cannot be reached by replacing a
 * prototype's method.
 */

import { NotSupportedError } from "../../errors.ts";
import { toBigInt } from "../../ffi/mod.ts";
import {
  arrayBufferLength,
  arrayBufferResizable,
  NativeArrayBuffer,
  sharedBufferGrowable,
  sharedBufferLength,
  uncurry,
} from "../../layout/intrinsics.ts";

/** The size of a page of WebAssembly, in bytes. */
export const WASM_PAGE = 65536;

/** How many pages memory with 32-bit addresses has at most. */
const PAGES_MAX_32 = 65536;

/** How many pages the engine reserves at most: 16 GiB. */
export const PAGES_MAX = 262144;

interface MemoryDescriptor {
  initial: number | bigint;
  maximum: number | bigint;
  shared: boolean;
  address: "i32" | "i64";
}

type BufferMethod = (this: WebAssembly.Memory) => ArrayBufferLike;

interface Captured {
  readonly Memory: new (descriptor: MemoryDescriptor) => WebAssembly.Memory;
  readonly bufferOf: (memory: WebAssembly.Memory) => ArrayBufferLike;
  readonly grow: (
    memory: WebAssembly.Memory,
    pages: number | bigint,
  ) => number | bigint;
  readonly toFixedLengthBuffer:
    | ((memory: WebAssembly.Memory) => ArrayBufferLike)
    | undefined;
}

function capture(): Captured | undefined {
  // There is none under --jitless and --lite-mode.
  const Memory = (globalThis as { WebAssembly?: typeof WebAssembly })
    .WebAssembly?.Memory;
  if (Memory === undefined) return undefined;
  const prototype = Memory.prototype as WebAssembly.Memory & {
    toFixedLengthBuffer?: BufferMethod;
  };
  const bufferOf = Object.getOwnPropertyDescriptor(prototype, "buffer")
    ?.get as BufferMethod;
  const { toFixedLengthBuffer } = prototype;
  return {
    Memory: Memory as unknown as Captured["Memory"],
    bufferOf: uncurry(bufferOf),
    grow: uncurry(prototype.grow) as Captured["grow"],
    toFixedLengthBuffer: toFixedLengthBuffer && uncurry(toFixedLengthBuffer),
  };
}

const captured = capture();

function engine(): Captured {
  if (captured === undefined) {
    throw new NotSupportedError(
      "Mapping memory requires WebAssembly: run without --jitless and --lite-mode",
    );
  }
  return captured;
}

/** @throws {NotSupportedError} where the engine has no WebAssembly. */
export function requireWebAssembly(): void {
  engine();
}

/**
 * Reserves pages that can neither grow nor shrink.
 *
 * @throws {RangeError} where the address space does not suffice.
 */
export function reserve(pages: number, shared: boolean): WebAssembly.Memory {
  const { Memory } = engine();
  return pages <= PAGES_MAX_32
    ? new Memory({ initial: pages, maximum: pages, shared, address: "i32" })
    : new Memory({
      initial: toBigInt(pages),
      maximum: toBigInt(pages),
      shared,
      address: "i64",
    });
}

/**
 * The buffer over a memory's pages, as it is now: of fixed length, also where
 * a program asked for a resizable one.
 */
export function bufferOf(
  memory: WebAssembly.Memory,
  shared: boolean,
): ArrayBufferLike {
  const { bufferOf, toFixedLengthBuffer } = engine();
  const buffer = bufferOf(memory);
  const resizable = shared
    ? sharedBufferGrowable(buffer)
    : arrayBufferResizable(buffer);
  return resizable && toFixedLengthBuffer !== undefined
    ? toFixedLengthBuffer(memory)
    : buffer;
}

/** A buffer's length in bytes. */
export function byteLengthOf(buffer: ArrayBufferLike, shared: boolean): number {
  return shared ? sharedBufferLength(buffer) : arrayBufferLength(buffer);
}

/** Detaches the buffer of an unshared memory, and every view with it. */
export function detach(memory: WebAssembly.Memory, pages: number): void {
  engine().grow(memory, pages <= PAGES_MAX_32 ? 0 : 0n);
}

/**
 * Makes the engine collect garbage now: it does so before it refuses a buffer
 * of an impossible size. Nothing relies on it but frugality.
 */
export function collect(): void {
  try {
    new NativeArrayBuffer(2 ** 53 - 1);
  } catch {
    // Always: that was the point.
  }
}
