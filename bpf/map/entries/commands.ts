/** Looking up, storing and deleting the entries of a map. */

import { NotSupportedError, SystemError } from "../../../errors.ts";
import {
  E2BIG,
  EINVAL,
  ENOENT,
  ENOTSUPP,
  EOPNOTSUPP,
} from "../../../ffi/mod.ts";
import { requireBytesOf, requireU32 } from "../../../base/arguments.ts";
import { show } from "../../../base/show.ts";
import {
  checked,
  clearAttributes,
  run,
  SIZE,
} from "../../../ffi/bpf/attributes.ts";
import type { Command } from "../../../ffi/bpf/commands.ts";
import {
  type Block,
  releaseScratch,
  scratchBlock,
} from "../../../ffi/block.ts";
import { strideOf } from "../array_memory.ts";
import type { MapInfo } from "../info.ts";
import { hasSlots, isLocalStorage, isUnbounded } from "../type.ts";
import { valueLength } from "./layout.ts";

/** A key: its bytes, or the number that four of them are. */
export type Key = Uint8Array | number;

/**
 * Refuses a key that is neither a number nor bytes, where keys may be numbers.
 *
 * @throws {TypeError} if a key of 4 bytes is no object, and no number.
 */
export function requireKeyKind(value: unknown, size: number): void {
  if (size !== 4 || typeof value === "number") return;
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(
    `Key must be a number or a Uint8Array: received ${show(value)}`,
  );
}

/** Makes room for a key and so many bytes behind it, and puts the key there. */
function withKey(info: MapInfo, key: Key, behind: number): Block {
  const { keySize } = info;
  if (typeof key === "number" && keySize === 4) {
    const index = requireU32("Key", key, 0);
    const payload = scratchBlock(8 + behind);
    new Uint32Array(payload.buffer, 0, 1)[0] = index;
    return payload;
  }
  requireKeyKind(key, keySize);
  requireBytesOf("Key", key, keySize);
  const payload = scratchBlock(strideOf(keySize) + behind);
  payload.bytes.set(key);
  return payload;
}

/** A command on one entry: its result, or the negative reason. */
function command(
  name: Command,
  fd: number,
  key: bigint,
  value: bigint,
  mode: bigint = 0n,
): number {
  const { element } = clearAttributes();
  element.mapFd = fd;
  element.key = key;
  element.value = value;
  element.flags = mode;
  return run(name, SIZE.element);
}

/** @throws {NotSupportedError} if the kernel has no such command for the map. */
function requireSupported(
  result: number,
  { type, typeNumber }: MapInfo,
  what: string,
): void {
  if (result !== -ENOTSUPP && result !== -EOPNOTSUPP) return;
  throw new NotSupportedError(
    `A map of type ${type ?? typeNumber} cannot be ${what}`,
  );
}

/** The known reason why the kernel refused a key; undefined for none. */
function mistakeIn(
  { type, keySize, maxEntries }: MapInfo,
  key: Key,
  result: number,
): string | undefined {
  if (type === "lpm_trie" && result === -EINVAL && typeof key !== "number") {
    const length = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
    const most = 8 * (keySize - 4);
    if (length > most) {
      return `the prefix of a key must have at most ${most} bits: it has ${length}`;
    }
  }
  if (result === -E2BIG && typeof key === "number" && key >= maxEntries) {
    return `the index must be below the number of entries, ${maxEntries}: it is ${key}`;
  }
  return undefined;
}

/** The address of the key that `withKey` put there; 0 for none. */
function keyOf(payload: Block, { keySize }: MapInfo): bigint {
  return keySize === 0 ? 0n : payload.address;
}

/** The address of the value: behind the key, at the next multiple of 8. */
function valueOf(payload: Block, { keySize }: MapInfo): bigint {
  return payload.address + BigInt(strideOf(keySize));
}

function copyOf(
  { buffer }: Block,
  offset: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length);
  copy.set(new Uint8Array(buffer, offset, length));
  return copy;
}

/**
 * The value of a key; undefined where there is none.
 *
 * @param flags `BPF_F_LOCK`, or 0.
 */
export function lookup(
  fd: number,
  info: MapInfo,
  key: Key,
  flags: bigint = 0n,
): Uint8Array<ArrayBuffer> | undefined {
  return valueBy("BPF_MAP_LOOKUP_ELEM", fd, info, key, flags);
}

/** The same, and deletes the entry. */
export function take(
  fd: number,
  info: MapInfo,
  key: Key,
): Uint8Array<ArrayBuffer> | undefined {
  return valueBy("BPF_MAP_LOOKUP_AND_DELETE_ELEM", fd, info, key);
}

function valueBy(
  name: "BPF_MAP_LOOKUP_ELEM" | "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
  fd: number,
  info: MapInfo,
  key: Key,
  flags: bigint = 0n,
): Uint8Array<ArrayBuffer> | undefined {
  if (info.type === "bloom_filter") {
    throw new NotSupportedError(
      "Cannot look up in a map of type bloom_filter: it has no keys; filter() tells what was added",
    );
  }
  const length = valueLength(info);
  const payload = withKey(info, key, length);
  try {
    const result = command(
      name,
      fd,
      keyOf(payload, info),
      valueOf(payload, info),
      flags,
    );
    if (result === -ENOENT) return undefined;
    if (name === "BPF_MAP_LOOKUP_ELEM") {
      requireSupported(result, info, "looked up in by processes");
    }
    checked(name, result);
    return copyOf(payload, strideOf(info.keySize), length);
  } finally {
    releaseScratch();
  }
}

/**
 * Stores a value.
 *
 * @param mode `BPF_ANY`, `BPF_NOEXIST` or `BPF_EXIST`.
 */
export function update(
  fd: number,
  info: MapInfo,
  key: Key,
  value: Uint8Array,
  mode: bigint,
): void {
  const length = valueLength(info);
  requireBytesOf("Value", value, length);
  const payload = withKey(info, key, length);
  try {
    payload.bytes.set(value, strideOf(info.keySize));
    const result = command(
      "BPF_MAP_UPDATE_ELEM",
      fd,
      keyOf(payload, info),
      valueOf(payload, info),
      mode,
    );
    checked("BPF_MAP_UPDATE_ELEM", result, mistakeIn(info, key, result));
  } finally {
    releaseScratch();
  }
}

/**
 * Tests whether a bloom filter has a value, which goes where others give one.
 */
export function hasValue(fd: number, value: Uint8Array): boolean {
  const name = "BPF_MAP_LOOKUP_ELEM";
  const block = scratchBlock(value.length);
  try {
    block.put(value);
    const result = command(name, fd, 0n, block.address);
    if (result === -ENOENT) return false;
    checked(name, result);
    return true;
  } finally {
    releaseScratch();
  }
}

/** Tests whether the kernel, or this type of map, has no such command. */
export function isMissing(result: number): boolean {
  return result === -ENOTSUPP || result === -EINVAL;
}

/** Takes an entry, also where the kernel has no one command for it. */
export function takeOne(
  fd: number,
  info: MapInfo,
  key: Key,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    return take(fd, info, key);
  } catch (error) {
    if (!(error instanceof SystemError) || !isMissing(-error.errno)) {
      throw error;
    }
  }
  const value = lookup(fd, info, key);
  return value !== undefined && remove(fd, info, key) ? value : undefined;
}

/**
 * Deletes an entry, and tells whether there was one, as far as the kernel does.
 *
 * @throws {NotSupportedError} if entries of such a map cannot be deleted by key.
 */
export function remove(fd: number, info: MapInfo, key: Key): boolean {
  const payload = withKey(info, key, 0);
  const result = command(
    "BPF_MAP_DELETE_ELEM",
    fd,
    keyOf(payload, info),
    0n,
  );
  if (result === -ENOENT || isEmptySlot(info, result)) return false;
  const isRefused = result === -EINVAL && hasNoDelete(info);
  requireSupported(isRefused ? -ENOTSUPP : result, info, "deleted from by key");
  checked("BPF_MAP_DELETE_ELEM", result);
  return true;
}

/**
 * Tests whether a delete failed because the slot is empty or does not exist.
 * Each type of map has its own number for that: EINVAL of a `sockmap` stands
 * for both, of a `devmap` for an index beyond the end, of others E2BIG does.
 */
function isEmptySlot({ type }: MapInfo, result: number): boolean {
  return (result === -EINVAL || result === -E2BIG) && type !== undefined &&
    hasSlots(type);
}

/** Tests whether a map has no entries that could be deleted, by EINVAL. */
function hasNoDelete({ type, keySize }: MapInfo): boolean {
  return keySize === 0 ||
    (type !== undefined && isUnbounded(type) && !isLocalStorage(type));
}

/** The key that follows another, or the first; undefined after the last. */
export function nextKey(
  fd: number,
  info: MapInfo,
  key: Uint8Array | undefined,
): Uint8Array<ArrayBuffer> | undefined {
  const offset = strideOf(info.keySize);
  const payload = key === undefined
    ? scratchBlock(2 * offset)
    : withKey(info, key, offset);
  const result = command(
    "BPF_MAP_GET_NEXT_KEY",
    fd,
    key === undefined ? 0n : payload.address,
    valueOf(payload, info),
  );
  if (result === -ENOENT) return undefined;
  const isKeyless = result === -EINVAL && info.keySize === 0;
  requireSupported(isKeyless ? -ENOTSUPP : result, info, "listed");
  checked("BPF_MAP_GET_NEXT_KEY", result);
  return copyOf(payload, offset, info.keySize);
}
