/** Attaching to an event of every CPU: the kernel has one for each. */

import { type OptionNames, requireOptions } from "../../base/arguments.ts";
import { SystemError } from "../../errors.ts";
import { onlineCpus } from "../../ffi/calls/cpus.ts";
import type { BpfLink } from "./link.ts";
import type { AttachPerfEvent } from "./targets/perf_event.ts";

/** An event of each CPU, for {@linkcode attachToCpus}. */
export interface EventOfCpus extends Omit<AttachPerfEvent, "cpu" | "fd"> {
  /** The CPUs, by their numbers; by default all that are online. */
  readonly cpus?: Iterable<number> | undefined;
}

const options = {
  kind: true,
  event: true,
  pid: true,
  cpus: true,
  period: true,
  frequency: true,
  cookie: true,
} as const satisfies OptionNames<EventOfCpus>;

/** The links of one program to several CPUs, which are closed together. */
export class BpfLinks implements Iterable<BpfLink>, Disposable {
  readonly #links: readonly BpfLink[];

  /**
   * Links come from {@linkcode attachToCpus} alone.
   *
   * @ignore
   */
  constructor(links: readonly BpfLink[]) {
    this.#links = links;
  }

  /** The number of them. */
  get length(): number {
    return this.#links.length;
  }

  /** The links, in the order of the CPUs. */
  [Symbol.iterator](): IterableIterator<BpfLink> {
    return this.#links.values();
  }

  /**
   * Closes all links, which detaches the program. A second call does nothing.
   */
  close(): void {
    for (const link of this.#links) link.close();
  }

  /** Closes all links at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Attaches a program to an event of every CPU, such as a clock that samples what
 * all of them do: a counter or clock of the kernel belongs to one CPU, and so does
 * its link. All are attached, or none.
 *
 * A CPU that is put online later has no link. One that is taken offline in the
 * meantime is left out.
 *
 * @param program A program of section `perf_event`.
 * @param target The event, and its CPUs if they are not all.
 * @returns The links, which stay until they are closed; see {@linkcode BpfLink}.
 * @throws as {@linkcode BpfProgram.attach} does.
 *
 * @example The stacks of the whole machine, 99 times a second
 * ```ts ignore
 * using links = attachToCpus(object.program("sample"), {
 *   kind: "perf_event",
 *   event: "cpu_clock",
 *   frequency: 99,
 * });
 * ```
 */
export function attachToCpus(
  program: { attach(target: AttachPerfEvent): BpfLink },
  target: EventOfCpus,
): BpfLinks {
  requireOptions(target, options);
  const { cpus, ...event } = target;
  const links: BpfLink[] = [];
  try {
    for (const cpu of cpus ?? onlineCpus()) {
      try {
        links.push(program.attach({ ...event, cpu }));
      } catch (error) {
        if (cpus !== undefined || !isGone(cpu, error)) throw error;
      }
    }
    return new BpfLinks(links);
  } catch (error) {
    for (const link of links) link.close();
    throw error;
  }
}

/** True if a CPU was taken offline after it was listed. */
function isGone(cpu: number, error: unknown): boolean {
  return error instanceof SystemError && error.code === "ENODEV" &&
    !onlineCpus().includes(cpu);
}
