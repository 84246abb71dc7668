/**
 * Bytes that native code is told the address of: the keys, values, texts and
 * infos that the attributes of `bpf(2)` point to.
 *
 * An address keeps nothing alive. So a block is held, in a field or by this
 * module, for as long as native code may follow its address.
 */

import { libc } from "./libc/functions.ts";

/**
 * The address of a buffer's first byte.
 *
 * A small typed array made without a buffer lies in the engine's own heap, where
 * it moves. So this is for two kinds of buffer alone: an explicit
 * `new ArrayBuffer(…)`, as every {@linkcode Block} has; and the pages of a
 * WebAssembly.Memory, whose address is compared and rounded, never followed.
 */
export function addressOf(buffer: Uint8Array): bigint {
  const bytes = buffer as BufferSource;
  return libc().addressOf(bytes, bytes, 0n);
}

/** Bytes with an address, all zero at first. */
export class Block {
  /** The bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  #address: bigint | undefined;

  /** Makes a block of that many bytes. */
  constructor(size: number) {
    this.bytes = new Uint8Array(new ArrayBuffer(size));
  }

  /** A block that is a copy of some bytes. */
  static of(bytes: Uint8Array): Block {
    const block = new Block(bytes.length);
    block.put(bytes);
    return block;
  }

  /** The buffer that the bytes are all of. */
  get buffer(): ArrayBuffer {
    return this.bytes.buffer;
  }

  /** The address of the first byte. */
  get address(): bigint {
    return this.#address ??= addressOf(this.bytes);
  }

  /** The address of the byte at an offset. */
  addressAt(offset: number): bigint {
    return this.address + BigInt(offset);
  }

  /** Copies bytes into the block, from an offset on. */
  put(source: Uint8Array, offset: number = 0): void {
    this.bytes.set(source, offset);
  }

  /** A copy of so many of the block's bytes, from an offset on. */
  take(offset: number, length: number): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(offset, offset + length);
  }
}

/** The size of the scratch block for all but large values. */
const SCRATCH_SIZE = 65536;

/** The blocks are held here, as their addresses would not keep them. */
const scratch: { small: Block | undefined; large: Block | undefined } = {
  small: undefined,
  large: undefined,
};

/**
 * A block of at least that many bytes, whose content is undefined, for one call.
 * It is good until this is called again.
 */
export function scratchBlock(size: number): Block {
  if (size > SCRATCH_SIZE) return scratch.large = new Block(size);
  return scratch.small ??= new Block(SCRATCH_SIZE);
}

/** Lets go of a large scratch block. */
export function releaseScratch(): void {
  scratch.large = undefined;
}

/** Calls a function with the address of a text as C has it. */
export function withText<R>(text: string, use: (address: bigint) => R): R {
  const bytes = new TextEncoder().encode(`${text}\0`);
  const block = scratchBlock(bytes.length);
  try {
    block.put(bytes);
    return use(block.address);
  } finally {
    releaseScratch();
  }
}
