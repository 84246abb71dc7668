/** Many functions of the kernel at once. */

import { cString, EINVAL, EOPNOTSUPP, ESRCH } from "../../../../ffi/mod.ts";
import { type OptionNames, requireText } from "../../../../base/arguments.ts";
import { Block } from "../../../../ffi/block.ts";
import { SIZE } from "../../../../ffi/bpf/attributes.ts";
import type { Causes } from "../../../../ffi/errno/causes.ts";
import { type AttachPoint, requireType } from "../../commands.ts";
import { HostLayout, struct, u32, u64 } from "../../../../layout/mod.ts";
import { otherProbes } from "../../loaded_for.ts";
import type { TargetKind } from "../../target_kind.ts";
import type { RawLinkInfo } from "../../type.ts";
import { matchingFunctions, probedFunctions } from "./kernel_functions.ts";
import { attachAt } from "./kprobe.ts";
import {
  attachToMany,
  cookiesOf,
  listOf,
  type ManyRequest,
  momentsOf,
  packed,
  requireOneWay,
} from "./many.ts";

/**
 * Many functions of the kernel at once. Where the kernel has links of many
 * functions (Linux 5.18, with CONFIG_FPROBE) and the program was loaded for one
 * (`SEC("kprobe.multi")`), that is one link; else as many links as functions, which
 * are closed together.
 */
export interface AttachKprobeMulti {
  /** The kind of target. */
  readonly kind: "kprobe_multi";
  /** The names of the functions, as for `kprobe`; each once. */
  readonly functions?: readonly string[] | undefined;
  /**
   * A pattern that their names match, in place of `functions`: `"vfs_*"`. `*`
   * stands for any text, `?` for one character. Of functions of one name the
   * kernel takes one.
   */
  readonly pattern?: string | undefined;
  /** A cookie for each of `functions`, in their order. */
  readonly cookies?: readonly bigint[] | undefined;
  /** True for where they return, in place of where they begin. */
  readonly return?: boolean | undefined;
  /**
   * True to run the program at both (Linux 6.10): the value it returns at the
   * beginning, 0 or 1, decides whether it is run at the return, and
   * `bpf_session_is_return()` tells it which of the two it is. The program must
   * have been loaded with attach type `"trace_kprobe_session"`; then it is the
   * default.
   */
  readonly session?: boolean | undefined;
}

/** Many functions of the kernel. */
export interface KprobeMultiTarget {
  /** The kind of target. */
  readonly kind: "kprobe_multi";
  /** The number of functions. */
  readonly count: number;
  /** True if the program is run where they return. */
  readonly return: boolean;
}

const options = {
  kind: true,
  functions: true,
  pattern: true,
  cookies: true,
  return: true,
  session: true,
} as const satisfies OptionNames<AttachKprobeMulti>;

/** `linux/bpf.h` */
const BPF_F_KPROBE_MULTI_RETURN = 1;

const point: AttachPoint = {
  name: "many functions of the kernel",
  since: [5, 18],
  types: ["kprobe"],
  capability: "CAP_PERFMON",
  causes: {
    [EOPNOTSUPP]: "the kernel has no probes of many functions (CONFIG_FPROBE)",
  },
};

/** Attaching to many functions of the kernel. */
export const kprobeMulti: TargetKind<AttachKprobeMulti> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const { pattern } = given;
    const functions = listOf("functions", given.functions);
    requireOneWay({ functions, pattern });
    const { returns, session } = momentsOf(program, given);
    const named = functions?.map((name) => requireText("Function", name));
    if (named !== undefined) requireDistinct(named);
    const cookies = cookiesOf(given.cookies, named?.length);
    const names = named ?? matchingFunctions(requireText("Pattern", pattern));
    const texts = names.map((name) => Block.of(cString(name)));
    const symbols = Block.of(packed(texts.map(({ address }) => address)));
    const cookieBlock = Block.of(packed(cookies));
    const attachType = session ? "trace_kprobe_session" : "trace_kprobe_multi";
    const causes: Causes = {
      ...point.causes,
      [ESRCH]: () => absenceOf(names),
      [EINVAL]: () => otherProbes(program, attachType),
    };
    const request: ManyRequest = {
      program,
      point: { ...point, causes },
      target: 0,
      attachType,
      size: SIZE.linkCreateKprobeMulti,
      fill: ({ kprobeMulti }) => {
        kprobeMulti.flags = returns ? BPF_F_KPROBE_MULTI_RETURN : 0;
        kprobeMulti.count = names.length;
        kprobeMulti.symbols = symbols.address;
        kprobeMulti.cookies = cookies.length === 0 ? 0n : cookieBlock.address;
      },
      blocks: [...texts, symbols, cookieBlock],
    };
    return attachToMany(request, session, names, (name, i) => {
      const cookie = cookies[i] ?? 0n;
      return attachAt(program, { function: name, offset: 0, returns, cookie });
    });
  },
};

function requireDistinct(names: readonly string[]): void {
  if (names.length === 0) {
    throw new RangeError("There must be a function: received none");
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new RangeError(
    `Each function must be given once: received "${twice}" twice`,
  );
}

/** Says which of some functions cannot be probed, as far as it can be told. */
function absenceOf(names: readonly string[]): string {
  const all = probedFunctions();
  const missing = all && names.filter((name) => !all.has(name));
  const which = missing?.length
    ? missing.map((name) => `"${name}"`).join(", ")
    : "one of these names";
  return `the kernel has no function ${which}, or it may not be probed`;
}

const Detail = struct("kprobe_multi", {
  _: HostLayout,
  addresses: u64,
  count: u32,
  flags: u32,
});

/** Reads the target of a link of many functions of the kernel (Linux 6.6). */
export function readKprobeMulti(
  raw: RawLinkInfo,
): KprobeMultiTarget | undefined {
  const { count, flags } = raw.detail(Detail);
  if (count === 0) return undefined;
  const returns = (flags & BPF_F_KPROBE_MULTI_RETURN) !== 0;
  return { kind: "kprobe_multi", count, return: returns };
}
