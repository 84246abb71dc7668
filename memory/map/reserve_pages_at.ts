/**
 * Getting the engine to reserve pages at an address of our choice, for an arena
 * that can lie nowhere else.
 *
 * The engine lets the kernel choose, and the kernel takes the highest range that
 * is free and large enough. So all such ranges above the one that is wanted are
 * reserved for a moment, and the engine asked then. Nothing is ever replaced;
 * what other threads map meanwhile finds room below. Should one of them be given
 * the very range, or a future engine ask in another way, the pages are not where
 * they should be, which is looked at, and dropped.
 */

import {
  addressOf,
  MAP_FAILED,
  mmapReserve,
  mmapReserveAt,
  munmap,
  pageSize,
  toBigInt,
  toNumber,
} from "../../ffi/mod.ts";
import { NativeUint8Array } from "../../layout/intrinsics.ts";
import { visitMappings } from "./proc_maps.ts";
import { currentBuffer } from "./mapping.ts";
import { collect, reserve, WASM_PAGE } from "./engine_pages.ts";

/** Below this there would be too little room for what other threads map. */
const LOWEST = 2 ** 40;
/** Where addresses end that the kernel chooses unasked. */
const HIGHEST = 2 ** 47;

/** How often it is tried where another thread is in the way. */
const ATTEMPTS = 16;
/** How many ranges the kernel may still find above, after those known. */
const STRAGGLERS = 256;

/**
 * How many ranges are reserved at most. Each is one more mapping of the process
 * for a moment, and another thread must not be refused one meanwhile.
 */
const GAPS_MAX = 1024;

/** A reserved range. */
interface Blocker {
  readonly address: bigint;
  readonly length: bigint;
}

/**
 * Reserves pages at an address.
 *
 * @param pages How many.
 * @param address A multiple of 64 KiB.
 * @returns Them; undefined where something else lies there, or it is not to be.
 */
export function reserveAt(
  pages: number,
  address: number,
): WebAssembly.Memory | undefined {
  // The engine asks for this much, and gives back what is not aligned.
  const room = pages * WASM_PAGE + WASM_PAGE - pageSize();
  if (address < LOWEST || address + room > HIGHEST) return undefined;
  for (let i = 0; i < ATTEMPTS; i++) {
    if (!isFree(address, address + room)) {
      // By pages of the engine's that nothing can reach any more, possibly.
      collect();
      if (!isFree(address, address + room)) return undefined;
    }
    const memory = reserveBelow(pages, address + room, room);
    if (memory !== undefined && beginOf(memory, pages) === address) {
      return memory;
    }
  }
  return undefined;
}

function beginOf(memory: WebAssembly.Memory, pages: number): number {
  const buffer = currentBuffer(memory, pages * WASM_PAGE, false);
  return toNumber(addressOf(new NativeUint8Array(buffer, 0, 1)));
}

function isFree(from: number, to: number): boolean {
  let free = true;
  const known = visitMappings((start, end) => {
    if (start < to && end > from) free = false;
    return free && start < to;
  });
  return free && known;
}

/** Reserves pages while no range of that room is free above an address. */
function reserveBelow(
  pages: number,
  floor: number,
  room: number,
): WebAssembly.Memory | undefined {
  const blockers = blockAbove(floor, room);
  try {
    return reserve(pages, false);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  } finally {
    for (let i = 0; i < blockers.length; i++) {
      const { address, length } = blockers[i]!;
      munmap(address, length);
    }
  }
}

function blockAbove(floor: number, room: number): Blocker[] {
  const gaps: [from: number, to: number][] = [];
  let previousEnd = 0;
  visitMappings((start, end, stack) => {
    // The stack must be able to grow, and no higher range is chosen.
    if (stack || start >= HIGHEST) return false;
    // What begins below is cut off at the floor, however little is left.
    if (previousEnd <= floor) {
      if (start > floor) gaps[gaps.length] = [floor, start];
    } else if (start - previousEnd >= room) {
      gaps[gaps.length] = [previousEnd, start];
    }
    previousEnd = end;
    return true;
  });
  const blockers: Blocker[] = [];
  if (gaps.length > GAPS_MAX) return blockers;
  for (let i = 0; i < gaps.length; i++) {
    const [from, to] = gaps[i]!;
    const address = toBigInt(from);
    const length = toBigInt(to - from);
    if (mmapReserveAt(address, length) === 0) {
      blockers[blockers.length] = { address, length };
    }
  }
  // What there was no line for, such as that below the stack, the kernel tells.
  const length = toBigInt(room);
  for (let i = 0; i < STRAGGLERS; i++) {
    const address = mmapReserve(length);
    if (address === MAP_FAILED) break;
    if (toNumber(address) < floor) {
      munmap(address, length);
      break;
    }
    blockers[blockers.length] = { address, length };
  }
  return blockers;
}
