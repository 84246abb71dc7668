/**
 * The kernel's BPF subsystem: load programs with their maps and variables, make,
 * open and read maps, map the memory of those that can be mapped, and read the
 * records of ring buffers in place.
 *
 * ```ts ignore
 * import { atomic, HostLayout, struct, u64 } from "@hostmem/hostmem";
 * import { BpfMap } from "@hostmem/hostmem/bpf";
 *
 * const Stats = struct("Stats", {
 *   _: HostLayout, // laid out as C lays it out on this host
 *   packets: atomic(u64),
 *   bytes: u64,
 * });
 *
 * using map = BpfMap.create({
 *   type: "array",
 *   valueSize: 16,
 *   maxEntries: 4,
 *   flags: ["mmapable"],
 * });
 * const stats = map.pointer(3, Stats); // the memory that BPF programs use
 * stats.packets.add(1n);
 * map.lookup(3); // the same bytes, by way of the system call
 * ```
 *
 * Maps without memory, such as hashes, are tables of plain data:
 *
 * ```ts ignore
 * const flows = map.table({ keyType: Flow, valueType: Stats });
 * flows.set({ address: 0x7f000001, port: 443 }, { bytes: 1n });
 * for (const [flow, { bytes }] of flows) console.log(flow.port, bytes);
 * map.perCpu({ valueType: u64 }).sum(0); // of all CPUs, where each has its own
 * map.entries(); // by the map's own BTF, where it has one
 * ```
 *
 * Run with `--allow-ffi`. The `bpf` system call wants the capability CAP_BPF,
 * or CAP_SYS_ADMIN before Linux 5.8.
 *
 * @module
 */

export type {
  AttachCgroup,
  AttachCookie,
  AttachIterator,
  AttachNetfilter,
  AttachNetns,
  AttachOrder,
  AttachPerfEvent,
  AttachRawTracepoint,
  AttachTarget,
  AttachTcx,
  AttachTracepoint,
  AttachTracing,
  AttachUprobe,
  AttachUsdt,
  AttachXdp,
  PerfEvent,
  PerfEventName,
} from "./attach_target.ts";
export type { AttachType } from "./attach_type.ts";
export type {
  CgroupTarget,
  EventTarget,
  InterfaceTarget,
  IteratorTarget,
  LinkInfo,
  LinkTarget,
  LinkType,
  NetfilterTarget,
  NetnsTarget,
  ProbeTarget,
  RawTracepointTarget,
  TracepointTarget,
  TracingTarget,
} from "./link_info.ts";
export { BpfLink, type UpdateLinkOptions } from "./link.ts";
export {
  type LibbpfLevel,
  type LibbpfMessage,
  onLibbpfMessage,
} from "../ffi/libbpf_messages.ts";
export type { LoadOptions } from "./load_options.ts";
export { Arena, type ArenaOptions } from "./arena.ts";
export type { MapFlag } from "./map_flag.ts";
export type { MapInfo } from "./map_info.ts";
export type { LoadMapOptions } from "./load_map_options.ts";
export type { MapType } from "./map_type.ts";
export type { MapValues, ReadonlyMapValues } from "./map_values.ts";
export { BpfMap } from "./map.ts";
export type {
  CreateMapOptions,
  OpenMapOptions,
  UpdateMode,
  ValuesOptions,
} from "./map_options.ts";
export type { MapQueue, PushOptions, QueueOf } from "./map_queue.ts";
export type {
  MapTable,
  MapTypes,
  PerCpuTable,
  PerCpuTableOf,
  Storable,
  TableOf,
} from "./map_table.ts";
export { BpfObject } from "./object.ts";
export type { LoadProgramOptions } from "./load_program_options.ts";
export { BpfVariable } from "./variable.ts";
export type { ProgramInfo } from "./program_info.ts";
export type { ProgramType } from "./program_type.ts";
export { BpfProgram } from "./program.ts";
export type { RunOptions, RunResult } from "./run.ts";
export { BpfStatistics } from "./statistics.ts";
export { PerfBuffer, type PerfBufferOptions } from "./perf_buffer.ts";
export {
  type ConsumeOptions,
  type RecordOf,
  type RecordsOptions,
  RingBuffer,
  type RingBufferOptions,
} from "./ring_buffer.ts";
export { RingRecord } from "./ring_record.ts";
export { type ReadyOptions, UserRingBuffer } from "./user_ring_buffer.ts";
export { UserRingRecord } from "./user_ring_record.ts";
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
  VerifierError,
} from "../errors.ts";
