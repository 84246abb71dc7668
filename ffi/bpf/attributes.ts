/**
 * The attributes of `bpf(2)`: `union bpf_attr`.
 *
 * The calls are synchronous, and whoever makes one copies what it gives back, so
 * that one union does for all.
 */

import { systemError } from "../errno/system_error.ts";
import { bpf } from "./bpf.ts";
import {
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
  union,
} from "../../layout/mod.ts";
import { type Command, COMMANDS, hintFor } from "./commands.ts";

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
  mapIfindex: u32,
  btfFd: u32,
  btfKeyTypeId: u32,
  btfValueTypeId: u32,
  btfVmlinuxValueTypeId: u32,
  mapExtra: u64,
  valueTypeBtfObjFd: u32,
  mapTokenFd: u32,
});

const BtfLoad = struct("btf_load", {
  _: HostLayout,
  btf: u64,
  btfLogBuf: u64,
  btfSize: u32,
  btfLogSize: u32,
  btfLogLevel: u32,
  btfLogTrueSize: u32,
  btfFlags: u32,
  btfTokenFd: u32,
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
  /** The entries that there is room for; afterwards those that there were. */
  count: u32,
  mapFd: u32,
  elementFlags: u64,
  flags: u64,
});

const ProgLoad = struct("prog_load", {
  _: HostLayout,
  progType: u32,
  /** The number of instructions, of 8 bytes each. */
  insnCnt: u32,
  insns: u64,
  license: u64,
  logLevel: u32,
  logSize: u32,
  logBuf: u64,
  kernVersion: u32,
  progFlags: u32,
  progName: text(16),
  progIfindex: u32,
  expectedAttachType: u32,
  // Of BTF and its lines; all of them zero.
  unused: padding(36),
  attachBtfId: u32,
});

const ProgAttach = struct("prog_attach", {
  _: HostLayout,
  targetFd: u32,
  attachBpfFd: u32,
  attachType: u32,
  attachFlags: u32,
  replacedBpfFd: u32,
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

const TestRun = struct("test", {
  _: HostLayout,
  progFd: u32,
  /** The program's result, an `int` in C. */
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

/** The end of `link_create`, which differs by the target. */
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
  tracing: struct("tracing", {
    _: HostLayout,
    targetBtfId: u32,
    unused: padding(4),
    cookie: u64,
  }),
  kprobeMulti: struct("kprobe_multi", {
    _: HostLayout,
    flags: u32,
    count: u32,
    symbols: u64,
    addresses: u64,
    cookies: u64,
  }),
  uprobeMulti: struct("uprobe_multi", {
    _: HostLayout,
    path: u64,
    offsets: u64,
    refCounterOffsets: u64,
    cookies: u64,
    count: u32,
    flags: u32,
    pid: u32,
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

const StreamRead = struct("prog_stream_read", {
  _: HostLayout,
  buffer: u64,
  length: u32,
  streamId: u32,
  progFd: u32,
});

const TokenCreate = struct("token_create", {
  _: HostLayout,
  flags: u32,
  /** A directory of a BPF file system. */
  bpffsFd: u32,
});

const ProgramQuery = struct("query", {
  _: HostLayout,
  /** A descriptor, or the index of an interface. */
  target: u32,
  attachType: u32,
  queryFlags: u32,
  attachFlags: u32,
  programIds: u64,
  count: u32,
  unused: padding(4),
  programFlags: u64,
  linkIds: u64,
  linkFlags: u64,
  revision: u64,
});

const LinkFd = struct("link_fd", { _: HostLayout, linkFd: u32, flags: u32 });

/** The parts of `union bpf_attr` that the commands take. */
const Attributes = union("bpf_attr", {
  _: HostLayout,
  mapCreate: MapCreate,
  btfLoad: BtfLoad,
  element: Element,
  batch: Batch,
  progLoad: ProgLoad,
  progAttach: ProgAttach,
  objectPath: ObjectPath,
  objectId: ObjectId,
  testRun: TestRun,
  rawTracepoint: RawTracepoint,
  linkCreate: LinkCreate,
  linkUpdate: LinkUpdate,
  bindMap: BindMap,
  linkFd: LinkFd,
  streamRead: StreamRead,
  programQuery: ProgramQuery,
  tokenCreate: TokenCreate,
});

/**
 * The bytes that each command reads. A kernel that knows fewer refuses those
 * that it does not know, so none is larger than it has to be.
 */
export const SIZE = {
  mapCreate: 44, // to the end of mapName
  mapCreateBtf: 60, // to the end of btfValueTypeId
  mapCreateExtra: 72, // to the end of mapExtra
  mapCreateToken: sizeOf(MapCreate), // Linux 6.9
  btfLoad: 28, // to the end of btfLogLevel
  btfLoadToken: sizeOf(BtfLoad), // Linux 6.9
  mapFd: 4,
  element: sizeOf(Element),
  batch: sizeOf(Batch),
  progLoad: sizeOf(ProgLoad),
  progAttach: 16,
  progReplace: sizeOf(ProgAttach), // Linux 5.6
  objectPath: sizeOf(ObjectPath),
  id: 4,
  nextId: 8,
  openById: sizeOf(ObjectId),
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
  linkCreateTracing: 32,
  linkCreateKprobeMulti: 48,
  linkCreateUprobeMulti: 60,
  linkUpdate: sizeOf(LinkUpdate),
  linkFd: 4,
  bindMap: sizeOf(BindMap),
  iteratorCreate: sizeOf(LinkFd),
  programQuery: 28,
  programQueryLinks: sizeOf(ProgramQuery), // Linux 6.6
  enableStats: 4,
  streamRead: 20, // without the padding at its end
  tokenCreate: sizeOf(TokenCreate),
} as const;

const bytes = new Uint8Array(new ArrayBuffer(sizeOf(Attributes)));
/** Made at the first use: most of the time that importing this takes. */
let attributes: Pointer<typeof Attributes> | undefined;

/** The attributes, all zero, for the next command. */
export function clearAttributes(): Pointer<typeof Attributes> {
  bytes.fill(0);
  return attributes ??= pointer(Attributes, bytes);
}

/** Runs a command on the attributes: its result, or the negative reason. */
export function run(command: Command, size: number): number {
  return bpf(COMMANDS[command].number, bytes, size);
}

/**
 * Passes a command's result on.
 *
 * @param about The path or the number that was asked about, for the message.
 * @throws {SystemError} if the result is a reason.
 */
export function checked(
  command: Command,
  result: number,
  about?: string,
): number {
  if (result >= 0) return result;
  const hint = hintFor(command, -result);
  const both = [about, hint].filter((text) => text !== undefined).join("; ");
  throw systemError(-result, `bpf(${command})`, both || undefined);
}

/**
 * Runs a command: its result.
 *
 * @param about As in {@linkcode checked}.
 * @throws {SystemError} with the kernel's reason.
 */
export function runChecked(
  command: Command,
  size: number,
  about?: string,
): number {
  return checked(command, run(command, size), about);
}
