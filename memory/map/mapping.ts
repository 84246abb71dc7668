/**
 * A mapping: kernel memory that lies over pages of a WebAssembly.Memory.
 *
 * The range of addresses belongs to the engine, which keeps it while any view
 * of it is reachable in any thread and unmaps it when the last one is gone. So
 * nothing here ever unmaps, and no finalizer is needed.
 */

import { check, mmapOverlay, mmapPlug } from "../../ffi/mod.ts";
import { countOut } from "../mapping_stats.ts";
import { bufferOf, detach } from "./engine_pages.ts";

/** The place of a mapping, and what may be done with it. */
export interface MappingPlace {
  /** The pages. */
  readonly memory: WebAssembly.Memory;
  /** The number of the pages. */
  readonly pages: number;
  /** The offset in them that the mapping begins at, in bytes; 0 unless withheld. */
  readonly start: number;
  /**
   * True where the pages are not for a program to have: because huge pages begin
   * wherever they are aligned, and an arena is mapped over the same ones again,
   * perhaps for reading, when a store to them would end the process.
   */
  readonly withheld: boolean;
  /** The mapping's length in bytes, in whole pages of the kernel. */
  readonly length: number;
  /** True where Workers can share its pages; never if it is read-only. */
  readonly shared: boolean;
  /** True where the kernel mapped it read-only. */
  readonly readOnly: boolean;
}

/**
 * Kernel memory over pages of a WebAssembly.Memory. Users get none of these: so
 * a class whose constructor is not for them asks for one.
 */
export class Mapping implements MappingPlace {
  readonly #place: MappingPlace;

  /** Says what lies where; it is there already. */
  constructor(place: MappingPlace) {
    this.#place = place;
  }

  /** True for an object of this class. */
  static is(value: unknown): value is Mapping {
    return typeof value === "object" && value !== null && #place in value;
  }

  get memory(): WebAssembly.Memory {
    return this.#place.memory;
  }

  get pages(): number {
    return this.#place.pages;
  }

  get start(): number {
    return this.#place.start;
  }

  get withheld(): boolean {
    return this.#place.withheld;
  }

  get length(): number {
    return this.#place.length;
  }

  get shared(): boolean {
    return this.#place.shared;
  }

  get readOnly(): boolean {
    return this.#place.readOnly;
  }

  /**
   * The buffer, as it is now: a program that reaches the WebAssembly.Memory can
   * detach the one there was a moment ago.
   */
  buffer(): ArrayBufferLike {
    const { memory, start, length } = this.#place;
    return bufferOf(memory, start + length);
  }

  /** The mapping's bytes, for one native call and to be dropped after it. */
  bytes(): Uint8Array {
    return new Uint8Array(this.buffer(), this.start, this.length);
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
    const length = BigInt(this.length);
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
