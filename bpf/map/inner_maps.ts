/** What maps of maps and of programs hold: a descriptor is stored, and an id looked up. */

import { NotSupportedError, SystemError } from "../../errors.ts";
import { EINVAL, ENOENT, systemError } from "../../ffi/mod.ts";
import type { OpenMap } from "./info.ts";
import { type Key, lookup, update } from "./entries/commands.ts";

/** How often an inner map may be gone before it could be opened. */
const RETRIES = 16;

/**
 * Stores a program in an array of programs.
 *
 * @param fd Its descriptor.
 * @param mode `BPF_ANY`, `BPF_NOEXIST` or `BPF_EXIST`.
 * @throws {NotSupportedError} if the map holds no programs.
 */
export function updateProgram(
  map: OpenMap,
  key: Key,
  fd: number,
  mode: bigint,
): void {
  const { type, typeNumber } = map.info;
  if (type !== "prog_array") {
    throw new NotSupportedError(
      `A map of type ${type ?? typeNumber} holds no programs`,
    );
  }
  update(map.fd, map.info, key, bytesOf(fd), mode);
}

function bytesOf(fd: number): Uint8Array {
  return new Uint8Array(new Uint32Array([fd]).buffer);
}

function requireMapOfMaps({ info }: OpenMap): void {
  if (info.type === "array_of_maps" || info.type === "hash_of_maps") return;
  throw new NotSupportedError(
    `A map of type ${info.type ?? info.typeNumber} holds no maps`,
  );
}

/**
 * Opens the inner map of a key.
 *
 * @param openById Opens a map by its id.
 * @returns What that gave; undefined where there is no such entry.
 * @throws {NotSupportedError} if the map holds no maps.
 */
export function lookupInner<T>(
  map: OpenMap,
  key: Key,
  openById: (id: number) => T,
): T | undefined {
  requireMapOfMaps(map);
  for (let tries = 0;; tries++) {
    const bytes = lookup(map.fd, map.info, key);
    if (bytes === undefined) return undefined;
    try {
      return openById(new Uint32Array(bytes.buffer, 0, 1)[0]!);
    } catch (error) {
      // Another was stored there meanwhile, and nothing else held the first.
      const isGone = error instanceof SystemError && error.errno === ENOENT;
      if (!isGone || tries === RETRIES) throw error;
    }
  }
}

/**
 * Stores an inner map.
 *
 * @param fd Its descriptor.
 * @param mode `BPF_ANY`, `BPF_NOEXIST` or `BPF_EXIST`.
 * @throws {NotSupportedError} if the map holds no maps.
 */
export function updateInner(
  map: OpenMap,
  key: Key,
  fd: number,
  mode: bigint,
): void {
  requireMapOfMaps(map);
  try {
    update(map.fd, map.info, key, bytesOf(fd), mode);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EINVAL) throw error;
    throw systemError(
      EINVAL,
      error.syscall,
      "the inner map may be unlike the one that the map was made with: type, sizes and flags must be the same, and of arrays, unless made with the flag inner_map, the number of entries",
    );
  }
}
