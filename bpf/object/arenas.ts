/**
 * Arenas of an object, which libbpf from 1.4 on maps while it loads: with what
 * their variables hold at first, and at the address that they are made with, over
 * whatever lies there. It compares neither with what it was told since it opened
 * the object.
 */

import { NotSupportedError } from "../../errors.ts";
import {
  EEXIST,
  EINVAL,
  mmapReserveAt,
  munmap,
  pageSize,
  systemError,
} from "../../ffi/mod.ts";
import { hex } from "../arena/inspect.ts";
import { libbpfIsAtLeast } from "../libbpf/functions.ts";
import type { NativeMap } from "../libbpf/map.ts";
import { mapTypeName } from "../map/type.ts";
import type { Elf } from "./file_check/elf.ts";

/** The minor version of libbpf since which it maps arenas. */
const SINCE = 4;
/** The section of the variables that lie in an arena. */
const SECTION = ".addr_space.1";

function arenasToBeMade(maps: readonly NativeMap[]): NativeMap[] {
  if (!libbpfIsAtLeast(SINCE)) return [];
  return maps.filter((map) =>
    map.isToBeMade && mapTypeName(map.type) === "arena"
  );
}

/**
 * Checks that an arena has room for its variables.
 *
 * @throws {RangeError} if it has not.
 */
export function requireArenaRoom(
  { sections }: Elf,
  maps: readonly NativeMap[],
): void {
  const section = sections.find(({ name }) => name === SECTION);
  if (section === undefined) return;
  const pages = Math.ceil(section.size / pageSize());
  for (const { name, maxEntries } of arenasToBeMade(maps)) {
    if (maxEntries >= pages) continue;
    throw new RangeError(
      `maxEntries of the map ${name} must be at least ${pages}, the pages that its variables take: it is ${maxEntries}`,
    );
  }
}

/** A range of addresses that an arena is to lie at. */
interface Range {
  readonly map: NativeMap;
  readonly address: bigint;
  readonly length: bigint;
}

/**
 * Loads an object while the addresses of its arenas are reserved, so that libbpf
 * maps them over nothing else.
 *
 * @param load Loads it, and leaves the object open.
 * @throws {NotSupportedError} if something lies there.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function reservingArenas<T>(
  maps: readonly NativeMap[],
  load: () => T,
): T {
  const reserved: Range[] = [];
  try {
    for (const map of arenasToBeMade(maps)) {
      const range = reserve(map);
      if (range !== undefined) reserved.push(range);
    }
    return load();
  } finally {
    for (const { map, address, length } of reserved) {
      // What libbpf mapped there is its own to unmap.
      if (map.address !== address) munmap(address, length);
    }
  }
}

/** Reserves the addresses of an arena; undefined where it has none. */
function reserve(map: NativeMap): Range | undefined {
  const { name, mapExtra: address, maxEntries } = map;
  if (address === 0n) return undefined;
  const length = BigInt(maxEntries) * BigInt(pageSize());
  const result = mmapReserveAt(address, length);
  if (result === 0) return { map, address, length };
  // Of what cannot be an address the kernel tells when it makes the map.
  if (result === -EINVAL) return undefined;
  if (result === -EEXIST) {
    throw new NotSupportedError(
      `Cannot load: the map ${name} must lie at ${
        hex(address)
      }, as its mapExtra says, and other memory of this process lies there`,
    );
  }
  throw systemError(
    -result,
    "mmap",
    `the map ${name} is made for this address`,
  );
}
