/**
 * Mapping a BPF arena over the engine's pages: in place, for it cannot be moved
 * there. What is dangerous about that is made unlikely first, by asking, and
 * harmless then:
 *
 * - The kernel maps an arena that would cross a multiple of 4 GiB elsewhere,
 *   over whatever lies there. So a range is chosen that does not cross one.
 * - An arena has one address for ever, in all processes: that of its first
 *   mapping. So the kernel is asked, by a call that cannot replace anything,
 *   whether it takes ours.
 * - What fails in spite of that may leave a hole, which is filled at once.
 */

import { NotSupportedError } from "../../errors.ts";
import {
  addressOf,
  E2BIG,
  EBUSY,
  EEXIST,
  EINVAL,
  ENOMEM,
  type MapRequest,
  MISPLACED,
  mmapProbe,
  mmapSharedOver,
  systemError,
} from "../../ffi/mod.ts";
import { reserveAt } from "./reserve_pages_at.ts";
import { admit } from "./mapping_limit.ts";
import { countIn } from "../mapping_stats.ts";
import { reservePages } from "./map_over_pages.ts";
import { Mapping } from "./mapping.ts";
import { fillHole } from "./fill_hole.ts";
import { bufferOf, collect, WASM_PAGE } from "./engine_pages.ts";

/** An arena must not cross a multiple of this. */
const LINE = 2 ** 32;

/**
 * Pages for an arena. It can be mapped over these and no others once it has
 * been, so they are kept for as long as it may be mapped again.
 */
export class ArenaPages {
  /** The pages. */
  readonly memory: WebAssembly.Memory;
  /** The number of the pages. */
  readonly pages: number;
  /** The offset in them that the arena begins at, in bytes. */
  readonly start: number;
  /** The bytes of the arena, in whole pages of the kernel. */
  readonly length: number;
  /** The address of its first byte. */
  readonly address: bigint;
  /** True if something foreign may lie there. */
  #lost = false;

  /** Says what is where. */
  constructor(
    memory: WebAssembly.Memory,
    pages: number,
    start: number,
    length: number,
    address: bigint,
  ) {
    this.memory = memory;
    this.pages = pages;
    this.start = start;
    this.length = length;
    this.address = address;
  }

  /** The arena's bytes, for one native call and to be dropped after it. */
  bytes(): Uint8Array {
    const { memory, start, length } = this;
    const buffer = bufferOf(memory, start + length);
    return new Uint8Array(buffer, start, length);
  }

  /** True if something foreign may lie there, so that nothing may be put there. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Maps over them: 0, {@linkcode MISPLACED}, or the negative reason. */
  cover(request: MapRequest): number {
    if (this.#lost) return -EBUSY;
    const target = this.bytes();
    const result = mmapSharedOver(target, request);
    if (result === MISPLACED) this.#lost = true;
    if (result < 0) this.#lost = !fillHole(this.memory, target, request.length);
    return result;
  }
}

/**
 * Reserves pages that an arena can lie over.
 *
 * @param length Its size in bytes, at most 4 GiB.
 * @throws {SystemError} with ENOMEM, if there are no addresses.
 * @throws {NotSupportedError} if there are too many mappings.
 */
export function reserveArenaPages(length: number): ArenaPages {
  admit(4);
  // Of twice as many bytes, some that suffice lie on one side of the line.
  return tryReserve(length, length) ?? tryReserve(length, 2 * length)!;
}

/**
 * Reserves pages that an arena of a given address can lie over.
 *
 * @param length Its size in bytes.
 * @param address Its address, a multiple of the page size.
 * @throws {NotSupportedError} if there is no way to get them.
 */
export function reserveArenaPagesAt(
  length: number,
  address: bigint,
): ArenaPages {
  admit(4);
  const first = Number(address);
  const start = first % WASM_PAGE;
  const pages = Math.ceil((start + length) / WASM_PAGE);
  const memory = reserveAt(pages, first - start);
  if (memory === undefined) {
    throw new NotSupportedError(
      `Cannot map the arena: it must lie at the address 0x${
        address.toString(16)
      }, and the engine cannot be made to reserve memory there, either because other memory of this process is in the way, or because the address is too low or too high`,
    );
  }
  return new ArenaPages(memory, pages, start, length, address);
}

function tryReserve(length: number, room: number): ArenaPages | undefined {
  const pages = Math.ceil(room / WASM_PAGE);
  const memory = reservePages(pages, false);
  const buffer = bufferOf(memory, pages * WASM_PAGE);
  const first = addressOf(new Uint8Array(buffer, 0, 1));
  const past = Number(first % BigInt(LINE));
  const start = past + length <= LINE ? 0 : LINE - past;
  if (start + length > pages * WASM_PAGE) return undefined;
  const address = first + BigInt(start);
  return new ArenaPages(memory, pages, start, length, address);
}

/**
 * Maps an arena over its pages, or once more over the same.
 *
 * @param pages The pages that {@linkcode reserveArenaPages} gave.
 * @param fd The descriptor, of an arena and open for both reading and writing.
 * @param readOnly True to map it for reading alone.
 * @throws {NotSupportedError} if its address is another one.
 * @throws {SystemError} with the kernel's reason; then nothing is left behind.
 */
export function placeArena(
  pages: ArenaPages,
  fd: number,
  readOnly: boolean,
): Mapping {
  const { memory, start, length } = pages;
  const request: MapRequest = {
    fd,
    length: BigInt(length),
    offset: 0n,
    readOnly,
  };
  requirePlaceable(pages, request);
  let result = pages.cover(request);
  if (result === -ENOMEM) {
    collect();
    result = pages.cover(request);
  }
  if (result === MISPLACED) throw new NotSupportedError(MISPLACED_MESSAGE);
  if (result !== 0) throw systemError(-result, "mmap", hintFor(-result));
  const mapping = new Mapping({
    memory,
    pages: pages.pages,
    start,
    withheld: true,
    length,
    shared: false,
    readOnly,
  });
  countIn(mapping);
  return mapping;
}

const MISPLACED_MESSAGE =
  "Cannot map the arena: the kernel put it at another address than that asked for";

function requirePlaceable(pages: ArenaPages, request: MapRequest): void {
  // What was foreign may be gone by now: then the question would be an answer,
  // and the arena lie where nobody may use it.
  if (pages.lost) throw systemError(EBUSY, "mmap", hintFor(EBUSY));
  const result = mmapProbe(pages.bytes(), request);
  switch (result) {
    case -EEXIST:
      return;
    case 0:
      throw new NotSupportedError(MISPLACED_MESSAGE);
    case -EINVAL:
    case -E2BIG:
      throw new NotSupportedError(
        "Cannot map the arena: it was mapped before, by another process, a library or another BpfMap of this one, and lies where it was mapped first for ever: map it here before others do, or pass the option address, which /proc/<pid>/maps of another process tells",
      );
    default:
      throw systemError(-result, "mmap");
  }
}

function hintFor(errno: number): string | undefined {
  return errno === EBUSY
    ? "another process was faster to map the arena, and its address is fixed now"
    : undefined;
}
