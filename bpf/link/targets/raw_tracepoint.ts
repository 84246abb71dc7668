/** Raw tracepoints of the kernel. */

import { EINVAL, ENOENT } from "../../../ffi/mod.ts";
import { type OptionNames, requireText } from "../../../base/arguments.ts";
import { withText } from "../../../ffi/block.ts";
import { HostLayout, struct, u32, u64 } from "../../../layout/mod.ts";
import { type AttachPoint, openTracepoint, requireType } from "../commands.ts";
import {
  type AttachCookie,
  cookieOf,
  type TargetKind,
} from "../target_kind.ts";
import type { RawLinkInfo } from "../type.ts";

/** A tracepoint of the kernel, with its arguments as they are (Linux 4.17). */
export interface AttachRawTracepoint extends AttachCookie {
  /** The kind of target. */
  readonly kind: "raw_tracepoint";
  /** Its name, without a category: `"sched_switch"`. */
  readonly name: string;
}

/** A raw tracepoint. */
export interface RawTracepointTarget {
  /** The kind of target. */
  readonly kind: "raw_tracepoint";
  /** Its name, without a category: `"sched_switch"`. */
  readonly name: string;
}

const options = {
  kind: true,
  name: true,
  cookie: true,
} as const satisfies OptionNames<AttachRawTracepoint>;

const point: AttachPoint = {
  name: "a raw tracepoint",
  since: [4, 17],
  types: ["raw_tracepoint", "raw_tracepoint_writable"],
  capability: "CAP_PERFMON",
  causes: {
    [EINVAL]:
      "the program may read more arguments than the tracepoint has, or the kernel does not know what was asked for",
  },
};

const withCookie: AttachPoint = {
  ...point,
  name: "a raw tracepoint with a cookie",
  since: [6, 10],
};

/** Attaching to a raw tracepoint. */
export const rawTracepoint: TargetKind<AttachRawTracepoint> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const cookie = cookieOf(given.cookie);
    const name = requireText("Name of a tracepoint", given.name);
    const known = cookie === 0n ? point : withCookie;
    const causes = {
      ...known.causes,
      [ENOENT]: `the kernel has no tracepoint "${name}"`,
    };
    return withText(
      name,
      (address) =>
        openTracepoint(program, { ...known, causes }, address, cookie),
    );
  },
};

/** The part of the info that raw tracepoints and iterators have first. */
const Detail = struct("raw_tracepoint", {
  _: HostLayout,
  name: u64,
  length: u32,
});

/** Reads the target of a link to a raw tracepoint. */
export function readRawTracepoint(raw: RawLinkInfo): RawTracepointTarget {
  const name = raw.text(Detail, (detail, { address, size }) => {
    detail.name = address;
    detail.length = size;
  });
  return { kind: "raw_tracepoint", name };
}
