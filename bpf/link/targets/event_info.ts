/** The targets of links to events. */

import { HostLayout, padding, struct, u32, u64 } from "../../../layout/mod.ts";
import type { RawLinkInfo } from "../type.ts";

/** A function of the kernel or of a program. */
export interface ProbeTarget {
  /** The kind of target. */
  readonly kind: "uprobe" | "uretprobe" | "kprobe" | "kretprobe";
  /** The file, or the kernel's function. */
  readonly name: string;
  /** The offset in it, in bytes. */
  readonly offset: number;
}

/** A tracepoint. */
export interface TracepointTarget {
  /** The kind of target. */
  readonly kind: "tracepoint";
  /** Its name, without the category. */
  readonly name: string;
}

/** Any other event. */
export interface EventTarget {
  /** The kind of target. */
  readonly kind: "perf_event";
  /** Its type (`linux/perf_event.h`, `enum perf_type_id`). */
  readonly type: number;
  /** The event of that type. */
  readonly config: bigint;
}

const Detail = struct("perf_event", {
  _: HostLayout,
  kind: u32,
  unused: padding(4),
  /** The address to put a name at, or the config of an event. */
  nameOrConfig: u64,
  /** The length of the name, or the type of an event. */
  lengthOrType: u32,
  offset: u32,
  cookie: u64,
});

/** `linux/bpf.h`, `enum bpf_perf_event_type`. */
const UPROBE = 1;
const URETPROBE = 2;
const KPROBE = 3;
const KRETPROBE = 4;
const TRACEPOINT = 5;
const EVENT = 6;

/** Reads the target of a link to an event; undefined before Linux 6.6. */
export function readEvent(
  raw: RawLinkInfo,
): ProbeTarget | TracepointTarget | EventTarget | undefined {
  const { kind, nameOrConfig, lengthOrType, offset } = raw.detail(Detail);
  switch (kind) {
    case UPROBE:
      return { kind: "uprobe", offset, name: nameOf(raw) };
    case URETPROBE:
      return { kind: "uretprobe", offset, name: nameOf(raw) };
    case KPROBE:
      return { kind: "kprobe", offset, name: nameOf(raw) };
    case KRETPROBE:
      return { kind: "kretprobe", offset, name: nameOf(raw) };
    case TRACEPOINT:
      return { kind: "tracepoint", name: nameOf(raw) };
    case EVENT:
      return { kind: "perf_event", type: lengthOrType, config: nameOrConfig };
    default:
      return undefined;
  }
}

function nameOf(raw: RawLinkInfo): string {
  return raw.text(Detail, (detail, { address, size }) => {
    detail.nameOrConfig = address;
    detail.lengthOrType = size;
  });
}
