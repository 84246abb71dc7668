import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfObject } from "../../../bpf/mod.ts";
import { NotSupportedError, SystemError } from "../../../errors.ts";
import { kprobe, testWith } from "../../_needs.ts";
import { TemporaryDirectory } from "../../_support.ts";
import { attachable, attachTest, compileAttach, Counters } from "../_attach.ts";

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
