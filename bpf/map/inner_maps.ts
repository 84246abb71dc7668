/**
 * The values of maps of maps, of programs and of sockets: a descriptor is stored,
 * and an id looked up.
 */

import { NotSupportedError, SystemError } from "../../errors.ts";
import {
  EBUSY,
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  systemError,
} from "../../ffi/mod.ts";
import type { OpenMap } from "./info.ts";
import { type Key, lookup, update } from "./entries/commands.ts";
import type { MapType } from "./type.ts";

/**
 * The number of times that an inner map may be gone before it could be opened.
 */
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

/** The types of maps that hold sockets, and are told them by descriptors. */
const OF_SOCKETS: ReadonlySet<MapType | undefined> = new Set<MapType>([
  "sockmap",
  "sockhash",
  "reuseport_sockarray",
  "xskmap",
]);

/**
 * Stores a socket in a map of sockets.
 *
 * @param fd Its descriptor.
 * @param mode `BPF_ANY`, `BPF_NOEXIST` or `BPF_EXIST`.
 * @throws {NotSupportedError} if the map holds no sockets.
 */
export function updateSocket(
  map: OpenMap,
  key: Key,
  fd: number,
  mode: bigint,
): void {
  const { type, typeNumber, valueSize } = map.info;
  if (!OF_SOCKETS.has(type)) {
    throw new NotSupportedError(
      `A map of type ${type ?? typeNumber} holds no sockets`,
    );
  }
  // With values of 8 bytes the kernel gives what is looked up, too: cookies.
  const bytes = valueSize === 8
    ? new Uint8Array(new BigUint64Array([BigInt(fd)]).buffer)
    : bytesOf(fd);
  try {
    update(map.fd, map.info, key, bytes, mode);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const cause = refusalOf(error.errno, type);
    if (cause === undefined) throw error;
    throw systemError(error.errno, error.syscall, cause);
  }
}

/** The reason why a map refuses a socket; undefined where none is known. */
function refusalOf(
  errno: number,
  type: MapType | undefined,
): string | undefined {
  switch (errno) {
    case EBUSY:
      return "the socket has programs of a map already";
    case EINVAL:
    case EOPNOTSUPP:
      return `the descriptor may be of no socket, or of one that such a map does not take: ${
        type === "reuseport_sockarray"
          ? "it must have SO_REUSEPORT, and be bound"
          : "one of TCP must be connected or listening, one of UDP or UNIX connected"
      }`;
    default:
      return undefined;
  }
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
 * @returns The result of `openById`; undefined where there is no such entry.
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
