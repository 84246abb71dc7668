import { requireOptions } from "../../base/arguments.ts";
import { EPERM } from "../../ffi/constants.ts";
import { systemError } from "../../ffi/mod.ts";
import { type AttachType, attachTypeNumber } from "../link/attach_type.ts";
import { type MapType, mapTypeNumber } from "../map/type.ts";
import { capabilitiesOf, lacks, privilegesOf } from "../privileges.ts";
import { type ProgramType, programTypeNumber } from "../program/type.ts";
import { canAttach, programOf } from "./attach.ts";
import { type HelperName, helperNumber } from "./helper.ts";
import { canMakeMap, requireBpf } from "./map.ts";
import { canCall, canLoad } from "./program.ts";

/** A feature that a kernel may have: one of these. */
export type BpfFeature =
  /**
   * Programs of a type. `"tracing"` and `"lsm"` mean those that run at functions
   * of the kernel; iterators are of the first type too, and asked for by
   * `{ attach: "trace_iter" }`.
   */
  | { readonly program: ProgramType }
  /** A helper that programs of a type may call. */
  | { readonly program: ProgramType; readonly helper: HelperName }
  /** Maps of a type. */
  | { readonly map: MapType }
  /** A way to attach programs. */
  | { readonly attach: AttachType };

/** A question that was checked. */
interface Question {
  /** The key that its answer is kept by. */
  readonly key: string;
  /** The type of program that it takes. */
  readonly program?: ProgramType;
  readonly ask: () => boolean;
}

const featureNames = {
  program: true,
  helper: true,
  map: true,
  attach: true,
} as const;

function questionOf(feature: BpfFeature): Question {
  requireOptions(feature, featureNames);
  const given = feature as Partial<Record<keyof typeof featureNames, unknown>>;
  const names = Object.keys(given).sort().join(" and ");
  switch (names) {
    case "program": {
      const program = given.program as ProgramType;
      programTypeNumber(program);
      return { key: `${program}`, program, ask: () => canLoad(program) };
    }
    case "helper and program": {
      const program = given.program as ProgramType;
      const helper = given.helper as HelperName;
      programTypeNumber(program);
      helperNumber(helper);
      const key = `${program} ${helper}`;
      return { key, program, ask: () => canCall(program, helper) };
    }
    case "map": {
      const map = given.map as MapType;
      mapTypeNumber(map);
      return { key: `map ${map}`, ask: () => canMakeMap(map) };
    }
    case "attach": {
      const attach = given.attach as AttachType;
      attachTypeNumber(attach);
      const program = programOf(attach);
      return { key: `at ${attach}`, program, ask: () => canAttach(attach) };
    }
    default:
      throw new TypeError(
        `A feature must be { program }, { program, helper }, { map } or { attach }: received ${
          names || "none of them"
        }`,
      );
  }
}

/**
 * @throws {SystemError} if a capability is missing, so that a refusal says
 * nothing of the kernel.
 */
function requireCapabilities(program: ProgramType | undefined): void {
  const types = program === undefined ? [] : [program];
  const needed = capabilitiesOf(types);
  if (program === undefined) needed.push("CAP_NET_ADMIN");
  const missing = needed.filter((capability) => lacks(capability));
  if (missing.length === 0) return;
  throw systemError(
    EPERM,
    program === undefined ? "bpf(BPF_MAP_CREATE)" : "bpf(BPF_PROG_LOAD)",
    `the kernel may have it, but this process lacks ${
      missing.join(" and ")
    } to ask; it takes ${privilegesOf(types)}`,
  );
}

const answers = new Map<string, boolean>();

/**
 * Tests whether the kernel has a feature, and lets this process use it. The
 * test tries the feature once, and leaves nothing behind. The test does not
 * look at a version, since kernels are configured and patched. The first answer
 * is kept, and returned from then on.
 *
 * A program is loaded, a map made, and both closed again. A program is attached
 * for a moment where nothing runs it or it does nothing; elsewhere it is
 * attached to something that does not exist, and only a kernel that knows this
 * way to attach refuses it for that reason. Types are asked for as
 * `libbpf_probe_bpf_prog_type` and `libbpf_probe_bpf_map_type` do, where libbpf
 * is as new as they are, and so answered as by `bpftool feature probe`.
 *
 * @param feature The feature: one of
 * `{ program }`, `{ program, helper }`, `{ map }` and `{ attach }`.
 * @throws {TypeError} if there is nothing of that name.
 * @throws {SystemError} with EPERM if this process lacks a capability that the
 * feature requires, so that the kernel cannot be asked; with EMFILE if it has
 * too few descriptors left for that.
 * @throws {NotSupportedError} if there is no libbpf; for a helper of `tracing`,
 * `lsm`, `ext` and `struct_ops`, which may call what their target allows.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example A ring buffer where there are some, and perf events elsewhere
 * ```ts ignore
 * import { BpfObject, supports } from "@hostmem/hostmem/bpf";
 *
 * const file = supports({ map: "ringbuf" }) ? "ring.bpf.o" : "perf.bpf.o";
 * using object = BpfObject.load(file);
 *
 * supports({ program: "lsm" });
 * supports({ program: "xdp", helper: "bpf_xdp_load_bytes" });
 * supports({ attach: "tcx_ingress" });
 * ```
 */
export function supports(feature: BpfFeature): boolean {
  const { key, program, ask } = questionOf(feature);
  const known = answers.get(key);
  if (known !== undefined) return known;
  requireBpf();
  const answer = ask();
  if (!answer) requireCapabilities(program);
  answers.set(key, answer);
  return answer;
}
