/** Packets on their way into or out of an interface: filters of tc(8). */

import { SystemError } from "../../../../errors.ts";
import {
  EACCES,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOENT,
  EPERM,
  FILTER_CLASS,
  systemError,
  trafficControls,
} from "../../../../ffi/mod.ts";
import {
  type OptionNames,
  requireFlag,
  requireU32,
} from "../../../../base/arguments.ts";
import type { Descriptor } from "../../../../ffi/descriptor.ts";
import { libbpfErrorInit } from "../../../libbpf/errors.ts";
import {
  attachFilter,
  createDiscipline,
  detachFilter,
  type FilterPlace,
  type FilterResult,
  type NetworkResult,
  queryFilter,
  removeDiscipline,
} from "../../../libbpf/network_functions.ts";
import {
  type AttachPoint,
  privilegeText,
  requireType,
} from "../../commands.ts";
import type { TargetKind } from "../../target_kind.ts";
import { type AttachmentState, Unlinked } from "../../unlinked.ts";
import {
  absenceOf,
  interfaceText,
  requireDirection,
  withInterface,
} from "./interface.ts";
import {
  networkOf,
  type OtherNetns,
  ownNetwork,
  withinNetwork,
} from "./within.ts";

/**
 * Packets on their way into or out of an interface, by a filter of tc(8), with
 * the program's result as the action (`direct-action`). Kernels before 6.6 have
 * this in place of TCX. It takes libbpf.
 *
 * The filter belongs to a queueing discipline of the interface, `clsact`, which
 * is made where there is none. The kernel has no link for a filter: `close`
 * removes the filter if it still has this program. `close` removes the
 * discipline if it was made for this filter and has no filters any more. The
 * regular end of the process does the same for filters of the main thread. A
 * process that is killed, or ends by an uncaught error, leaves them there:
 * `tc qdisc del dev <interface> clsact` removes both.
 */
export interface AttachTc extends OtherNetns {
  /** The kind of target. */
  readonly kind: "tc";
  /** The name or the index of an interface. */
  readonly interface: string | number;
  /** The way that the packets go. */
  readonly direction: "ingress" | "egress";
  /**
   * Its place among the filters, from 1, which is the first, to 65535; by default
   * before those that are there.
   */
  readonly priority?: number | undefined;
  /** Its number among filters of the same priority; by default one that is free. */
  readonly handle?: number | undefined;
  /**
   * True to take the place of the filter of that priority and handle, if there is
   * one, in one step. It does not come back.
   */
  readonly replace?: boolean | undefined;
}

/** A filter of tc(8). */
export interface TcTarget {
  /** The kind of target. */
  readonly kind: "tc";
  /** The interface's index, in its network namespace. */
  readonly interfaceIndex: number;
  /** The way that the packets go. */
  readonly direction: "ingress" | "egress";
  /** Its place among the filters. */
  readonly priority: number;
  /** Its number among filters of the same priority. */
  readonly handle: number;
}

const options = {
  kind: true,
  interface: true,
  direction: true,
  priority: true,
  handle: true,
  replace: true,
  netns: true,
} as const satisfies OptionNames<AttachTc>;

const point: AttachPoint = {
  name: "an interface by tc",
  since: [4, 5],
  types: ["sched_cls"],
  capability: "CAP_NET_ADMIN",
  causes: {},
};

/** `linux/pkt_sched.h`: the parent of `clsact` and `ingress`. */
const TC_H_CLSACT = 0xffff_fff1;

/** Attaching by a filter of tc(8). */
export const tc: TargetKind<AttachTc> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const direction = requireDirection(given.direction);
    const priority = priorityOf(given.priority);
    const handle = given.handle === undefined
      ? 0
      : requireU32("Handle", given.handle, 1);
    const replaces = requireFlag("replace", given.replace);
    if (replaces && (priority === 0 || handle === 0)) {
      throw new TypeError(
        "Option replace needs the options priority and handle, which name the filter to be replaced",
      );
    }
    return withInterface(given, (interfaceIndex) => {
      const place = { interfaceIndex, direction, priority, handle };
      const network = ownNetwork();
      let isKept = false;
      try {
        const discipline = new Discipline(network, interfaceIndex);
        discipline.prepare(place);
        let filter: FilterResult;
        try {
          filter = putFilter(place, program.open(), replaces);
        } catch (error) {
          discipline.remove();
          throw error;
        }
        isKept = true;
        return new Filter(discipline, filter);
      } finally {
        if (!isKept) network.close();
      }
    });
  },
};

function priorityOf(value: unknown): number {
  if (value === undefined) return 0;
  const priority = requireU32("Priority", value, 1);
  if (priority <= 0xffff) return priority;
  throw new RangeError(`Priority must be at most 65535: received ${priority}`);
}

/** A filter of ours. */
class Filter extends Unlinked<TcTarget> {
  override readonly whyUnlinked = "filters of tc(8) are of traffic control";
  readonly #discipline: Discipline;
  readonly #place: FilterPlace;
  /** The id of the program that it has, as long as nobody replaced it. */
  #program: number;

  constructor(discipline: Discipline, { place, programId }: FilterResult) {
    const { direction, priority, handle } = place;
    super(`tc ${discipline.key} ${direction} ${priority} ${handle}`);
    this.#discipline = discipline;
    this.#place = place;
    this.#program = programId;
  }

  override state(): AttachmentState<TcTarget> {
    const programId = this.#discipline.within(() => askFilter(this.#place));
    return { programId, target: { kind: "tc", ...this.#place } };
  }

  protected override replace(program: number): void {
    const { programId } = this.#discipline.within(() => {
      // Without it, the kernel would make another one.
      void askFilter(this.#place);
      return putFilter(this.#place, program, true);
    });
    this.#program = programId;
  }

  protected override remove(): void {
    this.#discipline.within(() => {
      if (!this.#isOurs()) return;
      removeFilter(this.#place);
      this.#discipline.remove();
    });
  }

  protected override release(): void {
    this.#discipline.network.close();
  }

  #isOurs(): boolean {
    try {
      return askFilter(this.#place) === this.#program;
    } catch (error) {
      if (isGone(error)) return false;
      throw error;
    }
  }
}

/**
 * Tests whether an error says that the filter, its discipline or interface is
 * gone.
 */
function isGone(error: unknown): boolean {
  return error instanceof SystemError &&
    (error.errno === ENOENT || error.errno === ENODEV ||
      error.errno === EINVAL);
}

/** The disciplines that were made for this isolate, by network and interface. */
const made = new Set<string>();

/** The queueing discipline of an interface that filters belong to. */
class Discipline {
  /** The network namespace that has the interface. */
  readonly network: Descriptor;
  readonly #interfaceIndex: number;
  /** Tells it from all others. */
  readonly key: string;

  constructor(network: Descriptor, interfaceIndex: number) {
    this.network = network;
    this.#interfaceIndex = interfaceIndex;
    this.key = `${networkOf(network.fd)} ${interfaceIndex}`;
  }

  /** Calls a function in its network namespace. */
  within<R>(use: () => R): R {
    return withinNetwork(this.network.fd, use);
  }

  /**
   * Makes it where there is none.
   *
   * @throws {SystemError} if there can be none.
   */
  prepare(place: FilterPlace): void {
    const found = this.#find();
    if (found === undefined) {
      const result = createDiscipline(this.#interfaceIndex);
      if (result.errno === 0) made.add(this.key);
      // Somebody may just have made it.
      else if (result.errno !== EEXIST) throw errorOf(result, place);
    } else if (found !== "clsact" && place.direction === "egress") {
      throw systemError(
        EEXIST,
        "bpf_tc_hook_create",
        `${
          interfaceText(this.#interfaceIndex)
        } has the discipline "${found}", which sees packets on their way in alone, where clsact would be`,
      );
    }
  }

  /** Removes it if it was made here and has no filters any more. */
  remove(): void {
    if (!made.has(this.key)) return;
    const interfaceIndex = this.#interfaceIndex;
    for (const parent of Object.values(FILTER_CLASS)) {
      const filters = trafficControls({ interfaceIndex, parent });
      if (typeof filters === "number" || filters.length > 0) return;
    }
    made.delete(this.key);
    // Where it is gone already there is nothing to do.
    removeDiscipline(interfaceIndex);
  }

  /**
   * The kind of what is in its place: `clsact`, or `ingress`, which takes filters
   * for both ways, too; undefined where nothing is.
   */
  #find(): string | undefined {
    const disciplines = trafficControls("disciplines");
    if (typeof disciplines === "number") {
      throw systemError(-disciplines, "netlink(RTM_GETQDISC)");
    }
    return disciplines.find(({ interfaceIndex, parent }) =>
      interfaceIndex === this.#interfaceIndex && parent === TC_H_CLSACT
    )?.kind;
  }
}

/** Attaches: the filter's place, and the id of its program. */
function putFilter(
  asked: FilterPlace,
  program: number,
  replaces: boolean,
): FilterResult {
  const result = attachFilter(asked, program, replaces);
  if (result.errno === 0) return result;
  throw errorOf(result, asked);
}

/** The id of a filter's program. @throws {SystemError} if there is no filter. */
function askFilter(place: FilterPlace): number {
  const result = queryFilter(place);
  if (result.errno === 0) return result.programId;
  throw errorOf(result, place);
}

function removeFilter(place: FilterPlace): void {
  const result = detachFilter(place);
  if (result.errno !== 0 && result.errno !== ENOENT) {
    throw errorOf(result, place);
  }
}

function errorOf(
  { call, errno, warnings }: NetworkResult,
  place: FilterPlace,
): SystemError {
  const cause = causeOf(call, errno, place);
  const hint = [cause, warnings].filter((text) => text).join("; ");
  return new SystemError(libbpfErrorInit(errno, call, hint));
}

function causeOf(
  call: string,
  errno: number,
  { interfaceIndex, priority, handle }: FilterPlace,
): string | undefined {
  const isMaking = call === "bpf_tc_hook_create";
  switch (errno) {
    case EPERM:
    case EACCES:
      return `attaching to ${point.name} needs ${
        privilegeText(["CAP_BPF", "CAP_NET_ADMIN"])
      }`;
    case EEXIST:
      return `there is a filter of priority ${priority} and handle ${handle}: pass replace to take its place`;
    case ENODEV:
      return absenceOf(interfaceIndex);
    case EINVAL:
      return absenceOf(interfaceIndex) ??
        (isMaking ? undefined : "there may be no filter there any more");
    case ENOENT:
      return absenceOf(interfaceIndex) ??
        (isMaking
          ? "the kernel may have no clsact (CONFIG_NET_SCH_INGRESS)"
          : "there is no filter there, or the kernel may have none of BPF (CONFIG_NET_CLS_BPF)");
    default:
      return undefined;
  }
}

/** The target of a filter in words. */
export function tcText(target: TcTarget): string {
  const { direction, interfaceIndex, priority, handle } = target;
  return `${direction} on ${
    interfaceText(interfaceIndex)
  }, priority ${priority}, handle ${handle}`;
}
