/**
 * Maps that several tests of this folder want.
 *
 * @module
 */

import { BpfMap, type CreateMapOptions } from "../../bpf/mod.ts";

/** An mmap-able array of 8-byte values, four unless said otherwise. */
export function mappable(options: Partial<CreateMapOptions> = {}): BpfMap {
  return BpfMap.create({
    type: "array",
    valueSize: 8,
    maxEntries: 4,
    flags: ["mmapable"],
    ...options,
  });
}

/** Tests whether the kernel still has a map of this number. */
export function mapExists(id: number): boolean {
  try {
    BpfMap.fromId(id).close();
    return true;
  } catch {
    return false;
  }
}

/** Eight bytes as the number that they are. */
export function number(bytes: Uint8Array | undefined): bigint | undefined {
  if (bytes === undefined) return undefined;
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

/** A number as eight bytes. */
export function bytes(value: bigint): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new BigUint64Array([value]).buffer);
}
