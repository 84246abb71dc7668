/**
 * A mapping: kernel memory that lies over pages of a WebAssembly.Memory.
 *
 * The range of addresses belongs to the engine, which keeps it while any view
 * of it is reachable in any thread and unmaps it when the last one is gone. So
 * nothing here ever unmaps, and no finalizer is needed.
 */

import { check, mmapOverlay, mmapPlug, toBigInt } from "../../ffi/mod.ts";
import { NativeUint8Array } from "../../layout/intrinsics.ts";
import { countOut } from "../live_mappings.ts";
import { bufferOf, byteLengthOf, detach } from "./engine_pages.ts";

/** What a {@linkcode Mapping} is made of: its own data properties. */
export type MappingParts = Omit<Mapping, "buffer" | "bytes" | "release">;

/** Kernel memory over pages of a WebAssembly.Memory. */
export class Mapping {
  /** The pages. */
  readonly memory: WebAssembly.Memory;
  /** How many of them there are. */
  readonly pages: number;
  /** Where the mapping begins in them, in bytes; 0 unless withheld. */
  readonly start: number;
  /**
   * Whether the pages are not for a program to have: because huge pages begin
   * wherever they are aligned, and an arena is mapped over the same ones again,
   * perhaps for reading, when a store to them would end the process.
   */
  readonly withheld: boolean;
  /** The mapping's length in bytes, in whole pages of the kernel. */
  readonly length: number;
  /** Whether Workers can share its pages; never if it is read-only. */
  readonly shared: boolean;
  /** Whether the kernel mapped it read-only. */
  readonly readOnly: boolean;

  /** Says what is where. */
  constructor(
    { memory, pages, start, withheld, length, shared, readOnly }: MappingParts,
  ) {
    this.memory = memory;
    this.pages = pages;
    this.start = start;
    this.withheld = withheld;
    this.length = length;
    this.shared = shared;
    this.readOnly = readOnly;
  }

  /**
   * The buffer, as it is now: a program that reaches the WebAssembly.Memory can
   * detach the one there was a moment ago.
   */
  buffer(): ArrayBufferLike {
    return currentBuffer(this.memory, this.start + this.length, this.shared);
  }

  /** The mapping's bytes, for one native call and to be dropped after it. */
  bytes(): Uint8Array {
    return new NativeUint8Array(this.buffer(), this.start, this.length);
  }

  /**
   * Gives the kernel its object back at once, by putting zeroed memory in its
   * place, and detaches every view where no Worker can share it. The overlay
   * comes first: it needs the address, which is that of an attached buffer.
   *
   * @throws {SystemError} if the kernel refuses; then nothing has changed.
   */
  release(): void {
    const bytes = this.bytes();
    const length = toBigInt(this.length);
    const result = mmapOverlay(bytes, length);
    // A refusal may already have unmapped what was to be replaced.
    if (result !== 0 && mmapPlug(bytes, length) !== 0) {
      check(
        result,
        "mmap",
        "no memory to put in the place of the mapping, which is still open",
      );
    }
    countOut(this);
    if (!this.shared) detach(this.memory, this.pages);
  }
}

/**
 * A memory's buffer. One that is shorter than `length` is refused: the view of
 * a detached buffer is the address 0, where root can map.
 */
export function currentBuffer(
  memory: WebAssembly.Memory,
  length: number,
  shared: boolean,
): ArrayBufferLike {
  const buffer = bufferOf(memory, shared);
  const actual = byteLengthOf(buffer, shared);
  if (actual < length) {
    throw new RangeError(
      `The engine gave a buffer of ${actual} bytes for a mapping of ${length}`,
    );
  }
  return buffer;
}
