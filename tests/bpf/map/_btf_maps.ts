/**
 * Maps that have BTF of a test's own, as a loader of BPF programs makes them.
 *
 * @module
 */

import { BpfMap } from "../../../bpf/mod.ts";
import { type MapType, mapTypeNumber } from "../../../bpf/map/type.ts";
import { addressOf, bpf, check, closeDescriptor } from "../../../ffi/mod.ts";
import type { Builder } from "../../btf/_builder.ts";

/** `linux/bpf.h` */
const BPF_MAP_CREATE = 0;
const BPF_BTF_LOAD = 18;

// Held for as long as the module, because the kernel is given its address.
const payload = new Uint8Array(new ArrayBuffer(65536));

/** The options of a map with BTF. */
export interface BtfMapOptions {
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flagBits?: number;
  /** Its BTF. */
  readonly btf: Builder;
  /** The id of the type of keys; 0 for none. */
  readonly keyTypeId: number;
  /** The id of the type of values. */
  readonly valueTypeId: number;
}

function loadBtf(btf: Builder): number {
  const bytes = btf.bytes();
  payload.set(bytes);
  const request = new DataView(new ArrayBuffer(28));
  request.setBigUint64(0, addressOf(payload), true);
  request.setUint32(16, bytes.length, true);
  return check(bpf(BPF_BTF_LOAD, request, 28), "bpf(BPF_BTF_LOAD)");
}

/** Makes a map that knows its types. */
export function btfMap(options: BtfMapOptions): BpfMap {
  const btf = loadBtf(options.btf);
  const request = new DataView(new ArrayBuffer(72));
  const words = [
    mapTypeNumber(options.type),
    options.keySize,
    options.valueSize,
    options.maxEntries,
    options.flagBits ?? 0,
  ];
  words.forEach((word, i) => request.setUint32(i * 4, word, true));
  request.setUint32(48, btf, true);
  request.setUint32(52, options.keyTypeId, true);
  request.setUint32(56, options.valueTypeId, true);
  const fd = bpf(BPF_MAP_CREATE, request, 72);
  closeDescriptor(btf);
  check(fd, "bpf(BPF_MAP_CREATE)");
  try {
    return BpfMap.fromFd(fd);
  } finally {
    closeDescriptor(fd);
  }
}
