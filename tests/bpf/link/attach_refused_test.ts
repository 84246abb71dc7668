import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BpfObject } from "../../../bpf/mod.ts";
import { NotSupportedError, SystemError } from "../../../errors.ts";
import {
  clang,
  functionLists,
  kprobe,
  kprobeMulti,
  libbpfSince,
  mounts,
  setpriv,
  testWith,
  tpBtf,
  uprobe,
} from "../../_needs.ts";
import { run, TemporaryDirectory } from "../../_support.ts";
import { attachable, attachTest, compileAttach, Counters } from "../_attach.ts";
import { compile, objectFile } from "../_objects.ts";

attachTest(
  "BpfProgram.attach() names the options that a kind of target has, and the kinds that there are",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("grow");
    assertThrows(
      () =>
        program.attach(
          { kind: "xdp", interface: "lo", modus: "generic" } as never,
        ),
      TypeError,
      `There is no option "modus": the options are kind, interface, mode`,
    );
    assertThrows(
      () => program.attach({ kind: "XDP" } as never),
      TypeError,
      `Kind of target must be one of "xdp", "tcx", "tc", "netkit", "cgroup"`,
    );
    for (const kind of ["toString", "__proto__", "constructor", undefined]) {
      assertThrows(
        () => program.attach({ kind } as never),
        TypeError,
        "Kind of",
      );
    }
  },
);

attachTest(
  "A program whose section names no target is told the kind of its section",
  async () => {
    using directory = new TemporaryDirectory();
    using object = BpfObject.load(await compileAttach(directory, "bare"));
    for (
      const [name, advice] of [
        ["bare_usdt", `{ kind: "usdt", path`],
        ["bare_uretprobe", `{ kind: "uretprobe", path`],
        ["bare_uprobe", `{ kind: "uprobe", path`],
        ["bare_kprobe", `{ kind: "kprobe", function`],
        ["bare_kretprobe", `{ kind: "kretprobe", function`],
        ["bare_ksyscall", `{ kind: "ksyscall", name`],
        ["bare_devmap", "put into the values of a map"],
      ] as const
    ) {
      const error = assertThrows(
        () => object.program(name).attach(),
        NotSupportedError,
        "does not say what to attach to",
      );
      assert(error.message.includes(advice), error.message);
    }
  },
);

attachTest(
  "BpfProgram.attach() to the kernel's functions is refused with the reason where it cannot be",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_calls");
    const nothing = { kind: "kprobe", function: "no_such_function" } as const;
    if (!kprobe.met) {
      assertThrows(
        () => program.attach(nothing),
        NotSupportedError,
        "CONFIG_KPROBES",
      );
    } else {
      const error = assertThrows(() => program.attach(nothing), SystemError);
      assert(
        error.message.includes(`the kernel has no function "no_such_function"`),
      );
    }
    assertThrows(
      () => program.attach({ kind: "kretprobe", function: "a", offset: 4 }),
      RangeError,
      "A kretprobe must have the offset 0",
    );
    assertThrows(
      () => program.attach({ kind: "kprobe", function: "" }),
      TypeError,
    );
  },
);

testWith(attachable, kprobe)(
  "A refusal of a probe of the kernel says what is so: of its place, its system call",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_calls");
    const absent = assertThrows(
      () => program.attach({ kind: "ksyscall", name: "no_such_call" }),
      SystemError,
    );
    assertStringIncludes(absent.message, `no system call "no_such_call"`);
    // Instructions of aarch64 are all of four bytes: there it is no place at all.
    if (Deno.build.arch !== "x86_64") return;
    const inside = assertThrows(
      () => program.attach({ kind: "kprobe", function: "vfs_open", offset: 1 }),
      SystemError,
    );
    assertEquals(inside.code, "EILSEQ");
    assertStringIncludes(inside.message, "no instruction begins at");
  },
);

testWith(attachable, kprobe, tpBtf, setpriv)(
  "Attaching to functions of the kernel takes CAP_BPF and CAP_PERFMON, and what a setting takes beyond is told",
  async () => {
    const only = "-all,+bpf,+perfmon";
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      using object = BpfObject.load(Deno.args[0], {
        programs: { kprobe: { load: true }, tp_btf: { load: true } },
      });
      const target = { kind: "kprobe", function: "vfs_fallocate" };
      for (const [name, given] of [["kprobe"], ["kprobe", target], ["tp_btf"]]) {
        try {
          object.program(name).attach(given);
          console.log("attached");
        } catch (error) {
          console.log(error.name, error.code, error.message);
        }
      }
      `,
      {
        permissions: ["-A"],
        args: [await objectFile("kernel_sections")],
        under: ["setpriv", `--bounding-set=${only}`, `--inh-caps=${only}`],
      },
    );
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n");
    assertEquals(lines.length, 3, stdout);
    // Which opens no event.
    assertEquals(lines.pop(), "attached");
    const path = "/proc/sys/kernel/perf_event_paranoid";
    const level = Number(Deno.readTextFileSync(path));
    for (const line of lines) {
      // Above 2 it is the kernel's own affair.
      if (line === "attached") continue;
      assert(level > 2, line);
      assert(line.startsWith("SystemError EACCES "), line);
      assertStringIncludes(
        line,
        `needs CAP_SYS_ADMIN, since kernel.perf_event_paranoid is ${level}`,
      );
      assertFalse(/seccomp|lacks/.test(line), line);
    }
  },
);

testWith(attachable, uprobe)(
  "A refusal of a probe in a program says what is so: of its counter, its file, its process",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_calls");
    const shell = { kind: "uprobe", path: "/bin/sh", offset: 0x1000 } as const;
    for (
      const [target, code, cause] of [
        [{ refCounterOffset: 3 }, "EINVAL", "a multiple of 2: it is 3"],
        [{ path: "/proc/self/status" }, "EIO", "has no pages in memory"],
        [{ path: "/bin" }, "EINVAL", '"/bin" is not a file of code'],
        [{ pid: 2 ** 22 - 1 }, "ESRCH", "there is no such process"],
      ] as const
    ) {
      const error = assertThrows(
        () => program.attach({ ...shell, ...target }),
        SystemError,
        cause,
      );
      assertEquals(error.code, code);
    }
  },
);

/** The reason why a program of a section cannot be attached; undefined where it can. */
async function refusalOf(section: string): Promise<Error | undefined> {
  using directory = new TemporaryDirectory();
  const path = await compile("section", directory, {
    flags: [`-DSECTION="${section}"`],
  });
  using object = BpfObject.load(path);
  try {
    object.program("only").attach().close();
  } catch (error) {
    return error as Error;
  }
}

testWith(attachable, clang)(
  "A section whose target is not there is told what is not: a function, a call, a tracepoint, kprobes",
  async () => {
    for (
      const [section, absent] of [
        ["kprobe/no_such_function+0x4", `no function "no_such_function"`],
        ["kretprobe/no_such_function", `no function "no_such_function"`],
        ["ksyscall/no_such_call", `no system call "no_such_call"`],
      ] as const
    ) {
      const error = await refusalOf(section);
      assertInstanceOf(error, SystemError);
      assertStringIncludes(
        error.message,
        kprobe.met ? absent : "kprobes (CONFIG_KPROBES)",
      );
      assertEquals(error.message.includes(absent), kprobe.met, error.message);
    }
    const nameless = await refusalOf("tp/sched");
    assertInstanceOf(nameless, SystemError);
    assertStringIncludes(
      nameless.message,
      `section "tp/sched" must name a category and a tracepoint`,
    );
  },
);

testWith(attachable, clang, functionLists)(
  "A section of many functions is told that none matches, or that the kernel has no such probes",
  async () => {
    const none = await refusalOf("kprobe.multi/no_such_*");
    assertInstanceOf(none, SystemError);
    assertStringIncludes(none.message, `no function that matches "no_such_*"`);
    assertFalse(none.message.includes("tracefs"), none.message);
    const error = await refusalOf("kprobe.multi/vfs_*");
    if (kprobeMulti.met) return assertEquals(error, undefined);
    assertInstanceOf(error, SystemError);
    assertFalse(/does not say/.test(error.message), error.message);
    assertStringIncludes(error.message, "CONFIG_FPROBE");
  },
);

/** Lays empty folders over those where tracefs is mounted, by the shell. */
function emptyTracefs(options: string = ""): string {
  return `for at in tracing debug; do
    test ! -d /sys/kernel/$at || mount -t tmpfs ${options} none /sys/kernel/$at
  done`;
}

testWith(attachable, clang, mounts, setpriv)(
  "A tracepoint that may not be looked up is not said to lack capabilities, or to be none",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("section", directory, {
      flags: ['-DSECTION="tp/sched/sched_switch"'],
    });
    const only = "-all,+bpf,+perfmon";
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      using object = BpfObject.load(Deno.args[0]);
      const target = { kind: "tracepoint", category: "sched", name: "sched_switch" };
      for (const given of [undefined, target]) {
        try {
          object.program("only").attach(given);
        } catch (error) {
          console.log(error.name, error.code, error.message);
        }
      }
    `,
      {
        permissions: ["-A"],
        args: [path],
        under: [
          "unshare",
          "--mount",
          "sh",
          "-c",
          // Somebody else's folder, as tracefs is root's to everybody else.
          `${emptyTracefs("-o uid=65534,mode=700")} &&
           exec setpriv --bounding-set=${only} --inh-caps=${only} "$@"`,
          "sh",
        ],
      },
    );
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n");
    assertEquals(lines.length, 2, stdout);
    for (const line of lines) {
      assert(line.startsWith("SystemError EACCES "), line);
      assertStringIncludes(line, "reading tracefs takes root");
      assertFalse(/lacks|no tracepoint|not mounted/.test(line), line);
    }
  },
);

testWith(attachable, clang, mounts, libbpfSince(3))(
  "A section of many functions is told of the list of them that cannot be opened",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("section", directory, {
      flags: ['-DSECTION="kprobe.multi/vfs_*"'],
    });
    // A socket is there for access(2), and cannot be opened by anybody.
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      const path = "/sys/kernel/tracing/available_filter_functions";
      using _listener = Deno.listen({ transport: "unix", path });
      using object = BpfObject.load(Deno.args[0]);
      try {
        object.program("only").attach();
      } catch (error) {
        console.log(error.name, error.message);
      }
    `,
      {
        permissions: ["-A"],
        args: [path],
        under: [
          "unshare",
          "--mount",
          "sh",
          "-c",
          `${emptyTracefs()} && exec "$@"`,
          "sh",
        ],
      },
    );
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "SystemError bpf_program__attach failed");
    assertStringIncludes(
      stdout,
      "libbpf looks functions up in /sys/kernel/tracing/available_filter_functions, which it could not open",
    );
  },
);

testWith(attachable, kprobe)(
  "BpfProgram.attach() to a function and to a system call of the kernel counts, with a cookie",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const libc = Deno.dlopen("libc.so.6", {
      getpriority: { parameters: ["i32", "i32"], result: "i32" },
    });
    const program = counters.program("count_calls");
    const prefix = Deno.build.arch === "x86_64" ? "__x64_sys_" : "__arm64_sys_";
    try {
      for (
        const target of [
          { kind: "kprobe", function: `${prefix}getpriority`, cookie: 77n },
          { kind: "kretprobe", function: `${prefix}getpriority`, cookie: 77n },
          { kind: "ksyscall", name: "getpriority", cookie: 77n },
          { kind: "kretsyscall", name: "getpriority", cookie: 77n },
        ] as const
      ) {
        counters.reset();
        using link = program.attach(target);
        for (let i = 0; i < 40; i++) libc.symbols.getpriority(0, 0);
        assert(counters.get("first") >= 40);
        assertEquals(counters.get("cookie"), 77);
        assertEquals(link.info.type, "perf_event");
      }
    } finally {
      libc.close();
    }
  },
);
