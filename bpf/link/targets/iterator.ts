/** Iterators over objects of the kernel. */

import { EACCES, EINVAL } from "../../../ffi/mod.ts";
import { type OptionNames, requireU32 } from "../../../base/arguments.ts";
import { show } from "../../../base/show.ts";
import { Block } from "../../../ffi/block.ts";
import type { Descriptor } from "../../../ffi/descriptor.ts";
import { SIZE } from "../../../ffi/bpf/attributes.ts";
import {
  HostLayout,
  pointer,
  sizeOf,
  struct,
  u32,
  u64,
} from "../../../layout/mod.ts";
import { descriptorOf, type HasDescriptor } from "../../kernel_object.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { type AttachPoint, createLink, requireType } from "../commands.ts";
import type { TargetKind } from "../target_kind.ts";
import type { RawLinkInfo } from "../type.ts";
import { withTarget } from "./descriptor.ts";

/**
 * An iterator's walk: {@linkcode BpfIterator.read} runs the program once for
 * each object of the kernel of the kind that it was loaded for (Linux 5.8).
 */
export interface AttachIterator {
  /** The kind of target. */
  readonly kind: "iterator";
  /** The map whose elements it goes over, of programs for elements. */
  readonly map?: HasDescriptor | undefined;
  /** The process whose threads it goes over, of programs for tasks (Linux 6.1). */
  readonly pid?: number | undefined;
  /** The only thread that it goes over, of programs for tasks (Linux 6.1). */
  readonly tid?: number | undefined;
  /**
   * The control group that it begins at, of programs for control groups (Linux
   * 6.1): the path of its directory, a `file:` URL, or a descriptor of it.
   */
  readonly cgroup?: string | URL | number | undefined;
  /** The groups that it goes over from there; those below, by default. */
  readonly order?: CgroupOrder | undefined;
}

/**
 * The control groups that an iterator goes over: the one alone; it and those
 * below, parents first or last; it and those above.
 */
export type CgroupOrder =
  | "self"
  | "descendants_pre"
  | "descendants_post"
  | "ancestors_up";

/** `linux/bpf.h`, `enum bpf_cgroup_iter_order`, each at its number from 1. */
const orders: readonly CgroupOrder[] = [
  "self",
  "descendants_pre",
  "descendants_post",
  "ancestors_up",
];

/** The objects that an iterator goes over. */
export interface IteratorTarget {
  /** The kind of target. */
  readonly kind: "iterator";
  /** Its name: `"task"`, `"bpf_map_elem"`. */
  readonly name: string;
  /** The id of the map whose elements it goes over; 0 for none. */
  readonly mapId: number;
}

const options = {
  kind: true,
  map: true,
  pid: true,
  tid: true,
  cgroup: true,
  order: true,
} as const satisfies OptionNames<AttachIterator>;

const point: AttachPoint = {
  name: "an iterator",
  since: [5, 8],
  types: ["tracing"],
  capability: "CAP_PERFMON",
  causes: {
    [EINVAL]:
      "the program may not be for an iterator, or for one of another kind, or want a map of another kind or size",
    [EACCES]:
      "the program reads or writes more than a key or a value of the map has",
  },
};

/** Two members of `union bpf_iter_link_info` (`linux/bpf.h`). */
const TaskInfo = struct("task", {
  _: HostLayout,
  /** Or the descriptor of a map. */
  tid: u32,
  pid: u32,
  pidFd: u32,
  unused: u32,
});

/** A member of `union bpf_iter_link_info` (`linux/bpf.h`). */
const CgroupInfo = struct("cgroup", {
  _: HostLayout,
  order: u32,
  fd: u32,
  id: u64,
});

/** Attaches an iterator over control groups. */
function attachToGroups(
  program: UsedProgram,
  cgroup: string | URL | number,
  order: CgroupOrder = "descendants_pre",
): Descriptor {
  const number = 1 + orders.indexOf(order);
  if (number === 0) {
    throw new TypeError(
      `Order must be one of ${orders.map(show).join(", ")}: received ${
        show(order)
      }`,
    );
  }
  return withTarget("Control group", cgroup, (fd) => {
    const block = new Block(sizeOf(CgroupInfo));
    const info = pointer(CgroupInfo, block.buffer);
    info.order = number;
    info.fd = fd;
    return linkWith(program, block);
  });
}

/** Makes the link of an iterator that is told what to go over. */
function linkWith(program: UsedProgram, block: Block): Descriptor {
  return createLink({
    program,
    point,
    target: 0,
    attachType: "trace_iter",
    size: SIZE.linkCreateIterator,
    fill: ({ iterator }) => {
      iterator.address = block.address;
      iterator.length = block.bytes.length;
    },
  });
}

/** Attaching an iterator. */
export const iterator: TargetKind<AttachIterator> = {
  options,
  attach(program, { map, pid, tid, cgroup, order }) {
    requireType(program, point);
    if (cgroup !== undefined) {
      if ((map ?? pid ?? tid) !== undefined) {
        throw new TypeError(
          "Option cgroup excludes map, pid and tid: they are of different kinds of iterator",
        );
      }
      return attachToGroups(program, cgroup, order);
    }
    if (order !== undefined) {
      throw new TypeError(
        "Option order is of control groups: pass cgroup as well",
      );
    }
    if (map !== undefined && (pid ?? tid) !== undefined) {
      throw new TypeError(
        "Option map excludes pid and tid: they are of different kinds of iterator",
      );
    }
    const second = pid === undefined ? 0 : requireU32("Process", pid, 1);
    const first = map !== undefined
      ? descriptorOf("Map", "map", map)
      : tid === undefined
      ? 0
      : requireU32("Thread", tid, 1);
    const request = {
      program,
      point,
      target: 0,
      attachType: "trace_iter",
    } as const;
    if (first === 0 && second === 0) return createLink(request);
    const block = new Block(sizeOf(TaskInfo));
    const info = pointer(TaskInfo, block.buffer);
    info.tid = first;
    info.pid = second;
    return linkWith(program, block);
  },
};

const Detail = struct("iterator", {
  _: HostLayout,
  name: u64,
  length: u32,
  mapId: u32,
});

/** Reads the target of an iterator. */
export function readIterator(raw: RawLinkInfo): IteratorTarget {
  const { mapId } = raw.detail(Detail);
  const name = raw.text(Detail, (detail, { address, size }) => {
    detail.name = address;
    detail.length = size;
  });
  return { kind: "iterator", name, mapId };
}
