/**
 * The kernel's BPF subsystem: load programs with their maps and variables, run
 * and attach them, and share memory with them.
 *
 * | what | is |
 * | ---- | -- |
 * | {@linkcode BpfObject} | an object file that clang made, loaded: its maps, variables and programs, by name |
 * | {@linkcode BpfVariable} | a global variable of the programs, live in their memory |
 * | {@linkcode BpfProgram}, {@linkcode BpfLink} | a program, and what it is attached to |
 * | {@linkcode BpfMap} | a map: made, pinned, opened by path, id or descriptor; bytes by `lookup` and `update`, memory by `pointer`, `view` and `values` |
 * | {@linkcode MapTable}, {@linkcode PerCpuTable}, {@linkcode MapQueue} | a map as plain data: `table`, `perCpu` and `queue` |
 * | {@linkcode RingBuffer}, {@linkcode PerfBuffer} | records that programs write, read in place or copied |
 * | {@linkcode UserRingBuffer} | records that this process writes for programs |
 * | {@linkcode Arena} | memory with pointers in it that both sides follow |
 * | {@linkcode BpfStatistics} | has the kernel count runs and time of programs |
 *
 * All of them hold something of the kernel's: declare them with `using`, or call
 * `close`. What is used after that throws {@linkcode ClosedError}, and never
 * touches other memory. `info` says what the kernel knows of a map, a program or
 * a link, and `ids` and `fromId` list and open those of the whole system.
 *
 * Run with `--allow-ffi`; importing this opens no library. The `bpf` system call
 * wants the capability CAP_BPF, or CAP_SYS_ADMIN before Linux 5.8, and what is
 * attached CAP_NET_ADMIN or CAP_PERFMON besides. Errors say which is missing.
 * Only `BpfObject.load`, attaching by section, symbol or USDT probe take more
 * than libc: `libbpf.so.1`, version 1.1 or later.
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
 *   const stats = map.pointer(3, Stats); // the memory that BPF programs use
 *   stats.packets.add(1n);
 *   map.lookup(3); // the same bytes, by way of the system call
 * } catch (error) {
 *   // Who may not make BPF maps is told which capability that takes.
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
 * using arena = Arena.map(map); // before the programs that use it are loaded
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
} from "./object/load_options.ts";
export {
  type LibbpfLevel,
  type LibbpfMessage,
  onLibbpfMessage,
} from "../ffi/libbpf_messages.ts";
export { preload } from "./preload.ts";
export { BpfVariable } from "./object/variable.ts";
export { BpfProgram } from "./program/program.ts";
export type { ProgramInfo } from "./program/program_info.ts";
export type { ProgramType } from "./program/program_type.ts";
export type { RunOptions, RunResult } from "./program/run.ts";
export { BpfStatistics } from "./program/statistics.ts";
export { BpfLink, type UpdateLinkOptions } from "./link/link.ts";
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
} from "./link/link_info.ts";
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
} from "./link/attach_target.ts";
export type { AttachType } from "./link/attach_type.ts";
export { BpfMap } from "./map/map.ts";
export type {
  CreateMapOptions,
  OpenMapOptions,
  UpdateMode,
  ValuesOptions,
} from "./map/map_options.ts";
export type { MapType } from "./map/map_type.ts";
export type { MapFlag } from "./map/map_flag.ts";
export type { MapInfo } from "./map/map_info.ts";
export type {
  MapTable,
  MapTypes,
  PerCpuTable,
  PerCpuTableOf,
  Storable,
  TableOf,
} from "./map/map_table.ts";
export type { MapQueue, PushOptions, QueueOf } from "./map/map_queue.ts";
export type { MapValues, ReadonlyMapValues } from "./map/map_values.ts";
export {
  type ConsumeOptions,
  type RecordOf,
  type RecordsOptions,
  RingBuffer,
  type RingBufferOptions,
  type UntypedRecord,
} from "./ring/ring_buffer.ts";
export { RingRecord } from "./ring/ring_record.ts";
export { type ReadyOptions, UserRingBuffer } from "./ring/user_ring_buffer.ts";
export { UserRingRecord } from "./ring/user_ring_record.ts";
export { PerfBuffer, type PerfBufferOptions } from "./ring/perf_buffer.ts";
export { Arena, type ArenaOptions } from "./arena/arena.ts";
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
