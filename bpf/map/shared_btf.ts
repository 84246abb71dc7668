/**
 * BTF by its id, for as long as anyone uses it: the maps of one object have one,
 * and types that are one must be one.
 */

import { Btf } from "../../btf/btf.ts";
import { askInfo } from "../../ffi/bpf/object_info.ts";
import { scratchBlock } from "../../ffi/block.ts";
import {
  HostLayout,
  sizeOf,
  struct,
  u32,
  u64,
  view,
} from "../../layout/mod.ts";

const known = new Map<number, WeakRef<Btf>>();
const net = new FinalizationRegistry<number>((id) => {
  if (knownBtf(id) === undefined) known.delete(id);
});

function remember(id: number, btf: Btf): Btf {
  known.set(id, new WeakRef(btf));
  net.register(btf, id);
  return btf;
}

/** The BTF of an id, if it is known. */
export function knownBtf(id: number): Btf | undefined {
  return known.get(id)?.deref();
}

/**
 * The BTF of an id.
 *
 * @throws {SystemError} with EPERM without CAP_SYS_ADMIN, if it is not known.
 */
export function btfOfId(id: number): Btf {
  return knownBtf(id) ?? remember(id, Btf.fromId(id));
}

/** `struct bpf_btf_info` (`linux/bpf.h`), as Linux 4.18 has it. */
const KernelBtfInfo = struct("bpf_btf_info", {
  _: HostLayout,
  btf: u64,
  btfSize: u32,
  id: u32,
});

/**
 * Makes BTF known that was parsed already: the maps that have it take it from
 * here, where to open it by its id would need CAP_SYS_ADMIN.
 *
 * @param fd Its descriptor.
 * @param btf The same, parsed.
 */
export function shareBtf(fd: number, btf: Btf): void {
  const size = sizeOf(KernelBtfInfo);
  const { buffer, bytes, address } = scratchBlock(size);
  bytes.fill(0, 0, size);
  askInfo(fd, address, size, `descriptor ${fd}`, "BTF");
  const { id } = view(KernelBtfInfo, buffer);
  if (knownBtf(id) === undefined) remember(id, btf);
}
