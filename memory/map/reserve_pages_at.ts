/**
 * Getting the engine to reserve pages at an address of our choice, for an arena
 * that can lie nowhere else.
 *
 * The engine lets the kernel choose, and the kernel takes the highest range that
 * is free and large enough. So the range that is wanted is reserved, and all such
 * ranges above it; then the former is given up, and the engine asked at once.
 * Nothing is ever replaced; what other threads map meanwhile finds room below.
 * Should one of them be given the very range in that moment, or a future engine
 * ask in another way, the pages are not where they should be, which is looked at,
 * and dropped. What another thread was given it gives back, or its engine does
 * when it collects: so there are pauses between the attempts.
 */

import {
  addressOf,
  MAP_FAILED,
  mmapReserve,
  mmapReserveAt,
  munmap,
  pageSize,
} from "../../ffi/mod.ts";
import { visitMappings } from "./proc_maps.ts";
import { inTurn, pause } from "./turn.ts";
import { bufferOf, collect, reserve, WASM_PAGE } from "./engine_pages.ts";

/** Below this there would be too little room for what other threads map. */
const LOWEST = 2 ** 40;
/**
 * The end of the addresses that the kernel chooses unasked: `DEFAULT_MAP_WINDOW`
 * in the architecture's `asm/processor.h`.
 */
const HIGHEST = Deno.build.arch === "aarch64" ? 2 ** 48 : 2 ** 47;

/** The attempts that are made where other threads may be in the way. */
const ATTEMPTS = 16;
/** The longest pause, in milliseconds; the first takes one. */
const PAUSE_MAX = 32;

/** The ranges that the kernel may still find above, after those known. */
const STRAGGLERS = 256;

/**
 * The most ranges that are reserved. Each is one more mapping of the process
 * for a moment, and another thread must not be refused one meanwhile.
 */
const GAPS_MAX = 1024;

/** A range of addresses. */
interface Range {
  readonly address: bigint;
  readonly length: bigint;
}

/**
 * Reserves pages at an address.
 *
 * @param pages The number of pages.
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
  const target: Range = { address: BigInt(address), length: BigInt(room) };
  for (let i = 0; i < ATTEMPTS; i++) {
    if (i > 0) pause(Math.min(2 ** (i - 1), PAUSE_MAX));
    // Whoever else aims would be in the way, with all that is reserved above.
    const memory = inTurn(() => tryReserve(pages, target));
    if (memory !== undefined && beginOf(memory, pages) === address) {
      return memory;
    }
  }
  return undefined;
}

function beginOf(memory: WebAssembly.Memory, pages: number): number {
  const buffer = bufferOf(memory, pages * WASM_PAGE);
  return Number(addressOf(new Uint8Array(buffer, 0, 1)));
}

/** Reserves a range; returns whether it was free. */
function block({ address, length }: Range): boolean {
  return mmapReserveAt(address, length) === 0;
}

function unblock({ address, length }: Range): void {
  munmap(address, length);
}

/** Reserves pages, at a range if it is free and nobody is faster. */
function tryReserve(
  pages: number,
  target: Range,
): WebAssembly.Memory | undefined {
  if (!block(target)) {
    // By pages of the engine's that nothing can reach any more, possibly.
    collect();
    if (!block(target)) return undefined;
  }
  const floor = Number(target.address + target.length);
  const blockers = [target];
  try {
    blockAbove(floor, Number(target.length), blockers);
    // The last call before: what others map from here on may land there.
    unblock(blockers.shift()!);
    return reserve(pages, false);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  } finally {
    blockers.forEach(unblock);
  }
}

/** Reserves what is free above an address and of that room, or adjacent to it. */
function blockAbove(floor: number, room: number, blockers: Range[]): void {
  const gaps: [from: number, to: number][] = [];
  let previousEnd = 0;
  visitMappings((start, end, stack) => {
    // The stack must be able to grow, and no higher range is chosen.
    if (stack || start >= HIGHEST) return false;
    // What begins below is cut off at the floor, however little is left.
    if (previousEnd <= floor) {
      if (start > floor) gaps.push([floor, start]);
    } else if (start - previousEnd >= room) {
      gaps.push([previousEnd, start]);
    }
    previousEnd = end;
    return true;
  });
  if (gaps.length > GAPS_MAX) return;
  for (const [from, to] of gaps) {
    const gap = { address: BigInt(from), length: BigInt(to - from) };
    if (block(gap)) blockers.push(gap);
  }
  // What there was no line for, such as that below the stack, the kernel tells.
  const length = BigInt(room);
  for (let i = 0; i < STRAGGLERS; i++) {
    const address = mmapReserve(length);
    if (address === MAP_FAILED) break;
    if (Number(address) < floor) {
      munmap(address, length);
      break;
    }
    blockers.push({ address, length });
  }
}
