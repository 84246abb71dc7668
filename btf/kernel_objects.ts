/** BTF that was loaded into the kernel (`bpf(2)`). */

import {
  addressOf,
  bpf,
  check,
  closeDescriptor,
  ENOENT,
  EPERM,
} from "../ffi/mod.ts";

// enum bpf_cmd of linux/bpf.h
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_BTF_GET_FD_BY_ID = 19;

/** The longest name that is told apart: `vmlinux` and modules' names. */
const NAME_SIZE = 64;
const INFO_SIZE = 32;

// An address does not keep its buffer: these stay for as long as the module.
// All of them are written by index, which a program cannot replace, since the
// kernel writes where they say.
const attributes = new Uint32Array(new ArrayBuffer(16));
const attributes64 = new BigUint64Array(attributes.buffer);
/** `struct bpf_btf_info`: btf, btf_size, id, name, name_len, kernel_btf. */
const info = new Uint32Array(new ArrayBuffer(INFO_SIZE));
const info64 = new BigUint64Array(info.buffer);
const infoBytes = new Uint8Array(info.buffer);
const name = new Uint8Array(new ArrayBuffer(NAME_SIZE));

/** The bytes of BTF, and whether they build on the kernel's. */
export interface LoadedBtf {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** Whether it is a module's. */
  readonly split: boolean;
}

/** BTF by its number. @throws {SystemError} with the kernel's reason. */
export function bytesOfId(id: number): LoadedBtf {
  if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) {
    throw new RangeError(
      `The id of BTF must be an integer of 32 bits: received ${String(id)}`,
    );
  }
  attributes64[1] = 0n;
  attributes[0] = id;
  attributes[1] = 0;
  const fd = bpf(BPF_BTF_GET_FD_BY_ID, attributes, 12);
  check(fd, "bpf(BPF_BTF_GET_FD_BY_ID)", hintFor(-fd));
  try {
    return bytesOfDescriptor(fd);
  } finally {
    closeDescriptor(fd);
  }
}

function hintFor(errno: number): string | undefined {
  switch (errno) {
    case EPERM:
      return "opening BTF by its id needs CAP_SYS_ADMIN; a container's seccomp profile may forbid bpf(2)";
    case ENOENT:
      return "there is no BTF of that id";
    default:
      return undefined;
  }
}

function bytesOfDescriptor(fd: number): LoadedBtf {
  askInfo(fd, undefined, 0);
  const size = info[2]!;
  const bytes = new Uint8Array(new ArrayBuffer(size));
  askInfo(fd, bytes, size);
  const called = new TextDecoder().decode(name).replace(/\0.*$/s, "");
  return { bytes, split: info[7] !== 0 && called !== "vmlinux" };
}

/** Asks for what is known of BTF, and for its bytes where there is room. */
function askInfo(
  fd: number,
  bytes: Uint8Array | undefined,
  size: number,
): void {
  for (let index = 0; index < NAME_SIZE; index++) name[index] = 0;
  info64[0] = bytes === undefined ? 0n : addressOf(bytes);
  info[2] = size;
  info[3] = 0;
  info64[2] = addressOf(name);
  info[6] = NAME_SIZE;
  info[7] = 0;
  attributes[0] = fd;
  attributes[1] = INFO_SIZE;
  attributes64[1] = addressOf(infoBytes);
  check(
    bpf(BPF_OBJ_GET_INFO_BY_FD, attributes, 16),
    "bpf(BPF_OBJ_GET_INFO_BY_FD)",
  );
}
