/**
 * The needs of tests that not every machine meets, and tests that are skipped
 * where a need is not met, with the reason in their name:
 *
 * ```ts ignore
 * testWith(bpfObjects, command("bpftool"))("A promise", () => {});
 * // A promise [missing: bpftool] ... ignored
 * // A promise [refused: BPF maps: bpf(BPF_MAP_CREATE): ENOSYS] ... ignored
 * ```
 *
 * Nothing is concluded from a version or a configuration: each need is found out
 * by doing once, when it is first asked for, what the tests would do, and
 * undoing it. What is `refused` no package mends: this kernel does not do it, or
 * whoever runs the tests in a container is kept from it. What is `missing` can
 * be had: a tool, a library, a privilege.
 *
 * @module
 */

import {
  Attempt,
  BTF_KIND,
  btfId,
  btfType,
  putAddress,
  Refusal,
} from "./_attempts.ts";
import { hasCommand, isRoot } from "./_support.ts";

/** Something that can be had, and is not there. */
class Missing extends Error {}

/** Something that a test needs. */
export class Need {
  /** A name for it. */
  readonly what: string;
  readonly #probe: () => void;
  #answer: { readonly unmet: string | undefined } | undefined;

  /**
   * A need that is met if `probe` returns; it throws a {@linkcode Refusal} or
   * says what is missing if not.
   */
  constructor(what: string, probe: () => void) {
    this.what = what;
    this.#probe = probe;
  }

  /** True if it is met. */
  get met(): boolean {
    return this.unmet === undefined;
  }

  /** The reason why it is not met: `refused: …` or `missing: …`; undefined where it is met. */
  get unmet(): string | undefined {
    this.#answer ??= { unmet: this.#ask() };
    return this.#answer.unmet;
  }

  #ask(): string | undefined {
    try {
      this.#probe();
      return undefined;
    } catch (error) {
      if (error instanceof Missing) return `missing: ${error.message}`;
      if (!(error instanceof Refusal)) throw error;
      if (isPermission(error) && !isPrivileged()) {
        return `missing: privilege for ${this.what}`;
      }
      return `refused: ${this.what}: ${error.message}`;
    }
  }
}

/** One need, or several that go together. */
export type Needs = Need | readonly Need[];

const EPERM = 1;
const EBADF = 9;
const EACCES = 13;

function isPermission({ errno }: Refusal): boolean {
  return errno === EPERM || errno === EACCES;
}

/** Tests this process for CAP_SYS_ADMIN, which contains the others. */
function isPrivileged(): boolean {
  const status = Deno.readTextFileSync("/proc/self/status");
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)!;
  return (BigInt(`0x${effective}`) >> 21n & 1n) === 1n;
}

/** The reason why a test cannot run; what could be had comes first. */
export function unmetOf(...needs: readonly Needs[]): string | undefined {
  const unmet = needs.flat().map((need) => need.unmet)
    .filter((reason) => reason !== undefined);
  return unmet.find((reason) => reason.startsWith("missing")) ?? unmet[0];
}

/** Declares a test, as `Deno.test` does. */
export type Test = (
  name: string,
  fn: (context: Deno.TestContext) => void | Promise<void>,
) => void;

/** Declares tests that are skipped, and say why, where a need is not met. */
export function testWith(...needs: readonly Needs[]): Test {
  return (name, fn) => {
    const unmet = unmetOf(...needs);
    if (unmet === undefined) Deno.test(name, fn);
    else Deno.test({ name: `${name} [${unmet}]`, ignore: true, fn });
  };
}

// ---------------------------------------------------------------------------
// Tools and privileges
// ---------------------------------------------------------------------------

function requireThat(isThere: boolean, what: string): void {
  if (!isThere) throw new Missing(what);
}

/** A file that is there. */
export function file(path: string): Need {
  return new Need(path, () => {
    let isFile = false;
    try {
      isFile = Deno.statSync(path).isFile;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    requireThat(isFile, path);
  });
}

const commands = new Map<string, Need>();

/** A command on the `PATH`. */
export function command(name: string): Need {
  let need = commands.get(name);
  if (need === undefined) {
    need = new Need(name, () => requireThat(hasCommand(name), name));
    commands.set(name, need);
  }
  return need;
}

/** A compiler for C. */
export const compilerOfC: Need = new Need("C compiler", () => {
  requireThat(["cc", "gcc", "clang"].some(hasCommand), "C compiler");
});

/** Python, which programs on the other side of a memory are written in. */
export const python: Need = command("python3");

/** numpy for that Python. */
export const numpy: Need = new Need("numpy", () => {
  requireThat(hasCommand("python3"), "python3");
  const args = ["-c", "import numpy"];
  const { success } = new Deno.Command("python3", { args, stderr: "null" })
    .outputSync();
  requireThat(success, "numpy");
});

/**
 * A compiler for Rust that has `offset_of`, 1.77. It takes most of a gigabyte, so
 * that nobody is asked to install it.
 */
export const rust: Need = new Need("Rust", () => {
  if (!hasCommand("rustc")) throw new Refusal("rustc is not installed");
  const { stdout } = new Deno.Command("rustc", { args: ["--version"] })
    .outputSync();
  const version = new TextDecoder().decode(stdout).trim();
  const [, minor] = /^rustc 1\.(\d+)/.exec(version) ?? [];
  if (Number(minor) < 77) throw new Refusal(`this is ${version}`);
});

/** User 0. */
export const root: Need = new Need("root", () => requireThat(isRoot, "root"));

/** A machine that this is, by the name that Deno has for it. */
export function machine(name: typeof Deno.build.arch): Need {
  return new Need(`a machine of type ${name}`, () => {
    if (Deno.build.arch !== name) {
      throw new Refusal(`this is ${Deno.build.arch}`);
    }
  });
}

/** Runs a command that must succeed. */
function run(...[name, ...args]: [string, ...string[]]): void {
  requireThat(hasCommand(name), name);
  const { success, stderr } = new Deno.Command(name, { args, stdin: "null" })
    .outputSync();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim().split("\n")[0]!;
  const errno = /permitted|permission/i.test(said) ? EPERM : undefined;
  throw new Refusal(said || `${name} failed`, errno);
}

/** Giving up capabilities. */
export const setpriv: Need = new Need("dropping capabilities", () => {
  requireThat(isRoot, "root");
  run("setpriv", "--bounding-set=-all", "--inh-caps=-all", "true");
});

/** Under which command root becomes a user who owns nothing. */
export const asNobody: readonly [string, ...string[]] = [
  "setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
];

/** Becoming a user who owns nothing. */
export const nobody: Need = new Need("becoming nobody", () => {
  requireThat(isRoot, "root");
  run(...asNobody, "true");
});

/** Mounts that nobody else sees. */
export const mounts: Need = new Need("mounting", () => {
  requireThat(isRoot, "root");
  run("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/tmp");
});

/** A `bpf` file system. */
export const bpfMounts: Need = new Need("mounting bpf", () => {
  requireThat(isRoot, "root");
  run("unshare", "--mount", "mount", "-t", "bpf", "none", "/tmp");
});

/** Control groups, the second version, in a network of their own. */
export const cgroups: Need = new Need("cgroups", () => {
  requireThat(isRoot, "root");
  for (const name of ["ip", "bash"]) requireThat(hasCommand(name), name);
  const mount = "mount -t cgroup2 none /tmp".split(" ");
  run("unshare", "--net", "--mount", ...mount);
});

/** A network with interfaces of its own. */
export const networks: Need = new Need("network namespaces", () => {
  requireThat(isRoot, "root");
  for (const name of ["ip", "nsenter", "setpriv", "bash"]) {
    requireThat(hasCommand(name), name);
  }
  const pair = "ip link add here type veth peer name there".split(" ");
  run("unshare", "--net", "--mount", ...pair);
});

/** Rings of requests, which a sysctl or a container may forbid. */
export const ioUrings: Need = new Need("io_uring", () => {
  const libc = Deno.dlopen("libc.so.6", {
    syscall: { parameters: ["i64", "u32", "buffer"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const ring = libc.symbols.syscall(425n, 8, new Uint8Array(120));
  if (ring >= 0) libc.symbols.close(ring);
  libc.close();
  if (ring < 0) throw new Refusal("io_uring_setup");
});

/** Raw sockets of a family, as in `sys/socket.h`. */
function sockets(what: string, family: number): Need {
  return new Need(what, () => {
    requireThat(isRoot, "root");
    const libc = Deno.dlopen("libc.so.6", {
      socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
      close: { parameters: ["i32"], result: "i32" },
    });
    const socket = libc.symbols.socket(family, 3, 0);
    if (socket >= 0) libc.symbols.close(socket);
    libc.close();
    if (socket < 0) throw new Refusal(`socket(${family})`);
  });
}

/** Sockets of packets, packet(7). */
export const packetSockets: Need = sockets("packet sockets", 17);

/** Sockets that share packets with the driver, AF_XDP. */
export const xdpSockets: Need = sockets("XDP sockets", 44);

/** Numbers of processes that count from elsewhere. */
export const pidNamespaces: Need = new Need("PID namespaces", () => {
  requireThat(isRoot, "root");
  run("unshare", "--pid", "--fork", "true");
});

/** Clocks that count from elsewhere. */
export const timeNamespaces: Need = new Need("time namespaces", () => {
  requireThat(isRoot, "root");
  run("unshare", "--time", "--monotonic=1", "true");
});

/** The shell command that mounts tracefs, where it is not mounted. */
export const mountTracefs = "{ test -d /sys/kernel/tracing/events || " +
  "mount -t tracefs none /sys/kernel/tracing; }";

/** The list of tracepoints: mounted, or in a name space of its own. */
export const tracefs: Need = new Need("tracefs", () => {
  requireThat(isRoot, "root");
  run("unshare", "--mount", "sh", "-c", mountTracefs);
});

/** Makes the need of this `vm.memfd_noexec` in a namespace of processes. */
export function memfdPolicy(policy: number): Need {
  return new Need(`vm.memfd_noexec = ${policy}`, () => {
    requireThat(isRoot, "root");
    const path = "/proc/sys/vm/memfd_noexec";
    requireFile("memfds", path);
    const set = `echo ${policy} >${path}`;
    run("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", set);
  });
}

/** The size of a huge page in bytes; 0 where there are none. */
export const hugePageSize: number = 1024 *
  Number(
    /^Hugepagesize:\s+(\d+) kB$/m
      .exec(Deno.readTextFileSync("/proc/meminfo"))?.[1] ?? 0,
  );

/** A pool of huge pages whose size may be changed. */
export const hugePages: Need = new Need("huge pages", () => {
  const pool = "/proc/sys/vm/nr_hugepages";
  requireFile("huge pages", pool);
  requireThat(isRoot, "root");
  try {
    // What is in it stays: other tests may be using it.
    Deno.openSync(pool, { write: true }).close();
  } catch (error) {
    throw new Refusal(`${error}`);
  }
});

// ---------------------------------------------------------------------------
// BPF
// ---------------------------------------------------------------------------

/** A need that is met if the kernel does all of it. */
function attempt(what: string, act: (attempt: Attempt) => void): Need {
  return new Need(what, () => {
    if (Deno.build.os !== "linux") throw new Missing("Linux");
    using all = new Attempt();
    act(all);
  });
}

/** `linux/bpf.h`, `enum bpf_map_type` */
const ARENA = 33;
const USER_RINGBUF = 31;
const SOCKMAP = 15;

/** `linux/bpf.h`, `enum bpf_prog_type` */
const KPROBE = 2;
const SCHED_CLS = 3;
const PERF_EVENT = 7;
const RAW_TRACEPOINT = 17;
const TRACING = 26;
const STRUCT_OPS = 27;
const LSM = 29;
const NETFILTER = 32;

/** `linux/bpf.h`, `enum bpf_attach_type` */
const TRACE_RAW_TP = 23;
const TRACE_FENTRY = 24;
const TRACE_FEXIT = 25;
const MODIFY_RETURN = 26;
const LSM_MAC = 27;
const TRACE_ITER = 28;
const PERF_EVENT_LINK = 41;
const TRACE_KPROBE_MULTI = 42;
const LSM_CGROUP = 43;
const NETFILTER_LINK = 45;
const TCX_INGRESS = 46;
const TRACE_KPROBE_SESSION = 56;

/** A function that nobody calls but tests of BPF (net/bpf/test_run.c). */
const TRACED = "bpf_fentry_test1";

/** Maps, and an array's memory. */
export const bpfMaps: Need = attempt("BPF maps", (attempt) => {
  attempt.mmap(attempt.array());
});

/** `BPF_MAP_TYPE_ARENA`. */
export const arenas: Need = attempt("arenas", (attempt) => {
  attempt.map(ARENA, 0, 0, 1, 1 << 10);
});

/** `BPF_MAP_TYPE_USER_RINGBUF`. */
export const userRings: Need = attempt("user ring buffers", (attempt) => {
  attempt.map(USER_RINGBUF, 0, 0, 4096);
});

/** User namespaces, and tokens of BPF file systems that are theirs. */
export const tokens: Need = new Need("BPF tokens", () => {
  requireThat(isRoot, "root");
  run("unshare", "--user", "--mount", "true");
  const delegating = "mount -t bpf -o delegate_maps=any none /tmp".split(" ");
  run("unshare", "--mount", ...delegating);
  using attempt = new Attempt();
  try {
    attempt.noToken();
  } catch (error) {
    // A kernel that knows the command looks for the file system's descriptor.
    if (error instanceof Refusal && error.errno === EBADF) return;
    throw error;
  }
});

/** Maps of others, by their numbers. */
export const listing: Need = attempt("listing BPF maps", (attempt) => {
  attempt.array();
  attempt.firstMap();
});

/** That the kernel keeps BPF from those without a capability. */
export const restriction: Need = new Need("BPF for the privileged only", () => {
  const path = "/proc/sys/kernel/unprivileged_bpf_disabled";
  requireFile("unprivileged BPF", path);
  if (Deno.readTextFileSync(path).trim() === "0") {
    throw new Refusal("kernel.unprivileged_bpf_disabled is 0");
  }
});

/** The version of `libbpf.so.1`, such as `[1, 1]`; undefined without one. */
export function libbpfVersion(): [major: number, minor: number] | undefined {
  try {
    const { symbols } = Deno.dlopen("libbpf.so.1", {
      libbpf_major_version: { parameters: [], result: "u32" },
      libbpf_minor_version: { parameters: [], result: "u32" },
    });
    return [symbols.libbpf_major_version(), symbols.libbpf_minor_version()];
  } catch {
    return undefined;
  }
}

/** A libbpf that loads objects. */
export const libbpf: Need = new Need("libbpf 1.1", () => {
  const [major, minor] = libbpfVersion() ?? [0, 0];
  requireThat(major > 1 || minor >= 1, "libbpf 1.1");
});

/** libbpf of this version or a later one; a distribution has only one. */
export function libbpfSince(minor: number): Need {
  return libbpfWhere(`libbpf 1.${minor}`, (has) => has >= minor);
}

/** libbpf from before this version. */
export function libbpfBefore(minor: number): Need {
  return libbpfWhere(`libbpf before 1.${minor}`, (has) => has < minor);
}

function libbpfWhere(what: string, fits: (minor: number) => boolean): Need {
  return new Need(what, () => {
    const [major, minor] = libbpfVersion() ?? [0, 0];
    if (!fits(major > 1 ? Infinity : minor)) {
      throw new Refusal(`this is ${major}.${minor}`);
    }
  });
}

/** A compiler for BPF. */
export const clang: Need = command("clang");

/**
 * `HOSTMEM_OBJECTS` from the environment: a folder with the objects of
 * `tests/bpf/*.bpf.c`, compiled before for a machine that has no compiler.
 */
export const compiledBefore: string | undefined = Deno.env.get(
  "HOSTMEM_OBJECTS",
);

/** Objects of `tests/bpf/*.bpf.c`, as they are without further flags. */
const compiled: Need = compiledBefore === undefined
  ? clang
  : file(`${compiledBefore}/maps.bpf.o`);

/** Objects that are compiled, here or before, and loaded here. */
export const bpfObjects: readonly Need[] = [bpfMaps, libbpf, compiled];

/** Declares a test that makes BPF maps. */
export const bpfTest: Test = testWith(bpfMaps);

/** Declares a test that compiles and loads BPF objects. */
export const objectTest: Test = testWith(bpfObjects);

/** Types of the kernel. */
export const kernelBtf: Need = new Need("BTF of the kernel", () => {
  requireFile("BTF of the kernel", "/sys/kernel/btf/vmlinux");
});

/** Types of a module of the kernel. */
export function moduleBtf(name: string): Need {
  return new Need(`BTF of the module ${name}`, () => {
    requireFile(`BTF of the module ${name}`, `/sys/kernel/btf/${name}`);
  });
}

function requireFile(what: string, path: string): void {
  try {
    Deno.openSync(path).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Refusal(`there is no ${path}`);
    }
    throw new Missing(`privilege for ${what}`);
  }
}

/** The number of a type of the kernel, which must have it. */
function kernelType(kind: number, name: string): number {
  requireFile("BTF", "/sys/kernel/btf/vmlinux");
  const id = btfId(kind, name);
  if (id === undefined) throw new Refusal(`its BTF has no ${name}`);
  return id;
}

/** Loads a program for a function of the kernel, and attaches it. */
function traced(
  attempt: Attempt,
  attachType: number,
  name: string,
  kind: number = BTF_KIND.func,
): void {
  const id = kernelType(kind, name);
  attempt.rawTracepoint(
    attempt.program({ type: TRACING, attachType, btfId: id }),
  );
}

/** `SEC("raw_tp/…")`. */
export const rawTracepoint: Need = attempt("raw tracepoints", (attempt) => {
  attempt.rawTracepoint(attempt.program({ type: RAW_TRACEPOINT }), "sys_enter");
});

/** `SEC("fentry/…")`. */
export const fentry: Need = attempt("fentry", (attempt) => {
  traced(attempt, TRACE_FENTRY, TRACED);
});

/** `SEC("fexit/…")`. */
export const fexit: Need = attempt("fexit", (attempt) => {
  traced(attempt, TRACE_FEXIT, TRACED);
});

/** `SEC("fmod_ret/…")`. */
export const fmodRet: Need = attempt("fmod_ret", (attempt) => {
  traced(attempt, MODIFY_RETURN, "security_task_setnice");
});

/** `SEC("tp_btf/…")`. */
export const tpBtf: Need = attempt("tp_btf", (attempt) => {
  traced(attempt, TRACE_RAW_TP, "btf_trace_task_newtask", BTF_KIND.typedef);
});

/** `SEC("lsm/…")` that is asked: BPF is among the security modules, too. */
export const lsm: Need = attempt("lsm", (attempt) => {
  const id = kernelType(BTF_KIND.func, "bpf_lsm_bpf");
  const counts = attempt.array();
  attempt.rawTracepoint(
    attempt.program({ type: LSM, attachType: LSM_MAC, btfId: id, counts }),
  );
  // The first of these calls of bpf(2) is counted, and the second sees it.
  attempt.lookup(counts);
  if (attempt.lookup(counts) === 0n) {
    throw new Refusal("bpf is none of its security modules");
  }
});

/** `SEC("lsm_cgroup/…")`. */
export const lsmCgroup: Need = attempt("lsm_cgroup", (attempt) => {
  attempt.program({
    type: LSM,
    attachType: LSM_CGROUP,
    btfId: kernelType(BTF_KIND.func, "bpf_lsm_socket_socketpair"),
    returns: 1,
  });
});

/** `SEC("struct_ops/…")`. */
export const structOps: Need = attempt("struct_ops", (attempt) => {
  attempt.program({
    type: STRUCT_OPS,
    // The first function of those that are replaced.
    attachType: 0,
    btfId: kernelType(BTF_KIND.struct, "tcp_congestion_ops"),
  });
});

/** Links of struct_ops: of a map with the flag, and with a value of its type. */
export const structOpsLinks: Need = attempt(
  "links of struct_ops",
  (attempt) => {
    const name = "bpf_struct_ops_tcp_congestion_ops";
    void kernelType(BTF_KIND.struct, name);
    attempt.structOpsMap(btfType(BTF_KIND.struct, name)!);
  },
);

function iterate(
  attempt: Attempt,
  name: string,
  more?: (attributes: DataView) => void,
): void {
  const id = kernelType(BTF_KIND.func, `bpf_iter_${name}`);
  const kind = { type: TRACING, attachType: TRACE_ITER, btfId: id };
  attempt.link(attempt.program(kind), 0, TRACE_ITER, more);
}

/** `SEC("iter/…")` over what it can only look at. */
export const iterators: Need = attempt("iterators", (attempt) => {
  iterate(attempt, "bpf_map");
});

/** `SEC("iter/bpf_map_elem")` and others over what they may change. */
export const writingIterators: Need = attempt(
  "iterators that may write",
  (attempt) => {
    const info = new Uint32Array(new ArrayBuffer(4));
    info[0] = attempt.array();
    iterate(attempt, "bpf_map_elem", (attributes) => {
      putAddress(attributes, 16, info);
      attributes.setUint32(24, 4, true);
    });
  },
);

/** Attaches to a function of the kernel by way of an event. */
function probed(attempt: Attempt, name: string, returns: boolean): void {
  const path = "/sys/bus/event_source/devices/kprobe/type";
  requireFile("kprobe", path);
  const type = Number(Deno.readTextFileSync(path));
  const program = attempt.program({ type: KPROBE });
  const event = attempt.event(type, returns ? 1n : 0n, name);
  attempt.link(program, event, PERF_EVENT_LINK);
}

/** `SEC("kprobe/…")`. */
export const kprobe: Need = attempt("kprobe", (attempt) => {
  probed(attempt, TRACED, false);
});

/** `SEC("kretprobe/…")`. */
export const kretprobe: Need = attempt("kretprobe", (attempt) => {
  probed(attempt, TRACED, true);
});

/** `SEC("ksyscall/…")`: the kernel's function has its machine in its name. */
export const ksyscall: Need = attempt("ksyscall", (attempt) => {
  const machine = Deno.build.arch === "x86_64" ? "x64" : "arm64";
  probed(attempt, `__${machine}_sys_getpriority`, false);
});

/** Attaches to one function, by way of links of many. */
function probedMany(attempt: Attempt, attachType: number): void {
  const program = attempt.program({ type: KPROBE, attachType });
  const name = new TextEncoder().encode(`${TRACED}\0`);
  const names = new DataView(new ArrayBuffer(8));
  putAddress(names, 0, name);
  attempt.link(program, 0, attachType, (attributes) => {
    attributes.setUint32(20, 1, true);
    putAddress(attributes, 24, names);
  });
}

/** `SEC("kprobe.multi/…")`, which takes fprobe. */
export const kprobeMulti: Need = attempt("kprobe.multi", (attempt) => {
  probedMany(attempt, TRACE_KPROBE_MULTI);
});

/** The lists of functions that libbpf chooses among since 1.3, if they are there. */
export const functionLists: Need = new Need("lists of functions", () => {
  if (!libbpfSince(3).met) return;
  const list = "/sys/kernel/tracing/available_filter_functions";
  for (const path of [`${list}_addrs`, list]) {
    try {
      Deno.openSync(path).close();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw new Refusal(`${path} cannot be opened`);
    }
  }
});

/** `SEC("kprobe.session/…")`. */
export const kprobeSession: Need = attempt("kprobe.session", (attempt) => {
  probedMany(attempt, TRACE_KPROBE_SESSION);
});

/** Attaches to a clock of CPU 0. */
function clocked(attempt: Attempt): number {
  const program = attempt.program({ type: PERF_EVENT });
  // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK
  return attempt.link(program, attempt.event(1, 0n), PERF_EVENT_LINK);
}

/** Events that programs put out records to. */
export const perfBuffers: Need = attempt("perf buffers", (attempt) => {
  // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_BPF_OUTPUT
  attempt.event(1, 10n);
});

/** `SEC("perf_event")`. */
export const events: Need = attempt("perf events", (attempt) => {
  clocked(attempt);
});

/** `SEC("uprobe")`, at an address of a file that nobody has mapped. */
export const uprobe: Need = attempt("uprobe", (attempt) => {
  const path = "/sys/bus/event_source/devices/uprobe/type";
  requireFile("uprobe", path);
  const type = Number(Deno.readTextFileSync(path));
  const target = Deno.makeTempFileSync({ prefix: "hostmem-" });
  try {
    Deno.writeFileSync(target, new Uint8Array(4096));
    const program = attempt.program({ type: KPROBE });
    const event = attempt.event(type, 0n, target);
    attempt.link(program, event, PERF_EVENT_LINK);
  } finally {
    Deno.removeSync(target);
  }
});

/** A link of an event that says what it is attached to. */
export const eventTargets: Need = attempt("targets of events", (attempt) => {
  // BPF_PERF_EVENT_UNSPEC
  if (attempt.linkInfo(clocked(attempt)).getUint32(16, true) === 0) {
    throw new Refusal("the info of a link has none");
  }
});

/** `SEC("tc")` by a link. */
export const tcx: Need = attempt("TCX", (attempt) => {
  // On the loopback interface, the first of its network: TCX_NEXT.
  attempt.link(
    attempt.program({ type: SCHED_CLS, returns: -1 }),
    1,
    TCX_INGRESS,
  );
});

/** Pairs of interfaces of type netkit. */
export const netkit: Need = new Need("netkit", () => {
  requireThat(isRoot, "root");
  run("unshare", "--net", "ip", ..."link add kit type netkit".split(" "));
});

/** Bridges, whose ports are interfaces. */
export const bridges: Need = new Need("bridges", () => {
  requireThat(isRoot, "root");
  run("unshare", "--net", "ip", ..."link add type bridge".split(" "));
});

/** `SEC("tc")` by filters of tc(8), and what takes them. */
export const clsact: Need = new Need("clsact", () => {
  requireThat(isRoot, "root");
  run("unshare", "--net", "tc", ..."qdisc add dev lo clsact".split(" "));
});

/** Maps of sockets that programs are attached to. */
export const sockmaps: Need = attempt("sockmaps", (attempt) => {
  attempt.map(SOCKMAP, 4, 8, 1);
});

/** `SEC("netfilter")`. */
export const netfilter: Need = attempt("netfilter", (attempt) => {
  const kind = { type: NETFILTER, attachType: NETFILTER_LINK, returns: 1 };
  attempt.link(attempt.program(kind), 0, NETFILTER_LINK, (attributes) => {
    attributes.setUint32(16, 2, true); // NFPROTO_IPV4
    attributes.setUint32(20, 3, true); // NF_INET_LOCAL_OUT
    attributes.setInt32(24, 4242, true); // a priority
  });
});
