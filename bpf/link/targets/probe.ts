/** Attaching to tracepoints, and to places in programs: events as well. */

import { NotSupportedError } from "../../../errors.ts";
import { decodeText } from "../../../ffi/c_text.ts";
import {
  check,
  closeDescriptor,
  EACCES,
  EINVAL,
  ENOENT,
  EPERM,
  O_RDONLY,
  openFile,
  readStart,
  toBigInt,
} from "../../../ffi/mod.ts";
import { NativeUint8Array } from "../../../layout/intrinsics.ts";
import { show } from "../../../base/show.ts";
import { pathOf } from "../../../base/path.ts";
import { requireAccess } from "../../../base/permission.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import { withText } from "../../../ffi/block.ts";
import { withEvent } from "../../../ffi/calls/perf_event.ts";
import { eventWay, linkEvent, processOf } from "./perf_event.ts";
import { cookieOf } from "./tracing.ts";
import { requireType, type Way } from "../create.ts";
import type { AttachTracepoint, AttachUprobe } from "../attach_target.ts";

const { isSafeInteger } = Number;

const tracepoint = eventWay("a tracepoint", "tracepoint");
/** A function, or another place in a program. */
export const uprobe: Way = eventWay("a function of a program", "kprobe");

/**
 * `perf_uprobe_event_init` asks for CAP_SYS_ADMIN, where other events are content
 * with CAP_PERFMON.
 */
export const probePrivilege =
  "probes in programs need CAP_SYS_ADMIN: CAP_BPF and CAP_PERFMON do not suffice";

/** `linux/perf_event.h`, `enum perf_type_id`. */
const PERF_TYPE_TRACEPOINT = 2;

/** Where tracefs is mounted: since Linux 4.1, and as part of debugfs before. */
const TRACEFS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

const TRACE_NAME = /^[A-Za-z0-9_:-]+$/;

function requireTraceName(name: string, value: unknown): string {
  if (typeof value !== "string" || !TRACE_NAME.test(value)) {
    throw new TypeError(
      `${name} must be of letters, digits and "_": received ${show(value)}`,
    );
  }
  return value;
}

/** A number of a small file of the kernel's, or the negative reason. */
function readNumber(path: string): number {
  // One more than is read, so that it ends with a NUL.
  const text = new NativeUint8Array(17);
  const length = readStart(path, text, 16);
  if (length < 0) return length;
  return parseInt(decodeText(text));
}

/** The number of a tracepoint. @throws if there is none, or no tracefs. */
function tracepointId(category: string, name: string): number {
  let result = -ENOENT;
  for (const root of TRACEFS) {
    result = readNumber(`${root}/events/${category}/${name}/id`);
    if (result >= 0) return result;
    if (result !== -ENOENT) break;
  }
  if (result === -ENOENT && !TRACEFS.some(isMounted)) {
    throw new NotSupportedError(
      `Cannot find tracepoint ${category}:${name}: tracefs is not mounted at ${
        TRACEFS[0]
      }; mount it there (mount -t tracefs none ${
        TRACEFS[0]
      }), or attach a raw_tracepoint program, which needs none`,
    );
  }
  const hint = result === -ENOENT
    ? `the kernel has no tracepoint ${category}:${name}`
    : "reading tracefs takes root";
  return check(result, "open", hint);
}

function isMounted(root: string): boolean {
  const fd = openFile(`${root}/events`, O_RDONLY);
  if (fd >= 0) closeDescriptor(fd);
  return fd >= 0;
}

/** Attaches to a tracepoint: the link's descriptor. */
export function attachTracepoint(
  program: UsedProgram,
  options: AttachTracepoint,
): number {
  requireType(program, tracepoint);
  const category = requireTraceName("Category", options.category);
  const name = requireTraceName("Name of a tracepoint", options.name);
  const cookie = cookieOf(options.cookie);
  const config = toBigInt(tracepointId(category, name));
  // Programs of a tracepoint run on every CPU, whichever the event is for.
  return withEvent(
    { type: PERF_TYPE_TRACEPOINT, config, pid: -1, cpu: 0 },
    (event) => linkEvent(program, tracepoint, event, cookie),
  );
}

const UPROBE = "/sys/bus/event_source/devices/uprobe";

/** Attaches to an offset in a file: the link's descriptor. */
export function attachUprobe(
  program: UsedProgram,
  options: AttachUprobe,
): number {
  requireType(program, uprobe);
  const path = pathOf(options.path);
  const pid = processOf(options.pid);
  const cookie = cookieOf(options.cookie);
  const { kind, offset } = options;
  if (!isSafeInteger(offset) || offset! < 0) {
    throw new RangeError(
      `Offset must be a whole number of bytes from 0, or a symbol must be given: received ${
        show(offset)
      }`,
    );
  }
  requireAccess("read", path);
  const type = readNumber(`${UPROBE}/type`);
  if (type < 0) {
    throw new NotSupportedError(
      `Attaching to a function of a program needs a kernel with uprobes, Linux 4.17 or later: ${UPROBE} cannot be read`,
    );
  }
  return withText(path, (address) =>
    withEvent(
      {
        type,
        // Bit 0 is `retprobe`, as the format of the event source has it.
        config: kind === "uretprobe" ? 1n : 0n,
        config1: address,
        config2: toBigInt(offset!),
        pid,
        cpu: pid < 0 ? 0 : -1,
      },
      (event) => linkEvent(program, uprobe, event, cookie),
      {
        [EACCES]: probePrivilege,
        [EPERM]: probePrivilege,
        [ENOENT]: `there is no file "${path}"`,
        [EINVAL]:
          `"${path}" is no file of code, or has no instruction at offset ${offset}`,
      },
    ));
}
