/** Attaching by way of libbpf: by the name of a section, a symbol, a probe. */

import { NotSupportedError, SystemError } from "../../../errors.ts";
import { libbpf } from "../../libbpf/functions.ts";
import { libbpfAttach } from "../../libbpf/attach_functions.ts";
import { libbpfErrorInit } from "../../libbpf/errors.ts";
import { listening, warningsIn } from "../../libbpf/messages.ts";
import {
  cString,
  EACCES,
  EBADF,
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  toBigInt,
} from "../../../ffi/mod.ts";
import {
  NativeArrayBuffer,
  NativeUint8Array,
} from "../../../layout/intrinsics.ts";
import {
  HostLayout,
  padding,
  pointer,
  sizeOf,
  struct,
  u64,
  u8,
} from "../../../layout/mod.ts";
import { pathOf } from "../../../base/path.ts";
import { requireOffset, requireText } from "../../../base/arguments.ts";
import { Descriptor } from "../../../ffi/descriptor.ts";
import { requireAccess } from "../../../base/permission.ts";
import type { Holder } from "../../kernel_object.ts";
import { NativeLink } from "../../libbpf/link.ts";
import type { NativeProgram } from "../../libbpf/program.ts";
import type { UsedProgram } from "../../program/used_program.ts";
import type { ProgramType } from "../../program/type.ts";
import { privilegesOf } from "../../privileges.ts";
import { withText } from "../../../ffi/block.ts";
import { processOf } from "./perf_event.ts";
import { probePrivilege, uprobe } from "./probe.ts";
import { cookieOf } from "./tracing.ts";
import { requireType } from "../create.ts";
import { linkInfoOf } from "../read_info.ts";
import type { AttachUprobe, AttachUsdt } from "../attach_target.ts";

/** The program as libbpf has it. @throws {NotSupportedError} if it has not. */
function nativeOf({ label, native }: UsedProgram, what: string): NativeProgram {
  if (native !== undefined) return native;
  throw new NotSupportedError(
    `Cannot attach program ${label} to ${what}: that takes libbpf, which knows programs of a BpfObject alone`,
  );
}

/** What is likely to have been wrong, by error number. */
type Hints = Readonly<Record<number, string | undefined>>;

/** Calls libbpf for a link. @throws {SystemError} with libbpf's reason. */
function attachNative(
  { object }: NativeProgram,
  name: string,
  hints: Hints,
  call: () => bigint,
): Holder {
  // Before the call, after which who listens to libbpf's messages may close the
  // object: some links need it to the end.
  const release = object.retain();
  let holder: Holder | undefined;
  try {
    holder = holderOf(release, linkOf(name, hints, call));
  } finally {
    if (!(holder instanceof NativeLink)) release();
  }
  return holder;
}

/** What libbpf's function returns. @throws {SystemError} if that is nothing. */
function linkOf(
  name: string,
  hints: Hints,
  call: () => bigint,
): bigint {
  const { libbpf_get_error } = libbpf();
  const { result, messages } = listening(() => {
    const handle = call();
    return { handle, error: handle === 0n ? libbpf_get_error(0n) : 0 };
  });
  if (result.handle !== 0n) return result.handle;
  // Should something have overwritten errno, it was an invalid argument.
  const errno = result.error < 0 ? -result.error : EINVAL;
  const hint = hints[errno];
  const said = warningsIn(messages);
  throw new SystemError(
    libbpfErrorInit(
      errno,
      name,
      hint === undefined || said === "" ? hint ?? said : `${hint} (${said})`,
    ),
  );
}

/**
 * Of most links libbpf has nothing but the descriptor, which is taken from it.
 * Those of events are libbpf's to end.
 */
function holderOf(release: () => void, handle: bigint): Holder {
  const { bpf_link__fd, bpf_link__disconnect, bpf_link__destroy } =
    libbpfAttach();
  const fd = bpf_link__fd(handle);
  let type: string | undefined;
  try {
    ({ type } = linkInfoOf(fd, "the new link"));
  } catch {
    // No link of the kernel's: USDT, or events before Linux 5.15.
    return new NativeLink(release, handle, -1);
  }
  if (type === "perf_event") return new NativeLink(release, handle, fd);
  bpf_link__disconnect(handle);
  bpf_link__destroy(handle);
  return new Descriptor(fd);
}

/** What to do with a program whose section does not say. */
function adviceFor(type: ProgramType | undefined): string {
  switch (type) {
    case "xdp":
      return `pass a target such as { kind: "xdp", interface: "eth0" }`;
    case "sched_cls":
      return `pass a target such as { kind: "tcx", interface: "eth0", direction: "ingress" }`;
    case "flow_dissector":
    case "sk_lookup":
      return `pass a target such as { kind: "netns" }`;
    case "netfilter":
      return `pass a target such as { kind: "netfilter", family: "ipv4", hook: "local_in", priority: 0 }`;
    case "perf_event":
      return `pass a target such as { kind: "perf_event", event: "cpu_clock", cpu: 0, frequency: 99 }`;
    case "tracepoint":
      return `pass a target such as { kind: "tracepoint", category: "sched", name: "sched_switch" }`;
    case "raw_tracepoint":
    case "raw_tracepoint_writable":
      return `pass a target such as { kind: "raw_tracepoint", name: "sched_switch" }`;
    case "kprobe":
      return `pass a target such as { kind: "uprobe", path: "/bin/sh", symbol: "main" }`;
    case "tracing":
    case "lsm":
    case "ext":
      return `pass { kind: "tracing" }, or { kind: "iterator" }`;
    case "cgroup_skb":
    case "cgroup_sock":
    case "cgroup_sock_addr":
    case "cgroup_sockopt":
    case "cgroup_sysctl":
    case "cgroup_device":
    case "sock_ops":
      return `pass a target such as { kind: "cgroup", cgroup: "/sys/fs/cgroup/…" }`;
    case "syscall":
      return "such programs are not attached, but run: call run()";
    default:
      return "attaching programs of this type is not supported";
  }
}

const bySection: Hints = {
  [EBADF]:
    'an iterator over the elements of a map must be told the map: pass { kind: "iterator", map }',
  [ENOENT]:
    "what the section names is not there, or tracefs is not mounted (mount -t tracefs none /sys/kernel/tracing)",
};

/** What attaching by a section takes, where the kernel says that it is not allowed. */
function privilegeFor(type: ProgramType | undefined): Hints {
  const hint = type === "kprobe"
    ? probePrivilege
    : `attaching needs ${privilegesOf([type])}`;
  return { [EPERM]: hint, [EACCES]: hint };
}

/** Attaches a program to what its section names. */
export function attachBySection(program: UsedProgram): Holder {
  const { label, native, type } = program;
  const advice = adviceFor(type);
  if (native === undefined) {
    throw new NotSupportedError(
      `Program ${label} of type ${
        type ?? "unknown"
      } does not say what to attach to, since it is not of a BpfObject: ${advice}`,
    );
  }
  const call = "bpf_program__attach";
  const { [call]: attach } = libbpfAttach();
  try {
    const hints = { ...bySection, ...privilegeFor(type) };
    return attachNative(native, call, hints, () => attach(native.handle));
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EOPNOTSUPP) {
      throw error;
    }
    throw new NotSupportedError(
      `Section "${native.sectionName}" of program ${label} does not say what to attach to: ${advice}`,
      { cause: error },
    );
  }
}

/** `struct bpf_uprobe_opts` of libbpf 1.1; later ones take what is missing for 0. */
const UprobeOptions = struct("bpf_uprobe_opts", {
  _: HostLayout,
  sz: u64,
  refCtrOffset: u64,
  cookie: u64,
  retprobe: u8,
  unused: padding(7),
  funcName: u64,
});

/** `struct bpf_usdt_opts`. */
const UsdtOptions = struct("bpf_usdt_opts", {
  _: HostLayout,
  sz: u64,
  cookie: u64,
});

function optionBytes(size: number): Uint8Array<ArrayBuffer> {
  return new NativeUint8Array(new NativeArrayBuffer(size));
}

/** Attaches to a function that libbpf finds by its name. */
export function attachSymbol(
  program: UsedProgram,
  options: AttachUprobe,
): Holder {
  const path = pathOf(options.path);
  const symbol = requireText("Symbol", options.symbol);
  const pid = processOf(options.pid);
  const cookie = cookieOf(options.cookie);
  const { kind, offset = 0 } = options;
  requireOffset(offset);
  requireType(program, uprobe);
  const native = nativeOf(program, `symbol ${symbol}`);
  requireAccess("read", path);
  const bytes = optionBytes(sizeOf(UprobeOptions));
  const fields = pointer(UprobeOptions, bytes);
  fields.sz = toBigInt(sizeOf(UprobeOptions));
  fields.cookie = cookie;
  fields.retprobe = kind === "uretprobe" ? 1 : 0;
  const call = "bpf_program__attach_uprobe_opts";
  const { [call]: attach } = libbpfAttach();
  const cPath = cString(path) as Uint8Array<ArrayBuffer>;
  const hints = {
    ...privilegeFor("kprobe"),
    [ENOENT]: `there is no file "${path}", or no function "${symbol}" in it`,
  };
  return withText(symbol, (address) => {
    fields.funcName = address;
    return attachNative(
      native,
      call,
      hints,
      () => attach(native.handle, pid, cPath, toBigInt(offset), bytes),
    );
  });
}

/** Attaches to a static tracepoint of a program. */
export function attachUsdt(program: UsedProgram, options: AttachUsdt): Holder {
  const path = pathOf(options.path);
  const provider = requireText("Provider", options.provider);
  const name = requireText("Name of a probe", options.name);
  const pid = processOf(options.pid);
  const cookie = cookieOf(options.cookie);
  requireType(program, uprobe);
  const native = nativeOf(program, `probe ${provider}:${name}`);
  requireAccess("read", path);
  const bytes = optionBytes(sizeOf(UsdtOptions));
  const fields = pointer(UsdtOptions, bytes);
  fields.sz = toBigInt(sizeOf(UsdtOptions));
  fields.cookie = cookie;
  const call = "bpf_program__attach_usdt";
  const { [call]: attach } = libbpfAttach();
  const cPath = cString(path) as Uint8Array<ArrayBuffer>;
  const cProvider = cString(provider) as Uint8Array<ArrayBuffer>;
  const cName = cString(name) as Uint8Array<ArrayBuffer>;
  const hints = {
    ...privilegeFor("kprobe"),
    [ENOENT]:
      `there is no file "${path}", or no probe ${provider}:${name} in it`,
  };
  return attachNative(
    native,
    call,
    hints,
    () => attach(native.handle, pid, cPath, cProvider, cName, bytes),
  );
}
