/**
 * The control page of memory made for Workers: the last page of its
 * WebAssembly.Memory, which no kernel memory is laid over. Shared memory cannot
 * be detached: without a word here, a thread would read zeros after `close` and
 * not know why.
 *
 * Whoever holds the buffer can write here as well, so nothing in it decides
 * about safety: sizes are to be checked against the buffer before they are used.
 *
 * | byte | field                                              |
 * | ---- | -------------------------------------------------- |
 * | 0    | `u32` magic                                        |
 * | 4    | `i32` state: 1 open, 2 closed                      |
 * | 8    | `u32` whether it is writable                       |
 * | 16   | `u64` size: the bytes that access is bounded to    |
 * | 24   | `u64` start: where the mapping begins              |
 * | 32   | `u64` length: the bytes that are mapped            |
 */

import { toBigInt } from "../ffi/mod.ts";
import {
  atomics,
  NativeBigUint64Array,
  NativeInt32Array,
  sharedBufferLength,
} from "../layout/_intrinsics.ts";
import type { Mapping } from "./_mapping.ts";
import { WASM_PAGE } from "./_web_assembly.ts";

const MAGIC = 0x686d656d; // "hmem"
const OPEN = 1;
const CLOSED = 2;
const STATE = 1;

function wordsOf(buffer: ArrayBufferLike): Int32Array {
  return new NativeInt32Array(
    buffer,
    sharedBufferLength(buffer) - WASM_PAGE,
    4,
  );
}

/** Writes the control page of a shared mapping. */
export function writeControl(mapping: Mapping, size: number): void {
  const buffer = mapping.buffer();
  const page = sharedBufferLength(buffer) - WASM_PAGE;
  const sizes = new NativeBigUint64Array(buffer, page, 5);
  sizes[2] = toBigInt(size);
  sizes[3] = toBigInt(mapping.start);
  sizes[4] = toBigInt(mapping.length);
  const words = wordsOf(buffer);
  words[2] = mapping.readOnly ? 0 : 1;
  words[0] = MAGIC;
  atomics.store(words, STATE, OPEN);
}

function setState(mapping: Mapping, state: number): void {
  const words = wordsOf(mapping.buffer());
  atomics.store(words, STATE, state);
  atomics.notify(words, STATE);
}

/** Tells every thread that a shared mapping is closed. */
export function markClosed(mapping: Mapping): void {
  setState(mapping, CLOSED);
}

/** Takes that back. */
export function markOpen(mapping: Mapping): void {
  setState(mapping, OPEN);
}
