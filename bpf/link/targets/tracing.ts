/** Targets that a program was loaded for. */

import { EBUSY, EINVAL } from "../../../ffi/mod.ts";
import type { OptionNames } from "../../../base/arguments.ts";
import { HostLayout, struct, u32 } from "../../../layout/mod.ts";
import { type AttachType, attachTypeName } from "../attach_type.ts";
import { type AttachPoint, openTracepoint, requireType } from "../commands.ts";
import type { TargetKind } from "../target_kind.ts";
import type { RawLinkInfo } from "../type.ts";

/**
 * The target that the program was loaded for, of programs whose target is fixed
 * then: `tp_btf`, `fentry`, `fexit`, `fmod_ret`, `freplace`, `lsm`.
 */
export interface AttachTracing {
  /** Tells it from the others. */
  readonly kind: "tracing";
}

/** A function or tracepoint of the kernel, or of another program. */
export interface TracingTarget {
  /** Tells it from the others. */
  readonly kind: "tracing";
  /** The way that the program is attached there. */
  readonly attachType: AttachType | undefined;
  /** The id of the BTF, or of the program, that has the function. */
  readonly objectId: number;
  /** The id in that BTF of the function's type. */
  readonly btfId: number;
}

const options = { kind: true } as const satisfies OptionNames<AttachTracing>;

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
  attach(program) {
    requireType(program, point);
    return openTracepoint(program, point, 0n, 0n);
  },
};

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
