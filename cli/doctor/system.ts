/** The kernel and its settings, as files say them. */

import { fieldsOf, mountsOf, namesIn, readText } from "../kernel_objects.ts";
import { type Finding, limited, missing, ok } from "./check.ts";
import { lackingText } from "./kernel_config.ts";

/** The number in a file of `/proc/sys`; undefined where there is none. */
function setting(name: string): number | undefined {
  const text = readText(`/proc/sys/${name.replaceAll(".", "/")}`);
  return text === undefined ? undefined : Number(text);
}

function kernel(): Finding {
  const release = Deno.osRelease();
  const text = `Linux ${release} on ${Deno.build.arch}`;
  const [major = 0, minor = 0] = release.split(".").map((part) =>
    parseInt(part)
  );
  const isOld = major < 5 || major === 5 && minor < 8;
  return isOld
    ? limited(
      "kernel",
      text,
      "ring buffers and CAP_BPF came with Linux 5.8; use a newer kernel",
    )
    : ok("kernel", text);
}

/** Capabilities that BPF asks for, by their numbers in `linux/capability.h`. */
const CAPABILITIES = {
  CAP_BPF: 39,
  CAP_PERFMON: 38,
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_SYSLOG: 34,
} as const;

function capabilities(status: ReadonlyMap<string, string>): Finding {
  const bits = BigInt(`0x${status.get("CapEff") ?? "0"}`);
  const has = (number: number) => (bits >> BigInt(number) & 1n) === 1n;
  const names = Object.entries(CAPABILITIES);
  const held = names.filter(([, number]) => has(number)).map(([name]) => name);
  const lacking = names.filter(([, number]) => !has(number))
    .map(([name]) => name);
  if (lacking.length === 0) return ok("capabilities", held.join(" "));
  const remedy =
    `run it as root, or give it what it lacks, such as by "systemd-run -p AmbientCapabilities='${
      lacking.join(" ")
    }'" or "capsh"`;
  if (has(CAPABILITIES.CAP_SYS_ADMIN) || has(CAPABILITIES.CAP_BPF)) {
    return limited(
      "capabilities",
      `${held.join(" ")}; not ${lacking.join(" ")}`,
      remedy,
    );
  }
  return missing(
    "capabilities",
    held.length === 0 ? "none of those that BPF asks for" : held.join(" "),
    remedy,
  );
}

/** The modes of seccomp(2), by their numbers in `/proc/self/status`. */
const SECCOMP_MODES = ["no filter", "strict", "a filter of system calls"];

function sandbox(status: ReadonlyMap<string, string>): Finding {
  const mode = Number(status.get("Seccomp") ?? 0);
  const container = ["/.dockerenv", "/run/.containerenv"].find((path) =>
    exists(path)
  );
  const found = [
    `seccomp: ${SECCOMP_MODES[mode] ?? mode}`,
    ...container === undefined ? [] : [`a container (${container})`],
  ].join(", ");
  return mode === 0 ? ok("sandbox", found) : limited(
    "sandbox",
    found,
    "a container's seccomp profile may forbid bpf(2): start it with --cap-add BPF,PERFMON,NET_ADMIN,SYS_ADMIN or a profile of your own",
  );
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function fileSystem(
  type: string,
  where: string,
  use: string,
): Finding {
  const [mount] = mountsOf(type);
  return mount === undefined
    ? limited(
      type === "bpf" ? "bpffs" : type,
      "not mounted",
      `${use}: mount -t ${type} ${type} ${where}`,
    )
    : ok(type === "bpf" ? "bpffs" : type, `mounted on ${mount}`);
}

function btf(): Finding {
  const modules = namesIn("/sys/kernel/btf").filter((name) =>
    name !== "vmlinux"
  );
  return exists("/sys/kernel/btf/vmlinux")
    ? ok("BTF", `of the kernel and of ${modules.length} modules`)
    : missing(
      "BTF",
      "the kernel has none",
      "programs that use CO-RE, and the kernel's types, want a kernel built with CONFIG_DEBUG_INFO_BTF, or the option btfPath of BpfObject.load" +
        lackingText(["CONFIG_DEBUG_INFO_BTF"]),
    );
}

function unprivileged(): Finding | undefined {
  const value = setting("kernel.unprivileged_bpf_disabled");
  if (value === undefined) return undefined;
  return ok(
    "unprivileged bpf(2)",
    value === 0
      ? "allowed (kernel.unprivileged_bpf_disabled is 0)"
      : `refused (kernel.unprivileged_bpf_disabled is ${value})`,
  );
}

function perfEvents(): Finding | undefined {
  const value = setting("kernel.perf_event_paranoid");
  if (value === undefined) {
    return missing(
      "perf events",
      "the kernel has none",
      "probes, tracepoints and PerfBuffer want a kernel built with CONFIG_PERF_EVENTS" +
        lackingText(["CONFIG_PERF_EVENTS"]),
    );
  }
  const text = `kernel.perf_event_paranoid is ${value}`;
  return value <= 2 ? ok("perf events", text) : limited(
    "perf events",
    text,
    "above 2 some kernels, such as Debian's, open events for CAP_SYS_ADMIN alone: sysctl kernel.perf_event_paranoid=2",
  );
}

function lockdown(): Finding | undefined {
  const text = readText("/sys/kernel/security/lockdown");
  const mode = /\[(\w+)\]/.exec(text ?? "")?.[1];
  if (mode === undefined) return undefined;
  return mode === "confidentiality"
    ? limited(
      "lockdown",
      mode,
      "programs may not read the kernel's memory: boot with lockdown=integrity or none",
    )
    : ok("lockdown", mode);
}

function lockedMemory(): Finding | undefined {
  const line = /^Max locked memory\s+(\S+)/m.exec(
    readText("/proc/self/limits") ?? "",
  );
  if (line === null) return undefined;
  const [, limit] = line;
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map((part) =>
    parseInt(part)
  );
  const counts = major < 5 || major === 5 && minor < 11;
  const found = limit === "unlimited" ? limit : `${limit} bytes`;
  return counts && limit !== "unlimited"
    ? limited(
      "locked memory",
      found,
      "before Linux 5.11 maps count against it: ulimit -l unlimited",
    )
    : ok("locked memory", counts ? found : `${found}; maps do not count`);
}

/** The findings about the system. */
export function systemFindings(): Finding[] {
  const status = fieldsOf(readText("/proc/self/status") ?? "");
  return [
    kernel(),
    capabilities(status),
    sandbox(status),
    unprivileged(),
    perfEvents(),
    lockdown(),
    lockedMemory(),
    btf(),
    fileSystem("bpf", "/sys/fs/bpf", "to pin maps, programs and links"),
    fileSystem(
      "tracefs",
      "/sys/kernel/tracing",
      "to attach to tracepoints, and kprobes before Linux 4.17",
    ),
    fileSystem("cgroup2", "/sys/fs/cgroup", "to attach to control groups"),
  ].filter((finding) => finding !== undefined);
}
