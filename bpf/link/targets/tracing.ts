/** Attaching to tracepoints and functions of the kernel, and iterators. */

import { EACCES, EBUSY, EINVAL, ENOENT } from "../../../ffi/mod.ts";
import {
  HostLayout,
  pointer,
  sizeOf,
  struct,
  u32,
} from "../../../layout/mod.ts";
import {
  requireText,
  requireU32,
  requireU64,
} from "../../../base/arguments.ts";
import { descriptorOf } from "../../kernel_object.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { clearAttributes, run, SIZE } from "../../../ffi/bpf/attributes.ts";
import { scratchBlock, withText } from "../../../ffi/block.ts";
import { checkedLink, createLink, requireType, type Way } from "../create.ts";
import type {
  AttachIterator,
  AttachRawTracepoint,
  AttachTracing,
} from "../attach_target.ts";

const rawTracepoint: Way = {
  name: "a raw tracepoint",
  since: [4, 17],
  types: ["raw_tracepoint", "raw_tracepoint_writable"],
  capability: "CAP_PERFMON",
  hints: {
    [ENOENT]: "the kernel has no tracepoint of that name",
    [EINVAL]:
      "the program reads more arguments than the tracepoint has, or the kernel does not know what was asked for",
  },
};

const tracing: Way = {
  name: "what it was loaded for",
  since: [5, 5],
  types: ["tracing", "lsm", "ext"],
  capability: "CAP_PERFMON",
  hints: {
    [EBUSY]: "as many programs are attached there as can be",
    [EINVAL]: "what the program was loaded for cannot be attached to so",
  },
};

const iterator: Way = {
  name: "an iterator",
  since: [5, 8],
  types: ["tracing"],
  capability: "CAP_PERFMON",
  hints: {
    [EINVAL]:
      "the program was not loaded for an iterator, or for one of another kind, or wants a map of another kind or size",
    [EACCES]:
      "the program reads or writes more than a key or a value of the map has",
  },
};

/** Opens a tracepoint; 0 for the name is what the program was loaded for. */
function openTracepoint(
  program: UsedProgram,
  way: Way,
  name: bigint,
  cookie: bigint,
): number {
  const { rawTracepoint } = clearAttributes();
  rawTracepoint.progFd = program.open();
  rawTracepoint.name = name;
  rawTracepoint.cookie = cookie;
  const size = cookie === 0n ? SIZE.rawTracepoint : SIZE.rawTracepointCookie;
  const command = "BPF_RAW_TRACEPOINT_OPEN";
  return checkedLink(command, run(command, size), way);
}

/** What `bpf_get_attach_cookie()` shall give. */
export function cookieOf(cookie: unknown): bigint {
  return cookie === undefined ? 0n : requireU64("Cookie", cookie);
}

/** Attaches to a raw tracepoint: the link's descriptor. */
export function attachRawTracepoint(
  program: UsedProgram,
  options: AttachRawTracepoint,
): number {
  requireType(program, rawTracepoint);
  const { name: given } = options;
  const cookie = cookieOf(options.cookie);
  const name = requireText("Name of a tracepoint", given);
  const way = cookie === 0n ? rawTracepoint : {
    ...rawTracepoint,
    name: "a raw tracepoint with a cookie",
    since: [6, 10] as const,
  };
  const hints = {
    ...way.hints,
    [ENOENT]: `the kernel has no tracepoint "${name}"`,
  };
  return withText(
    name,
    (address) => openTracepoint(program, { ...way, hints }, address, cookie),
  );
}

/** Attaches to what a program was loaded for: the link's descriptor. */
export function attachTracing(
  program: UsedProgram,
  _options: AttachTracing,
): number {
  requireType(program, tracing);
  return openTracepoint(program, tracing, 0n, 0n);
}

/** Two members of `union bpf_iter_link_info` (`linux/bpf.h`). */
const TaskInfo = struct("task", {
  _: HostLayout,
  /** Or the descriptor of a map. */
  tid: u32,
  pid: u32,
  pidFd: u32,
  unused: u32,
});

/** Attaches an iterator: the link's descriptor. */
export function attachIterator(
  program: UsedProgram,
  options: AttachIterator,
): number {
  requireType(program, iterator);
  const { map, pid, tid } = options;
  const given = map === undefined ? undefined : descriptorOf("Map", "map", map);
  if (given !== undefined && (pid ?? tid) !== undefined) {
    throw new TypeError(
      "Option map excludes pid and tid: they are of different kinds of iterator",
    );
  }
  const first = given !== undefined
    ? given
    : tid === undefined
    ? 0
    : requireU32("Thread", tid, 1);
  const second = pid === undefined ? 0 : requireU32("Process", pid, 1);
  if (first === 0 && second === 0) {
    return createLink({
      program,
      way: iterator,
      target: 0,
      attachType: "trace_iter",
    });
  }
  const payload = scratchBlock(sizeOf(TaskInfo));
  const info = pointer(TaskInfo, payload.buffer);
  info.tid = first;
  info.pid = second;
  info.pidFd = 0;
  info.unused = 0;
  return createLink({
    program,
    way: iterator,
    target: 0,
    attachType: "trace_iter",
    size: SIZE.linkCreateIterator,
    fill: ({ iterator }) => {
      iterator.address = payload.address;
      iterator.length = sizeOf(TaskInfo);
    },
  });
}
