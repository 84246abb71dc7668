/**
 * What the commands of `bpf(2)` on programs and links are given and give back:
 * their parts of `union bpf_attr`, `struct bpf_prog_info` and `struct
 * bpf_link_info`.
 */

import { bpf } from "../ffi/mod.ts";
import {
  NativeArrayBuffer,
  NativeUint8Array,
  typedArrayFill,
} from "../layout/_intrinsics.ts";
import {
  array,
  bits,
  HostLayout,
  i32,
  padding,
  type Pointer,
  pointer,
  sizeOf,
  struct,
  text,
  u32,
  u64,
  u8,
  union,
} from "../layout/mod.ts";
import { numberOf, type ProgramCommand } from "./_commands.ts";

const TestRun = struct("test", {
  _: HostLayout,
  progFd: u32,
  /** What the program returned, an `int` in C. */
  returned: i32,
  dataSizeIn: u32,
  dataSizeOut: u32,
  dataIn: u64,
  dataOut: u64,
  repeat: u32,
  duration: u32,
  ctxSizeIn: u32,
  ctxSizeOut: u32,
  ctxIn: u64,
  ctxOut: u64,
  flags: u32,
  cpu: u32,
  batchSize: u32,
  unused: padding(4),
});

const RawTracepoint = struct("raw_tracepoint", {
  _: HostLayout,
  name: u64,
  progFd: u32,
  unused: padding(4),
  cookie: u64,
});

/** What `link_create` has last, by what is attached to. */
const LinkDetail = union("link_detail", {
  _: HostLayout,
  iterator: struct("iter_info", { _: HostLayout, address: u64, length: u32 }),
  perfEvent: struct("perf_event", { _: HostLayout, cookie: u64 }),
  order: struct("tcx", {
    _: HostLayout,
    relative: u32,
    unused: padding(4),
    revision: u64,
  }),
  netfilter: struct("netfilter", {
    _: HostLayout,
    family: u32,
    hook: u32,
    priority: i32,
    flags: u32,
  }),
});

const LinkCreate = struct("link_create", {
  _: HostLayout,
  progFd: u32,
  /** A descriptor, or the index of an interface. */
  target: u32,
  attachType: u32,
  flags: u32,
  detail: LinkDetail,
});

const LinkUpdate = struct("link_update", {
  _: HostLayout,
  linkFd: u32,
  newProgFd: u32,
  flags: u32,
  oldProgFd: u32,
});

const BindMap = struct("prog_bind_map", {
  _: HostLayout,
  progFd: u32,
  mapFd: u32,
  flags: u32,
});

const LinkFd = struct("link_fd", { _: HostLayout, linkFd: u32, flags: u32 });

const ObjectId = struct("object_id", {
  _: HostLayout,
  id: u32,
  nextId: u32,
});

/** The parts of `union bpf_attr` that programs and links take. */
const Attributes = union("bpf_attr", {
  _: HostLayout,
  testRun: TestRun,
  rawTracepoint: RawTracepoint,
  linkCreate: LinkCreate,
  linkUpdate: LinkUpdate,
  bindMap: BindMap,
  linkFd: LinkFd,
  objectId: ObjectId,
});

/** How many bytes each command reads at least. */
export const PROGRAM_SIZE = {
  testRun: 64, // to the end of ctxOut; Linux 5.2
  testRunCpu: 72, // to the end of cpu; Linux 5.10
  testRunBatch: sizeOf(TestRun), // Linux 5.18
  rawTracepoint: 12,
  rawTracepointCookie: sizeOf(RawTracepoint), // Linux 6.10
  linkCreate: 16,
  linkCreateIterator: 28,
  linkCreateCookie: 24,
  linkCreateOrder: 32,
  linkCreateNetfilter: 32,
  linkUpdate: sizeOf(LinkUpdate),
  bindMap: sizeOf(BindMap),
  iteratorCreate: sizeOf(LinkFd),
  linkDetach: 4,
  enableStats: 4,
  objectId: 4,
  nextId: sizeOf(ObjectId),
} as const;

const attributeBytes = new NativeUint8Array(
  new NativeArrayBuffer(sizeOf(Attributes)),
);
const attributes: Pointer<typeof Attributes> = pointer(
  Attributes,
  attributeBytes,
);

/** The attributes of programs and links, all zero, for the next command. */
export function clearProgramAttributes(): typeof attributes {
  typedArrayFill(attributeBytes, 0);
  return attributes;
}

/** Runs a command on these attributes: its result, or the negative reason. */
export function runProgramCommand(
  command: ProgramCommand,
  size: number,
): number {
  return bpf(numberOf(command), attributeBytes, size);
}

/** `struct bpf_prog_info` of Linux 5.16; older ones lack its end. */
export const KernelProgramInfo = struct("bpf_prog_info", {
  _: HostLayout,
  type: u32,
  id: u32,
  tag: array(u8, 8),
  jitedLength: u32,
  translatedLength: u32,
  jitedInstructions: u64,
  translatedInstructions: u64,
  loadTime: u64,
  createdByUid: u32,
  mapCount: u32,
  mapIds: u64,
  name: text(16),
  ifindex: u32,
  gplCompatible: bits(u32, 1),
  netnsDev: u64,
  netnsIno: u64,
  // Of symbols, functions and lines.
  unused1: padding(24),
  btfId: u32,
  // The same.
  unused2: padding(60),
  runTime: u64,
  runCount: u64,
  recursionMisses: u64,
  verifiedInstructions: u32,
  unused3: padding(4),
});

/** What a link is attached to, by its type. */
const KernelLinkTarget = union("link_target", {
  _: HostLayout,
  /** A raw tracepoint, or an iterator: where its name is to be put. */
  named: struct("named", { _: HostLayout, name: u64, length: u32, mapId: u32 }),
  tracing: struct("tracing", {
    _: HostLayout,
    attachType: u32,
    objectId: u32,
    btfId: u32,
  }),
  cgroup: struct("cgroup", { _: HostLayout, id: u64, attachType: u32 }),
  /** A network namespace, or an interface. */
  numbered: struct("numbered", { _: HostLayout, number: u32, attachType: u32 }),
  netfilter: struct("netfilter", {
    _: HostLayout,
    family: u32,
    hook: u32,
    priority: i32,
    flags: u32,
  }),
  event: struct("perf_event", {
    _: HostLayout,
    kind: u32,
    unused: padding(4),
    /** Where a name is to be put, or the config of an event. */
    nameOrConfig: u64,
    /** The length of the name, or the type of an event. */
    lengthOrType: u32,
    offset: u32,
    cookie: u64,
  }),
});

/** `struct bpf_link_info`. */
export const KernelLinkInfo = struct("bpf_link_info", {
  _: HostLayout,
  type: u32,
  id: u32,
  programId: u32,
  target: KernelLinkTarget,
}, { size: 64 });
