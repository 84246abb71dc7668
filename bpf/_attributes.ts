/**
 * What `bpf(2)` is given and gives back: `union bpf_attr`, `struct bpf_map_info`,
 * and the keys, values and paths that they point to.
 *
 * Addresses do not keep anything alive, so all of it lies in buffers that this
 * module holds. The calls are synchronous and copy what they return, so that
 * one set of buffers does for all maps.
 */

import { addressOf, bpf, check } from "../ffi/mod.ts";
import {
  NativeArrayBuffer,
  NativeUint8Array,
  typedArrayFill,
} from "../layout/_intrinsics.ts";
import {
  HostLayout,
  padding,
  type Pointer,
  pointer,
  sizeOf,
  struct,
  text,
  u32,
  u64,
  union,
  type View,
  view,
} from "../layout/mod.ts";
import { type Command, hintFor, numberOf } from "./_commands.ts";

const MapCreate = struct("map_create", {
  _: HostLayout,
  mapType: u32,
  keySize: u32,
  valueSize: u32,
  maxEntries: u32,
  mapFlags: u32,
  innerMapFd: u32,
  numaNode: u32,
  mapName: text(16),
  // Of devices and BTF; all of them zero.
  unused: padding(20),
  mapExtra: u64,
});

const Element = struct("element", {
  _: HostLayout,
  mapFd: u32,
  key: u64,
  /** Or the next key. */
  value: u64,
  flags: u64,
});

const Batch = struct("batch", {
  _: HostLayout,
  inBatch: u64,
  outBatch: u64,
  keys: u64,
  values: u64,
  /** How many there is room for; afterwards how many there were. */
  count: u32,
  mapFd: u32,
  elementFlags: u64,
  flags: u64,
});

const ObjectPath = struct("object_path", {
  _: HostLayout,
  pathname: u64,
  bpfFd: u32,
  fileFlags: u32,
});

const ObjectId = struct("object_id", {
  _: HostLayout,
  id: u32,
  nextId: u32,
  openFlags: u32,
});

const ObjectInfo = struct("object_info", {
  _: HostLayout,
  bpfFd: u32,
  infoLen: u32,
  info: u64,
});

/** The parts of `union bpf_attr` that maps take. */
const Attributes = union("bpf_attr", {
  _: HostLayout,
  mapCreate: MapCreate,
  element: Element,
  batch: Batch,
  objectPath: ObjectPath,
  objectId: ObjectId,
  objectInfo: ObjectInfo,
});

/** `struct bpf_map_info` of Linux 5.16; older ones lack its end. */
const KernelMapInfo = struct("bpf_map_info", {
  _: HostLayout,
  type: u32,
  id: u32,
  keySize: u32,
  valueSize: u32,
  maxEntries: u32,
  mapFlags: u32,
  name: text(16),
  ifindex: u32,
  btfVmlinuxValueTypeId: u32,
  netnsDev: u64,
  netnsIno: u64,
  btfId: u32,
  btfKeyTypeId: u32,
  btfValueTypeId: u32,
  btfVmlinuxId: u32,
  mapExtra: u64,
});

/**
 * How many bytes each command reads. A kernel that knows fewer refuses those
 * that it does not know, so none is larger than it has to be.
 */
export const SIZE = {
  mapCreate: 44, // to the end of mapName
  mapCreateExtra: sizeOf(MapCreate),
  mapFd: 4,
  element: sizeOf(Element),
  batch: sizeOf(Batch),
  objectPath: sizeOf(ObjectPath),
  objectId: sizeOf(ObjectId),
  objectInfo: sizeOf(ObjectInfo),
} as const;

const attributeBytes = new NativeUint8Array(
  new NativeArrayBuffer(sizeOf(Attributes)),
);
const attributes: Pointer<typeof Attributes> = pointer(
  Attributes,
  attributeBytes,
);

/** The attributes, all zero, for the next command. */
export function clearAttributes(): typeof attributes {
  typedArrayFill(attributeBytes, 0);
  return attributes;
}

/** Runs a command on the attributes: its result, or the negative reason. */
export function run(command: Command, size: number): number {
  return bpf(numberOf(command), attributeBytes, size);
}

/** Passes a command's result on. @throws {SystemError} if it is a reason. */
export function checked(command: Command, result: number): number {
  return check(result, `bpf(${command})`, hintFor(command, -result));
}

/** Bytes that attributes can point to. */
export interface Payload {
  /** The buffer. */
  readonly buffer: ArrayBuffer;
  /** All of its bytes. */
  readonly bytes: Uint8Array;
  /** The address of the first. */
  readonly address: bigint;
}

/** Room of one's own for that many bytes, for who keeps it while it is used. */
export function makePayload(size: number): Payload {
  const buffer = new NativeArrayBuffer(size);
  const bytes = new NativeUint8Array(buffer);
  return { buffer, bytes, address: addressOf(bytes) };
}

/** Room for all but large values, kept for as long as this module. */
const KEPT_SIZE = 65536;
/**
 * Where payloads are held: their addresses would not keep them. Both are its own
 * from the start, so that neither is looked for on a prototype.
 */
const held: { small: Payload | undefined; large: Payload | undefined } = {
  small: undefined,
  large: undefined,
};

/** Room for that many bytes, good until this is called again. */
export function payloadOf(size: number): Payload {
  if (size > KEPT_SIZE) return held.large = makePayload(size);
  return held.small ??= makePayload(KEPT_SIZE);
}

/** Lets go of room for a large value. */
export function releasePayload(): void {
  held.large = undefined;
}

/** What the kernel told of a map last. */
export type RawMapInfo = View<typeof KernelMapInfo>;

/** Asks for the info of a descriptor: it, or the negative reason. */
export function askInfo(fd: number): RawMapInfo | number {
  const { buffer, bytes, address } = payloadOf(sizeOf(KernelMapInfo));
  typedArrayFill(bytes, 0, 0, sizeOf(KernelMapInfo));
  const { objectInfo } = clearAttributes();
  objectInfo.bpfFd = fd;
  objectInfo.infoLen = sizeOf(KernelMapInfo);
  objectInfo.info = address;
  const result = run("BPF_OBJ_GET_INFO_BY_FD", SIZE.objectInfo);
  return result < 0 ? result : view(KernelMapInfo, buffer);
}
