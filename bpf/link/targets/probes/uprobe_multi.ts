/** Many functions of a program or library at once. */

import {
  cString,
  EINVAL,
  ENOENT,
  ESRCH,
  systemError,
} from "../../../../ffi/mod.ts";
import {
  type OptionNames,
  requireOffset,
  requireText,
  requireU32,
} from "../../../../base/arguments.ts";
import { show } from "../../../../base/show.ts";
import { Block } from "../../../../ffi/block.ts";
import { SIZE } from "../../../../ffi/bpf/attributes.ts";
import type { UsedProgram } from "../../../program/used_program.ts";
import type { Causes } from "../../../../ffi/errno/causes.ts";
import { type AttachPoint, requireType } from "../../commands.ts";
import { HostLayout, struct, u32, u64 } from "../../../../layout/mod.ts";
import { otherProbes } from "../../loaded_for.ts";
import type { TargetKind } from "../../target_kind.ts";
import type { RawLinkInfo } from "../../type.ts";
import { functionOffsets, matchingOffsets } from "./elf_symbols.ts";
import {
  attachToMany,
  cookiesOf,
  listOf,
  type ManyRequest,
  momentsOf,
  packed,
  requireOneWay,
} from "./many.ts";
import { processOf } from "../event.ts";
import { programFile } from "./program_file.ts";
import { attachAt, counterMistake } from "./uprobe.ts";

/**
 * Many functions of a program or library at once. Where the kernel has links of
 * many functions (Linux 6.6) and the program was loaded for one
 * (`SEC("uprobe.multi")`), that is one link; else as many links as functions, which
 * are closed together.
 */
export interface AttachUprobeMulti {
  /** The kind of target. */
  readonly kind: "uprobe_multi";
  /** The file, as for `uprobe`. */
  readonly path: string | URL;
  /** The names of the functions, as for `uprobe`. */
  readonly functions?: readonly string[] | undefined;
  /**
   * A pattern that their names match, in place of `functions`: `"pthread_*"`. `*`
   * stands for any text, `?` for one character.
   */
  readonly pattern?: string | undefined;
  /** Their offsets in the file, in bytes, in place of `functions`. */
  readonly offsets?: readonly number[] | undefined;
  /** A cookie for each of `functions` or `offsets`, in their order. */
  readonly cookies?: readonly bigint[] | undefined;
  /** The only process; by default all, also those yet to begin. */
  readonly pid?: number | undefined;
  /** True for where they return, in place of where they begin. */
  readonly return?: boolean | undefined;
  /**
   * True to run the program at both (Linux 6.13): the value it returns at the
   * beginning, 0 or 1, decides whether it is run at the return, and
   * `bpf_session_is_return()` tells it which of the two it is. The program must
   * have been loaded with attach type `"trace_uprobe_session"`; then it is the
   * default.
   */
  readonly session?: boolean | undefined;
  /** The counter of each of `functions` or `offsets`, as for `uprobe`. */
  readonly refCounterOffsets?: readonly number[] | undefined;
}

/** Many functions of a program or library. */
export interface UprobeMultiTarget {
  /** The kind of target. */
  readonly kind: "uprobe_multi";
  /** The path of the file. */
  readonly path: string;
  /** The number of functions. */
  readonly count: number;
  /** True if the program is run where they return. */
  readonly return: boolean;
  /** The only process; undefined for all. */
  readonly pid: number | undefined;
}

const options = {
  kind: true,
  path: true,
  functions: true,
  pattern: true,
  offsets: true,
  cookies: true,
  pid: true,
  return: true,
  session: true,
  refCounterOffsets: true,
} as const satisfies OptionNames<AttachUprobeMulti>;

const point: AttachPoint = {
  name: "many functions of a program",
  since: [6, 6],
  types: ["kprobe"],
  capability: "CAP_PERFMON",
  causes: {},
};

/** `linux/bpf.h` */
const BPF_F_UPROBE_MULTI_RETURN = 1;

/** Places in a file to be probed. */
interface Places {
  readonly path: string;
  readonly offsets: readonly number[];
  /** One for each place; empty for none. */
  readonly cookies: readonly bigint[];
  /** The offsets of counters; one for each place, or empty for none. */
  readonly counters: readonly number[];
  readonly returns: boolean;
  readonly session: boolean;
  readonly pid: number;
}

/** Attaching to many functions of a program. */
export const uprobeMulti: TargetKind<AttachUprobeMulti> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const pid = processOf(given.pid);
    const { pattern } = given;
    const functions = listOf("functions", given.functions);
    const offsets = listOf("offsets", given.offsets);
    requireOneWay({ functions, pattern, offsets });
    const { returns, session } = momentsOf(program, given);
    const names = functions?.map((name) => requireText("Function", name));
    offsets?.forEach(requireOffset);
    const cookies = cookiesOf(given.cookies, (functions ?? offsets)?.length);
    const counters = countersOf(given.refCounterOffsets, functions ?? offsets);
    const path = programFile(given.path);
    const found = names !== undefined
      ? functionOffsets(path, names)
      : offsets !== undefined
      ? [...offsets]
      : matchingOffsets(path, requireText("Pattern", pattern));
    if (found.length === 0) {
      throw systemError(
        ENOENT,
        "symbol look-up",
        `there is no function in "${path}" that matches ${
          show(pattern ?? functions ?? offsets)
        }`,
      );
    }
    const places = {
      path,
      offsets: found,
      cookies,
      counters,
      returns,
      session,
      pid,
    };
    const request = requestOf(program, places);
    return attachToMany(
      request,
      session,
      found,
      (offset, i) =>
        attachAt(program, {
          path,
          offset,
          returns,
          pid,
          cookie: cookies[i] ?? 0n,
          counter: counters[i] ?? 0,
        }),
    );
  },
};

/** The offsets of counters; empty for none. @throws {RangeError} */
function countersOf(
  given: readonly number[] | undefined,
  places: readonly unknown[] | undefined,
): readonly number[] {
  const offsets = listOf("refCounterOffsets", given);
  if (offsets === undefined) return [];
  for (const offset of offsets) requireU32("Offset of a counter", offset, 0);
  if (offsets.length === places?.length) return offsets;
  throw new RangeError(
    `There must be an offset of a counter for each of the functions or offsets that are given: received ${offsets.length} and ${
      places === undefined ? "a pattern" : `${places.length} functions`
    }`,
  );
}

/** The link of all places. */
function requestOf(program: UsedProgram, places: Places): ManyRequest {
  const { path, offsets, cookies, counters, returns, session, pid } = places;
  const file = Block.of(cString(path));
  const numbers = Block.of(packed(offsets.map(BigInt)));
  const cookieBlock = Block.of(packed(cookies));
  const counterBlock = Block.of(packed(counters.map(BigInt)));
  const addressOf = (block: Block) =>
    block.bytes.length === 0 ? 0n : block.address;
  const attachType = session ? "trace_uprobe_session" : "trace_uprobe_multi";
  const causes: Causes = {
    [EINVAL]: () =>
      counters.map(counterMistake).find((mistake) => mistake !== undefined) ??
        otherProbes(program, attachType) ??
        `there may be no instruction at one of the offsets in "${path}"`,
    [ESRCH]: `there is no process ${pid}`,
  };
  return {
    program,
    point: { ...point, causes },
    target: 0,
    attachType,
    size: SIZE.linkCreateUprobeMulti,
    fill: ({ uprobeMulti }) => {
      uprobeMulti.path = file.address;
      uprobeMulti.offsets = numbers.address;
      uprobeMulti.refCounterOffsets = addressOf(counterBlock);
      uprobeMulti.cookies = addressOf(cookieBlock);
      uprobeMulti.count = offsets.length;
      uprobeMulti.flags = returns ? BPF_F_UPROBE_MULTI_RETURN : 0;
      uprobeMulti.pid = Math.max(pid, 0);
    },
    blocks: [file, numbers, cookieBlock, counterBlock],
  };
}

const Detail = struct("uprobe_multi", {
  _: HostLayout,
  path: u64,
  offsets: u64,
  refCounterOffsets: u64,
  cookies: u64,
  length: u32,
  count: u32,
  flags: u32,
  pid: u32,
});

/** Reads the target of a link of many functions of a program (Linux 6.8). */
export function readUprobeMulti(
  raw: RawLinkInfo,
): UprobeMultiTarget | undefined {
  const path = raw.text(Detail, (detail, { address, size }) => {
    detail.path = address;
    detail.length = size;
  });
  const { count, flags, pid } = raw.detail(Detail);
  if (count === 0) return undefined;
  return {
    kind: "uprobe_multi",
    path,
    count,
    return: (flags & BPF_F_UPROBE_MULTI_RETURN) !== 0,
    pid: pid || undefined,
  };
}
