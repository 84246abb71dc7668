/**
 * What the kernel tells of BPF objects. All of them are one inode, so only the
 * number that the kernel gave a map tells it from others. And arenas must be
 * known before they are mapped: the first mapping decides, for good, at which
 * address the arena lies in this process, and it cannot be moved over the
 * engine's pages afterwards.
 */

import { addressOf, bpf, BPF_F_MMAPABLE } from "../ffi/mod.ts";

/** `linux/bpf.h`, `enum bpf_cmd`. */
const BPF_OBJ_GET_INFO_BY_FD = 15;
/** `linux/bpf.h`, `enum bpf_map_type`. */
const BPF_MAP_TYPE_ARENA = 33;

// struct { __u32 bpf_fd; __u32 info_len; __aligned_u64 info; }, then the start
// of struct bpf_map_info { type, id, key_size, value_size, max_entries,
// map_flags }, all __u32. Held for as long as this module, as addresses are.
const ATTRIBUTE_SIZE = 16;
const INFO_SIZE = 24;
const scratch = new Uint8Array(new ArrayBuffer(ATTRIBUTE_SIZE + INFO_SIZE));
const words = new Uint32Array(scratch.buffer);
const infoAddress = new BigUint64Array(scratch.buffer, 8, 1);

/** Whether there is an info in the scratch now. */
function askInfo(fd: number): boolean {
  for (let i = 4; i < 10; i++) words[i] = 0;
  words[0] = fd;
  words[1] = INFO_SIZE;
  infoAddress[0] = addressOf(scratch) + 16n;
  return bpf(BPF_OBJ_GET_INFO_BY_FD, scratch, ATTRIBUTE_SIZE) >= 0;
}

/**
 * Whether a descriptor is a BPF arena's. False also where the kernel does not
 * say: then `mremap` refuses it.
 */
export function isArena(fd: number): boolean {
  if (!askInfo(fd)) return false;
  const type = words[4];
  const keySize = words[6];
  const valueSize = words[7];
  const flags = words[9]!;
  // Every arena can be mapped. The info of a program begins with its type too; its flags lie elsewhere.
  return type === BPF_MAP_TYPE_ARENA && keySize === 0 && valueSize === 0 &&
    (flags & BPF_F_MMAPABLE) !== 0;
}

/**
 * The number of a descriptor's BPF map. 0 where it is of something else, or the
 * kernel does not say: before Linux 5.19 only who has CAP_BPF may ask.
 */
export function bpfIdOf(fd: number): number {
  return askInfo(fd) ? words[5]! : 0;
}
