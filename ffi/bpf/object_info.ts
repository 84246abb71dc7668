/** Infos of the kernel about a descriptor's map, program, link or BTF. */

import { NotSupportedError } from "../../errors.ts";
import { Block } from "../block.ts";
import { BPF_F_MMAPABLE, EINVAL } from "../constants.ts";
import { check } from "../errno/system_error.ts";
import { bpf } from "./bpf.ts";
import { COMMANDS, hintFor } from "./commands.ts";

/** A kind of object that has an info. */
export type ObjectKind = "map" | "program" | "link" | "BTF";

/** The error for a descriptor that is of something else. */
export function isSomethingElse(
  name: string,
  kind: ObjectKind,
): NotSupportedError {
  return new NotSupportedError(
    `Cannot use ${name} as ${
      kind === "BTF" ? "" : "a BPF "
    }${kind}: it is something else`,
  );
}

/** `struct { __u32 bpf_fd; __u32 info_len; __aligned_u64 info; }` */
const attributes = new Block(16);
const words = new Uint32Array(attributes.buffer);
const infoAddress = new BigUint64Array(attributes.buffer, 8, 1);

/** Has the kernel write an info: 0, or the negative reason. */
function writeInfo(fd: number, address: bigint, length: number): number {
  words[0] = fd;
  words[1] = length;
  infoAddress[0] = address;
  const { number } = COMMANDS.BPF_OBJ_GET_INFO_BY_FD;
  return bpf(number, attributes.bytes, attributes.bytes.length);
}

/**
 * Asks for the info of a descriptor.
 *
 * @param fd The descriptor.
 * @param address The address to put the info at.
 * @param length The room there in bytes.
 * @param name The name of the descriptor in error messages.
 * @param kind The kind that it must be of.
 * @throws {NotSupportedError} if it is of nothing that has an info.
 * @throws {SystemError} if it is not open, or the kernel will not say.
 */
export function askInfo(
  fd: number,
  address: bigint,
  length: number,
  name: string,
  kind: ObjectKind,
): void {
  const result = writeInfo(fd, address, length);
  if (result === -EINVAL) throw isSomethingElse(name, kind);
  check(
    result,
    "bpf(BPF_OBJ_GET_INFO_BY_FD)",
    hintFor("BPF_OBJ_GET_INFO_BY_FD", -result),
  );
}

/** `linux/bpf.h`, `enum bpf_map_type`. */
const BPF_MAP_TYPE_ARENA = 33;

/**
 * The begin of `struct bpf_map_info`, all `__u32`: type, id, key_size,
 * value_size, max_entries, map_flags.
 */
const mapInfo = new Block(24);
const mapInfoWords = new Uint32Array(mapInfo.buffer);

function askMapInfo(fd: number): boolean {
  mapInfoWords.fill(0);
  return writeInfo(fd, mapInfo.address, mapInfo.bytes.length) >= 0;
}

/**
 * True for a descriptor of a BPF arena. False also where the kernel does not
 * say: then `mremap` refuses it.
 */
export function isArena(fd: number): boolean {
  if (!askMapInfo(fd)) return false;
  const [type, , keySize, valueSize, , flags] = mapInfoWords;
  // Every arena can be mapped. The info of a program begins with its type too,
  // and has no such flags there.
  return type === BPF_MAP_TYPE_ARENA && keySize === 0 && valueSize === 0 &&
    (flags! & BPF_F_MMAPABLE) !== 0;
}

/**
 * The number of a descriptor's BPF map: all BPF objects are one inode, so only
 * this tells them apart. 0 where it is of something else, or the kernel does not
 * say: before Linux 5.19 only who has CAP_BPF may ask.
 */
export function bpfIdOf(fd: number): number {
  return askMapInfo(fd) ? mapInfoWords[1]! : 0;
}

/** The flags that a BPF map was made with; undefined where `bpfIdOf` gives 0. */
export function bpfMapFlagsOf(fd: number): number | undefined {
  return bpfIdOf(fd) === 0 ? undefined : mapInfoWords[5];
}
