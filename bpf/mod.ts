/**
 * The kernel's BPF subsystem: load programs with their maps and variables, run
 * and attach them, and share memory with them.
 *
 * | export | is |
 * | ---- | -- |
 * | {@linkcode BpfObject} | an object file that clang made, loaded: its maps, variables and programs, by name |
 * | {@linkcode readObjectFile} | reads what is in an object file, without loading it |
 * | {@linkcode BpfVariable} | a global variable of the programs, live in their memory |
 * | {@linkcode BpfProgram}, {@linkcode BpfLink} | a program, and what it is attached to |
 * | {@linkcode BpfMap} | a map: made, pinned, opened by path, id or descriptor; bytes by `lookup` and `update`, memory by `pointer`, `view` and `elements` |
 * | {@linkcode MapTable}, {@linkcode PerCpuTable}, {@linkcode MapQueue} | a map as plain data: `table`, `perCpu` and `queue` |
 * | {@linkcode RingBuffer}, {@linkcode PerfBuffer} | records that programs write, read in place or copied |
 * | {@linkcode UserRingBuffer} | records that this process writes for programs |
 * | {@linkcode Arena} | memory with pointers in it that both sides follow |
 * | {@linkcode BpfStatistics} | makes the kernel count runs and time of programs |
 * | {@linkcode BpfToken} | a container's substitute for CAP_BPF |
 * | {@linkcode supports} | tests whether this kernel has a type of program or map, a helper, a way to attach |
 * | {@linkcode dateOf}, {@linkcode interfaceName}, {@linkcode formatAddress}, {@linkcode prefixKey}, {@linkcode histogramLines} | times, interfaces, addresses, prefixes and histograms of programs, for people |
 *
 * Objects, maps, programs, links, rings and arenas hold something of the kernel:
 * declare them with `using`, or call `close`. Any use after that throws {@linkcode ClosedError}, and never
 * touches other memory. `info` says what the kernel knows of a map, a program or
 * a link, and `ids` and `fromId` list and open those of the whole system.
 *
 * Run with `--allow-ffi`; importing this opens no library. The `bpf` system call
 * needs the capability CAP_BPF, or CAP_SYS_ADMIN before Linux 5.8; most programs
 * need CAP_NET_ADMIN or CAP_PERFMON besides. Errors say which is missing.
 * `BpfObject.load`, `supports`, `attachedTo` for XDP, and attaching by section,
 * by symbol, to a USDT probe or by tc(8) need `libbpf.so.1`, version 1.1 or later,
 * besides libc.
 *
 * @example Programs: load, attach, read a variable
 * ```ts ignore
 * import { atomic, u64 } from "@hostmem/hostmem";
 * import { BpfObject } from "@hostmem/hostmem/bpf";
 *
 * // u64 hits; const volatile int limit; SEC("raw_tp/sys_enter") int count(…)
 * using object = BpfObject.load("count.bpf.o", { constants: { limit: 10 } });
 * using link = object.program("count").attach();
 * const hits = object.variable("hits", atomic(u64)).pointer();
 * console.log(hits.load()); // no system call: the program's own memory
 * ```
 *
 * @example Maps with memory: arrays made with `mmapable`
 * ```ts
 * import { atomic, HostLayout, struct, SystemError, u64 } from "@hostmem/hostmem";
 * import { BpfMap } from "@hostmem/hostmem/bpf";
 *
 * const Stats = struct("Stats", {
 *   _: HostLayout, // laid out as C lays it out on this host
 *   packets: atomic(u64),
 *   bytes: u64,
 * });
 *
 * try {
 *   using map = BpfMap.create({
 *     type: "array",
 *     valueSize: 16,
 *     maxEntries: 4,
 *     flags: ["mmapable"],
 *   });
 *   const stats = map.pointer(Stats, 3); // the memory that BPF programs use
 *   stats.packets.add(1n);
 *   map.lookup(3); // the same bytes, by way of the system call
 * } catch (error) {
 *   // Without the capability, the message names it.
 *   if (!(error instanceof SystemError && error.code === "EPERM")) throw error;
 *   console.log(error.message);
 * }
 * ```
 *
 * @example Maps without memory, such as hashes: tables of plain data
 * ```ts ignore
 * const flows = map.table({ keyType: Flow, valueType: Stats });
 * flows.set({ address: 0x7f000001, port: 443 }, { bytes: 1n });
 * for (const [flow, { bytes }] of flows) console.log(flow.port, bytes);
 * map.perCpu({ valueType: u64 }).sum(0); // of all CPUs, where each has its own
 * map.entries(); // by the map's own BTF, where it has one
 * map.queue({ valueType: u64 }).pop(); // queues and stacks
 * ```
 *
 * @example Records, from programs and to them
 * ```ts ignore
 * using ring = new RingBuffer(object.map("events"), Event);
 * for await (const { pid, comm } of ring) console.log(pid, comm);
 *
 * using commands = new UserRingBuffer(object.map("commands"));
 * commands.write(Command, { kind: 1, pid: Deno.pid });
 * ```
 *
 * @example Lists and trees: arenas
 * ```ts ignore
 * using arena = new Arena(map); // before the programs that use it are loaded
 * for (let at = head.value; at !== 0n; at = arena.at(Node, at).next) {
 *   console.log(arena.at(Node, at).value);
 * }
 * ```
 *
 * @module
 */

import "../ffi/require_deno.ts";

export { BpfObject } from "./object/object.ts";
export type {
  LoadMapOptions,
  LoadOptions,
  LoadProgramOptions,
  ProgramTarget,
} from "./object/load_options.ts";
export type {
  BpfConstant,
  ConstantsOf,
  EachOf,
  InputsOf,
  MapShape,
  MapsOf,
  ObjectShape,
  PartOf,
  ProgramsOf,
  Telling,
  TypeIn,
  TypesOf,
  UntypedBytes,
  VariablePart,
  VariablesOf,
} from "./object/shape.ts";
export {
  type ObjectFile,
  type ObjectFileMap,
  type ObjectFileProgram,
  type ObjectFileVariable,
  readObjectFile,
} from "./object/object_file.ts";
export {
  type LibbpfLevel,
  type LibbpfMessage,
  onLibbpfMessage,
} from "./libbpf/messages.ts";
export { libbpfVersion } from "./libbpf/functions.ts";
export { preload } from "./preload.ts";
export { type BpfFeature, supports } from "./feature/supports.ts";
export type { HelperName } from "./feature/helper.ts";
export { BpfVariable } from "./variable/variable.ts";
export { BpfProgram } from "./program/program.ts";
export type { ProgramInfo } from "./program/info.ts";
export type {
  ProgramCode,
  ProgramFunction,
  ProgramInstruction,
  ProgramLine,
} from "./program/code.ts";
export type { ProgramStream } from "./program/stream.ts";
export type { ProgramType } from "./program/type.ts";
export type { RunOptions, RunResult } from "./program/run.ts";
export { BpfStatistics } from "./program/statistics.ts";
export { BpfToken, type TokenInfo } from "./token.ts";
export { BpfLink, type UpdateLinkOptions } from "./link/link.ts";
export { BpfIterator } from "./link/iterator.ts";
export type { LinkInfo, LinkTarget } from "./link/info.ts";
export type { LinkType } from "./link/type.ts";
export type { AttachArguments, AttachTarget, LinkOf } from "./link/attach.ts";
export type { AttachCookie } from "./link/target_kind.ts";
export type { AttachCgroup, CgroupTarget } from "./link/targets/cgroup.ts";
export type {
  EventTarget,
  ProbeTarget,
  TracepointTarget,
} from "./link/targets/event_info.ts";
export type { InterfaceTarget } from "./link/targets/network/interface.ts";
export type {
  AttachIterator,
  CgroupOrder,
  IteratorTarget,
} from "./link/targets/iterator.ts";
export type {
  AttachKprobe,
  AttachKsyscall,
} from "./link/targets/probes/kprobe.ts";
export type {
  AttachKprobeMulti,
  KprobeMultiTarget,
} from "./link/targets/probes/kprobe_multi.ts";
export type {
  AttachNetfilter,
  NetfilterTarget,
} from "./link/targets/network/netfilter.ts";
export type { AttachNetns, NetnsTarget } from "./link/targets/network/netns.ts";
export type { AttachOrder } from "./link/targets/order.ts";
export type {
  AttachPerfEvent,
  PerfEvent,
  PerfEventName,
} from "./link/targets/perf_event.ts";
export type {
  AttachRawTracepoint,
  RawTracepointTarget,
} from "./link/targets/raw_tracepoint.ts";
export type { AttachTc, TcTarget } from "./link/targets/network/tc.ts";
export type { OtherNetns } from "./link/targets/network/within.ts";
export type { AttachNetkit, AttachTcx } from "./link/targets/network/tcx.ts";
export type { AttachTracepoint } from "./link/targets/tracepoint.ts";
export type { AttachTracing, TracingTarget } from "./link/targets/tracing.ts";
export type { AttachUprobe } from "./link/targets/probes/uprobe.ts";
export type {
  AttachUprobeMulti,
  UprobeMultiTarget,
} from "./link/targets/probes/uprobe_multi.ts";
export type { AttachUsdt } from "./link/targets/probes/usdt.ts";
export type { AttachXdp } from "./link/targets/network/xdp.ts";
export type {
  AttachSockmap,
  SockmapAttachType,
  SockmapTarget,
} from "./link/targets/sockmap.ts";
export type {
  AttachReuseport,
  AttachSocketFilter,
  SocketTarget,
} from "./link/targets/socket.ts";
export type { StructOpsTarget } from "./link/struct_ops.ts";
export type {
  Attached,
  AttachedEntry,
  AttachmentPlace,
  PlaceInCgroup,
  PlaceInNetkit,
  PlaceInNetns,
  PlaceInSockmap,
  PlaceInTc,
  PlaceInTcx,
  PlaceInXdp,
} from "./link/attached_to.ts";
export type { AttachType } from "./link/attach_type.ts";
export { attachToCpus, BpfLinks, type EventOfCpus } from "./link/cpus.ts";
export type { HasDescriptor, KernelObject } from "./kernel_object.ts";
export { BpfMap } from "./map/map.ts";
export type {
  CreateMapOptions,
  LockOptions,
  OpenMapOptions,
  UpdateMode,
} from "./map/options.ts";
export type { MapType, PerCpuMapType } from "./map/type.ts";
export type { MapFlag } from "./map/flag.ts";
export type { MapInfo } from "./map/info.ts";
export {
  type BatchOptions,
  type MapBatch,
  MapCursor,
} from "./map/entries/map_batches.ts";
export type {
  EntryValue,
  MapTable,
  MapTypes,
  PerCpuTable,
  PerCpuTableOf,
  Storable,
  TableOf,
} from "./map/entries/table.ts";
export type { FilterOf, MapFilter } from "./map/entries/filter.ts";
export type { MapQueue, PushOptions, QueueOf } from "./map/entries/queue.ts";
export type { MapElements, MapElementViews } from "./map/elements.ts";
export {
  type CallbackOf,
  type ConsumeOptions,
  type ForEachOptions,
  type RecordOf,
  type RecordsOptions,
  RecordSource,
  type UntypedRecord,
} from "./ring/record_source.ts";
export { RingBuffer, type RingBufferOptions } from "./ring/ring_buffer.ts";
export { RingRecord } from "./ring/record.ts";
export { type ReadyOptions, UserRingBuffer } from "./ring/user/buffer.ts";
export { UserRingRecord } from "./ring/user/record.ts";
export { PerfBuffer, type PerfBufferOptions } from "./ring/perf_buffer.ts";
export { Arena, type ArenaOptions } from "./arena/arena.ts";
export {
  histogramLines,
  type HistogramOptions,
  log2Bucket,
} from "./histogram.ts";
export { formatAddress, parseAddress, parseIpv4 } from "./network/address.ts";
export {
  formatPrefixKey,
  parsePrefix,
  type Prefix,
  prefixKey,
} from "./network/prefix.ts";
export { interfaceIndex, interfaceName } from "../ffi/calls/interfaces.ts";
export {
  dateOf,
  epochNanoseconds,
  type KernelClock,
  kernelTime,
} from "../ffi/calls/clocks.ts";
export { onlineCpus, possibleCpus } from "../ffi/calls/cpus.ts";
export {
  AlignmentError,
  BoundsError,
  BtfError,
  ClosedError,
  InvalidObjectError,
  InvalidTypeError,
  NotSupportedError,
  ReadOnlyError,
  SystemError,
  type SystemErrorInit,
  VerifierError,
  type VerifierErrorInit,
} from "../errors.ts";
