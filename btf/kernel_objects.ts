/** BTF that was loaded into the kernel (`bpf(2)`). */

import { COMMANDS, hintFor } from "../ffi/bpf/commands.ts";
import { askInfo } from "../ffi/bpf/object_info.ts";
import { addressOf, bpf, check, closeDescriptor } from "../ffi/mod.ts";

/** The longest name that is told apart: `vmlinux` and modules' names. */
const NAME_SIZE = 64;
const INFO_SIZE = 32;

// An address does not keep its buffer: these stay for as long as the module.
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
  /** True if it is a module's. */
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
  const fd = bpf(COMMANDS.BPF_BTF_GET_FD_BY_ID.number, attributes, 12);
  check(
    fd,
    "bpf(BPF_BTF_GET_FD_BY_ID)",
    hintFor("BPF_BTF_GET_FD_BY_ID", -fd),
  );
  try {
    return bytesOfDescriptor(fd);
  } finally {
    closeDescriptor(fd);
  }
}

function bytesOfDescriptor(fd: number): LoadedBtf {
  askBtfInfo(fd, undefined, 0);
  const size = info[2]!;
  const bytes = new Uint8Array(new ArrayBuffer(size));
  askBtfInfo(fd, bytes, size);
  const called = new TextDecoder().decode(name).replace(/\0.*$/s, "");
  return { bytes, split: info[7] !== 0 && called !== "vmlinux" };
}

/** Asks for what is known of BTF, and for its bytes where there is room. */
function askBtfInfo(
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
  askInfo(fd, addressOf(infoBytes), INFO_SIZE, `descriptor ${fd}`, "BTF");
}
