/** Targets that a program was loaded for. */

import { NotSupportedError, SystemError } from "../../../errors.ts";
import { EBUSY, EINVAL } from "../../../ffi/mod.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import type { Descriptor } from "../../../ffi/descriptor.ts";
import { SIZE } from "../../../ffi/bpf/attributes.ts";
import type { ProgramType } from "../../program/type.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { HostLayout, struct, u32 } from "../../../layout/mod.ts";
import { type AttachType, attachTypeName } from "../attach_type.ts";
import {
  type AttachPoint,
  createLink,
  openTracepoint,
  requireType,
} from "../commands.ts";
import {
  type AttachCookie,
  cookieOf,
  type TargetKind,
} from "../target_kind.ts";
import type { RawLinkInfo } from "../type.ts";

/**
 * The target that the program was loaded for, of programs whose target is fixed
 * then: `tp_btf`, `fentry`, `fexit`, `fmod_ret`, `freplace`, `lsm`.
 */
export interface AttachTracing extends AttachCookie {
  /** The kind of target. */
  readonly kind: "tracing";
}

/** A function or tracepoint of the kernel, or of another program. */
export interface TracingTarget {
  /** The kind of target. */
  readonly kind: "tracing";
  /** The way that the program is attached there. */
  readonly attachType: AttachType | undefined;
  /** The id of the BTF, or of the program, that has the function. */
  readonly objectId: number;
  /** The id in that BTF of the function's type. */
  readonly btfId: number;
}

const options = {
  kind: true,
  cookie: true,
} as const satisfies OptionNames<AttachTracing>;

const point: AttachPoint = {
  name: "what it was loaded for",
  since: [5, 5],
  types: ["tracing", "lsm", "ext"],
  capability: "CAP_PERFMON",
  causes: {
    [EBUSY]: "as many programs are attached there as can be",
    [EINVAL]: "what the program was loaded for cannot be attached to so",
  },
};

/** Attaching to the target that a program was loaded for. */
export const tracing: TargetKind<AttachTracing> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const cookie = cookieOf(given.cookie);
    return cookie === 0n
      ? openTracepoint(program, point, 0n, 0n)
      : linkWithCookie(program, cookie);
  },
};

const withCookie: AttachPoint = {
  ...point,
  name: "what it was loaded for with a cookie",
  since: [5, 18],
};

/** The attach types that a program can have been loaded for, by its type. */
const attachTypes: Partial<Record<ProgramType, readonly AttachType[]>> = {
  tracing: ["trace_fentry", "trace_fexit", "modify_return", "trace_raw_tp"],
  lsm: ["lsm_mac"],
};

/**
 * Makes a link with a cookie, which takes the attach type that the program was
 * loaded for. The kernel does not tell it, but it refuses all others.
 */
function linkWithCookie(program: UsedProgram, cookie: bigint): Descriptor {
  const candidates = attachTypes[program.type!] ?? [];
  let last: unknown = new NotSupportedError(
    `Cannot attach program ${program.label} of type ${program.type} with a cookie: the kernel has cookies for programs of type tracing and lsm`,
  );
  for (const attachType of candidates) {
    try {
      return createLink({
        program,
        point: withCookie,
        target: 0,
        attachType,
        size: SIZE.linkCreateTracing,
        fill: ({ tracing }) => {
          tracing.cookie = cookie;
        },
      });
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno !== EINVAL) {
        throw error;
      }
      last = error;
    }
  }
  throw last;
}

const Detail = struct("tracing", {
  _: HostLayout,
  attachType: u32,
  objectId: u32,
  btfId: u32,
});

/** Reads the target of a tracing link. */
export function readTracing(raw: RawLinkInfo): TracingTarget {
  const { attachType, objectId, btfId } = raw.detail(Detail);
  return {
    kind: "tracing",
    attachType: attachTypeName(attachType),
    objectId,
    btfId,
  };
}
