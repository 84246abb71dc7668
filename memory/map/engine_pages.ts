/**
 * The engine's side of a mapping: pages that a WebAssembly.Memory reserves, and
 * the few things that are done to one.
 */

import { NotSupportedError } from "../../errors.ts";

/** The size of a page of WebAssembly, in bytes. */
export const WASM_PAGE = 65536;

/** The most pages that memory with 32-bit addresses has. */
const PAGES_MAX_32 = 65536;

/** The most pages that the engine reserves: 16 GiB. */
export const PAGES_MAX = 262144;

/** The engine's descriptor of memory, of which TypeScript does not know all. */
interface MemoryDescriptor {
  readonly initial: number | bigint;
  readonly maximum: number | bigint;
  readonly shared: boolean;
  readonly address: "i32" | "i64";
}

/** The engine's memory, of which TypeScript does not know all. */
interface EngineMemory extends Omit<WebAssembly.Memory, "grow" | "buffer"> {
  readonly buffer: ArrayBufferLike;
  grow(pages: number | bigint): number | bigint;
  /** A buffer of fixed length, where `buffer` was asked to be resizable. */
  toFixedLengthBuffer?(): ArrayBufferLike;
}

/** @throws {NotSupportedError} where the engine has no WebAssembly. */
export function requireWebAssembly(): void {
  // There is none under --jitless and --lite-mode.
  if ((globalThis as { WebAssembly?: unknown }).WebAssembly === undefined) {
    throw new NotSupportedError(
      "Mapping memory requires WebAssembly: run without --jitless and --lite-mode",
    );
  }
}

/**
 * Reserves pages that can neither grow nor shrink.
 *
 * @throws {RangeError} where the address space does not suffice.
 */
export function reserve(pages: number, shared: boolean): WebAssembly.Memory {
  const descriptor: MemoryDescriptor = pages <= PAGES_MAX_32
    ? { initial: pages, maximum: pages, shared, address: "i32" }
    : {
      initial: BigInt(pages),
      maximum: BigInt(pages),
      shared,
      address: "i64",
    };
  return new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor);
}

/**
 * The buffer over a memory's pages, as it is now: of fixed length, also where
 * a program asked for a resizable one. One that is shorter than `length` is
 * refused: the view of a detached buffer is the address 0, where root can map.
 */
export function bufferOf(
  memory: WebAssembly.Memory,
  length: number,
): ArrayBufferLike {
  const engineMemory: EngineMemory = memory as EngineMemory;
  let { buffer } = engineMemory;
  if (isResizable(buffer) && engineMemory.toFixedLengthBuffer !== undefined) {
    buffer = engineMemory.toFixedLengthBuffer();
  }
  if (buffer.byteLength < length) {
    throw new RangeError(
      `The engine gave a buffer of ${buffer.byteLength} bytes for a mapping of ${length}`,
    );
  }
  return buffer;
}

/**
 * The buffer of a shared WebAssembly.Memory; undefined for anything else,
 * whatever it looks like.
 */
export function sharedBufferOf(
  memory: unknown,
): SharedArrayBuffer | undefined {
  try {
    // The engine's own getter refuses an object that is not its own.
    Reflect.get(WebAssembly.Memory.prototype, "buffer", memory);
  } catch {
    return undefined;
  }
  const buffer = bufferOf(memory as WebAssembly.Memory, 0);
  return buffer instanceof SharedArrayBuffer ? buffer : undefined;
}

function isResizable(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer ? buffer.resizable : buffer.growable;
}

/** Detaches the buffer of an unshared memory, and every view with it. */
export function detach(memory: WebAssembly.Memory, pages: number): void {
  (memory as EngineMemory).grow(pages <= PAGES_MAX_32 ? 0 : 0n);
}

/**
 * Makes the engine collect garbage now: it does so before it refuses a buffer
 * of an impossible size. Nothing relies on it but frugality.
 */
export function collect(): void {
  try {
    new ArrayBuffer(2 ** 53 - 1);
  } catch {
    // Always: that was the point.
  }
}
