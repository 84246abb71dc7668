/**
 * The control page of writable memory made for Workers: the last page of its
 * WebAssembly.Memory, which no kernel memory is laid over. All that another
 * thread needs to attach lies there.
 *
 * Any holder of the buffer can write here as well: what is read is checked
 * against the buffer, and read once.
 *
 * | byte | field                                                      |
 * | ---- | ---------------------------------------------------------- |
 * | 0    | the magic and the state, see `shared_state.ts`                 |
 * | 8    | `u32` whether the memory is of huge pages                  |
 * | 16   | `u64` size: the bytes that access is bounded to            |
 * | 24   | `u64` start: where the mapping begins in the buffer        |
 * | 32   | `u64` length: the bytes that are mapped                    |
 * | 64   | who sleeps where, see `waiting_threads.ts`                       |
 */

import { Control } from "./shared_state.ts";
import { Mapping } from "../map/mapping.ts";
import { sharedBufferOf, WASM_PAGE } from "../map/engine_pages.ts";

/** The smallest page there is: kernels of 64 KiB pages pass as well. */
const PAGE_MIN = 4096;

const HUGE = 2;
const SIZE = 2;
const START = 3;
const LENGTH = 4;

function controlAt(buffer: ArrayBufferLike, page: number): Control {
  return new Control(new Int32Array(buffer, page, WASM_PAGE / 4));
}

/**
 * Writes the control page of a shared mapping.
 *
 * @param mapping The mapping.
 * @param size The number of its bytes that access is bounded to.
 */
export function writeControlPage(mapping: Mapping, size: number): Control {
  const buffer = mapping.buffer();
  const page = buffer.byteLength - WASM_PAGE;
  const sizes = new BigUint64Array(buffer, page, LENGTH + 1);
  sizes[SIZE] = BigInt(size);
  sizes[START] = BigInt(mapping.start);
  sizes[LENGTH] = BigInt(mapping.length);
  const control = controlAt(buffer, page);
  control.words[HUGE] = mapping.withheld ? 1 : 0;
  return control.initialize();
}

/** The content of a control page. */
export interface SharedPages {
  /** The mapping. */
  readonly mapping: Mapping;
  /** The bytes that access is bounded to. */
  readonly size: number;
  /** The state. */
  readonly control: Control;
}

/**
 * Reads the control page of a WebAssembly.Memory that came from somewhere.
 *
 * @param memory The value that should be one.
 * @returns Undefined if it is none, or its control page says what cannot be.
 */
export function readControlPage(memory: unknown): SharedPages | undefined {
  const buffer = sharedBufferOf(memory);
  if (buffer === undefined) return undefined;
  const pages = buffer.byteLength / WASM_PAGE;
  if (pages < 2) return undefined;
  const page = (pages - 1) * WASM_PAGE;
  const control = controlAt(buffer, page);
  if (!control.genuine) return undefined;
  const sizes = new BigUint64Array(buffer, page, LENGTH + 1);
  // Beyond 2^53 they are inexact, and refused for being too large.
  const size = Number(sizes[SIZE]!);
  const start = Number(sizes[START]!);
  const length = Number(sizes[LENGTH]!);
  const withheld = control.words[HUGE] !== 0;
  if (
    size === 0 || size > length || length > page || start > page - length ||
    start % PAGE_MIN !== 0 || length % PAGE_MIN !== 0 || start > 0 && !withheld
  ) return undefined;
  const mapping = new Mapping({
    memory: memory as WebAssembly.Memory,
    pages,
    start,
    withheld,
    length,
    shared: true,
    readOnly: false,
  });
  return { mapping, size, control };
}
