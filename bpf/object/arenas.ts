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

/**
 * Reserves the addresses of an object's arenas, so that libbpf maps them over
 * nothing else.
 *
 * @returns What ends it: after loading, while the object is still open.
 * @throws {RangeError} if an arena has no room for its variables.
 * @throws {NotSupportedError} if something lies there.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function reserveArenas(
  elf: Elf,
  maps: readonly NativeMap[],
): Disposable {
  using reserved = new DisposableStack();
  if (!libbpfIsAtLeast(SINCE)) return reserved.move();
  const arenas = maps.filter((map) =>
    map.isToBeMade && mapTypeName(map.type) === "arena"
  );
  requireRoom(elf, arenas);
  for (const map of arenas) reserve(map, reserved);
  return reserved.move();
}

/** @throws {RangeError} unless arenas have room for their variables. */
function requireRoom({ sections }: Elf, arenas: readonly NativeMap[]): void {
  const section = sections.find(({ name }) => name === SECTION);
  if (section === undefined) return;
  const pages = Math.ceil(section.size / pageSize());
  for (const { name, maxEntries } of arenas) {
    if (maxEntries >= pages) continue;
    throw new RangeError(
      `maxEntries of the map ${name} must be at least ${pages}, the pages that its variables take: it is ${maxEntries}`,
    );
  }
}

/** Reserves the addresses of an arena, where it has some. */
function reserve(map: NativeMap, reserved: DisposableStack): void {
  const { name, mapExtra: address, maxEntries } = map;
  if (address === 0n) return;
  const length = BigInt(maxEntries) * BigInt(pageSize());
  const result = mmapReserveAt(address, length);
  if (result === 0) {
    reserved.defer(() => {
      // What libbpf mapped there is its own to unmap.
      if (map.address !== address) munmap(address, length);
    });
    return;
  }
  // Of what cannot be an address the kernel tells when it makes the map.
  if (result === -EINVAL) return;
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
