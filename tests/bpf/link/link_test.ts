import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfLink, BpfProgram } from "../../../bpf/mod.ts";
import {
  ClosedError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import { sized } from "../../_fire.ts";
import {
  bpfMounts,
  command,
  compilerOfC,
  events,
  eventTargets,
  tcx,
  testWith,
  tpBtf,
  uprobe,
} from "../../_needs.ts";
import {
  collect,
  compileC,
  eventually,
  openDescriptors,
  repository,
  run,
  TemporaryDirectory,
} from "../../_support.ts";
import { attachable, compileAttach, Counters, linkIds } from "../_attach.ts";
import { isolated } from "../_network.ts";

const needs = [...attachable, command("bpftool")];
const linkTest = testWith(needs);

/** Makes so many system calls that only this test makes. */
function call(times: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    getpriority: { parameters: ["i32", "i32"], result: "i32" },
  });
  for (let i = 0; i < times; i++) libc.symbols.getpriority(0, 4242);
  libc.close();
}

async function counting(
  use: (counters: Counters, program: BpfProgram) => void | Promise<void>,
): Promise<void> {
  using directory = new TemporaryDirectory();
  using counters = new Counters(await compileAttach(directory));
  await use(counters, counters.program("count_syscalls"));
}

async function collectAll(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

linkTest(
  "A link that nobody keeps stays, whatever is collected, until it is closed",
  async () => {
    await counting(async (counters, program) => {
      (() => void program.attach())();
      await collectAll();
      call(100);
      assertEquals(counters.get("first"), 100);
      const [link, ...none] = program.links;
      assertEquals(none, []);
      link!.close();
      assertEquals(program.links, []);
      call(100);
      assertEquals(counters.get("first"), 100);
    });
  },
);

linkTest("A link stays when its program is closed and dropped", async () => {
  await counting(async (counters, program) => {
    const link = (() => {
      using opened = BpfProgram.fromFd(program.fd);
      const target = { kind: "raw_tracepoint", name: "sys_enter" } as const;
      return new WeakRef(opened.attach(target));
    })();
    await collectAll();
    call(100);
    assertEquals(counters.get("first"), 100);
    link.deref()!.close();
    call(100);
    assertEquals(counters.get("first"), 100);
  });
});

linkTest(
  "Closing an object closes the links of its programs, and no other",
  async () => {
    await counting((counters, program) => {
      const link = program.attach();
      using other = BpfLink.fromFd(link.fd);
      const { id } = other.info;
      counters.close();
      assertEquals([program.closed, link.closed, other.closed], [
        true,
        true,
        false,
      ]);
      assertEquals(linkIds().includes(id), true);
      other.close();
      assertEquals(linkIds().includes(id), false);
    });
  },
);

linkTest(
  "A BpfLink that was opened and dropped closes its descriptor, and detaches nothing of others",
  async () => {
    await counting(async (counters, program) => {
      using link = program.attach();
      const before = openDescriptors("anon_inode:bpf").length;
      assert(before > 0);
      (() => {
        BpfLink.fromFd(link.fd);
        BpfLink.fromId(link.info.id);
      })();
      assertEquals(openDescriptors("anon_inode:bpf").length, before + 2);
      await eventually(() => {
        collect();
        return openDescriptors("anon_inode:bpf").length === before;
      });
      call(10);
      assertEquals(counters.get("first"), 10);
    });
  },
);

linkTest("A closed BpfLink throws ClosedError", async () => {
  await counting((_, program) => {
    const link = program.attach();
    link.close();
    link.close();
    assertEquals(link.closed, true);
    for (
      const use of [
        () => link.fd,
        () => link.info,
        () => link.detach(),
        () => link.update(program),
        () => link.pin("/tmp/nowhere"),
        () => link.unpin("/tmp/nowhere"),
      ]
    ) {
      assertThrows(use, ClosedError, "The BPF link is closed");
    }
  });
});

linkTest("BpfLink.fromFd() and fromId() refuse what is no link", async () => {
  await counting((counters, program) => {
    const { map } = counters;
    const descriptors = openDescriptors().length;
    for (const fd of [0, map.fd, program.fd]) {
      assertThrows(
        () => BpfLink.fromFd(fd),
        NotSupportedError,
        `Cannot use descriptor ${fd} as a BPF link: it is something else`,
      );
    }
    assertThrows(() => BpfLink.fromFd(-1), SystemError, "EBADF");
    assertThrows(() => BpfLink.fromFd("1" as never), RangeError);
    assertThrows(() => BpfLink.fromId(2 ** 32), RangeError);
    const error = assertThrows(
      () => BpfLink.fromId(0xffff_fff0),
      SystemError,
      "there is no link of that id",
    );
    assertEquals(error.code, "ENOENT");
    const construct = BpfLink as unknown as { new (): BpfLink };
    assertThrows(() => new construct(), TypeError, "Illegal constructor");
    assert(openDescriptors().length <= descriptors);
  });
});

linkTest(
  "BpfLink.update() and detach() say which types of link cannot",
  async () => {
    await counting((_, program) => {
      using link = program.attach();
      assertThrows(
        () => link.update(program),
        NotSupportedError,
        "Cannot update a link of type raw_tracepoint: such links have one program for ever",
      );
      assertThrows(
        () => link.detach(),
        NotSupportedError,
        "Cannot detach a link of type raw_tracepoint for everybody",
      );
      assertThrows(
        () => link.update(program, { old: {} as BpfProgram }),
        TypeError,
        "Option old must be a BpfProgram",
      );
      assertThrows(() => link.update(null as never), TypeError);
      assertThrows(() => link.update(program, null as never), TypeError);
    });
  },
);

testWith(needs, events, uprobe, compilerOfC)(
  "Cycles of attaching and closing leave nothing",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    using tasks = tpBtf.met
      ? new Counters(await compileAttach(directory, "tasks"))
      : undefined;
    const path = await compileC("int main(void) { return 0; }", directory);
    const calls = counters.program("count_calls");
    const attach: (() => BpfLink)[] = [
      () => counters.program("count_syscalls").attach(),
      () =>
        counters.program("count_event").attach({
          kind: "perf_event",
          event: "cpu_clock",
          cpu: 0,
          period: 1_000_000_000,
        }),
      () => calls.attach({ kind: "uprobe", path, symbol: "main" }),
      () => calls.attach({ kind: "uprobe", path, offset: 4096 }),
      () => counters.program("count_lookup").attach({ kind: "netns" }),
    ];
    if (tasks !== undefined) {
      attach.push(() => tasks.program("count_tasks").attach());
    }
    if (tcx.met) {
      attach.push(() =>
        counters.program("tc_first").attach({
          kind: "tcx",
          interface: "lo",
          direction: "egress",
        })
      );
    }
    const all = [counters, tasks].flatMap((object) =>
      Object.values(object?.programs ?? {})
    );
    const programs = new Set(all.map(({ info }) => info.id));
    const descriptors = openDescriptors();
    // Ten of each kind, or more.
    for (let i = 0; i < sized(30, 200); i++) {
      using link = attach[i % attach.length]!();
      assert(programs.has(link.info.programId));
    }
    const left = openDescriptors();
    assert(left.length <= descriptors.length, left.join("\n"));
    for (const program of all) {
      assertEquals(program.links, []);
    }
    const { stdout } = new Deno.Command("bpftool", {
      args: ["--json", "link"],
    }).outputSync();
    const links: { prog_id: number }[] = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    assertEquals(links.filter(({ prog_id }) => programs.has(prog_id)), []);
  },
);

testWith(needs, events, uprobe, compilerOfC)(
  "Nothing stays attached when the process is killed",
  async () => {
    using directory = new TemporaryDirectory();
    const object = await compileAttach(directory);
    const path = await compileC("int main(void) { return 0; }", directory);
    const script = `${repository}/.run-${crypto.randomUUID()}.ts`;
    await Deno.writeTextFile(
      script,
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      const counters = BpfObject.load(${JSON.stringify(object)});
      const path = ${JSON.stringify(path)};
      const links = [
        counters.program("count_syscalls").attach(),
        counters.program("count_calls").attach({ kind: "uprobe", path, symbol: "main" }),
        counters.program("count_event").attach({ kind: "perf_event", event: "cpu_clock", cpu: 0, frequency: 10 }),
        counters.program("count_lookup").attach({ kind: "netns" }),
      ];
      if (${tcx.met}) {
        links.push(counters.program("tc_first").attach({ kind: "tcx", interface: "lo", direction: "ingress" }));
      }
      console.log(JSON.stringify(links.map((link) => link.info.id)));
      setInterval(() => {}, 1000);
    `,
    );
    try {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", "--no-lock", "--no-check", script],
        cwd: repository,
        stdout: "piped",
      }).spawn();
      const reader = child.stdout.getReader();
      const { value } = await reader.read();
      const ids: number[] = JSON.parse(new TextDecoder().decode(value));
      assertEquals(ids.length, tcx.met ? 5 : 4);
      const attached = linkIds();
      assert(ids.every((id) => attached.includes(id)));
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
      await eventually(() => {
        const left = linkIds();
        return ids.every((id) => !left.includes(id));
      });
    } finally {
      await Deno.remove(script);
    }
  },
);

testWith(needs, uprobe, compilerOfC, bpfMounts)(
  "BpfLink.pin() keeps a link that libbpf made after close(), and until the pin is removed",
  async () => {
    using directory = new TemporaryDirectory();
    const object = await compileAttach(directory);
    const path = await compileC(
      `
      __attribute__((noinline)) void work(void) { __asm__ volatile(""); }
      int main(void) { for (int i = 0; i < 40; i++) work(); return 0; }
    `,
      directory,
      ["-O1"],
    );
    const pins = directory.join("pins");
    Deno.mkdirSync(pins);
    const { code, stdout, stderr } = await run(
      `
      import { Counters } from "./tests/bpf/_attach.ts";
      import { BpfLink } from "@hostmem/hostmem/bpf";
      const [object, path, pins] = Deno.args;
      using counters = new Counters(object!);
      const program = counters.program("count_calls");
      const seen: unknown[] = [];
      function work(): void {
        counters.reset();
        new Deno.Command(path!).outputSync();
        seen.push(counters.get("first"));
      }
      const pin = pins + "/link";
      {
        using link = program.attach({ kind: "uprobe", path: path!, symbol: "work" });
        work();
        link.pin(pin);
      }
      work();
      {
        using link = BpfLink.open(pin);
        seen.push(link.info.target?.kind);
        link.unpin();
        work();
      }
      work();
      {
        // Pinned, and then not: close() detaches.
        using link = program.attach({ kind: "uprobe", path: path!, symbol: "work" });
        link.pin(pin);
        link.unpin();
        work();
      }
      work();
      console.log(JSON.stringify(seen));
    `,
      {
        permissions: ["-A"],
        args: [object, path, pins],
        under: [
          "unshare",
          "--mount",
          "sh",
          "-c",
          `mount -t bpf none "$0" && exec "$@"`,
          pins,
        ],
      },
    );
    assertEquals(code, 0, stderr);
    const kind = eventTargets.met ? "uprobe" : null;
    assertEquals(JSON.parse(stdout), [40, 40, kind, 40, 0, 40, 0]);
  },
);

linkTest("BpfLink.ids() and BpfProgram.ids() list what there is", async () => {
  await counting((_, program) => {
    assert(BpfProgram.ids().includes(program.info.id));
    const link = program.attach();
    const { id } = link.info;
    assert(BpfLink.ids().includes(id));
    link.close();
    assert(!BpfLink.ids().includes(id));
  });
});

linkTest(
  "Programs are attached with --allow-ffi=<path of libc> alone",
  async () => {
    const libc = Deno.readTextFileSync("/proc/self/maps")
      .match(/\/\S*\/libc\.so\.6$/m)![0];
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap, BpfProgram } from "@hostmem/hostmem/bpf";
      import { Program } from "./tests/bpf/_program.ts";
      using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
      using raw = Program.counting(map.fd, { type: 17 });
      using xdp = Program.counting(map.fd, { type: 6, returns: 2 });
      using event = Program.counting(map.fd, { type: 7 });
      const targets = [
        [raw, { kind: "raw_tracepoint", name: "sys_enter" }],
        [xdp, { kind: "xdp", interface: "lo" }],
        [event, { kind: "perf_event", event: "cpu_clock", cpu: 0, period: 1e9 }],
      ] as const;
      for (const [{ fd }, target] of targets) {
        using program = BpfProgram.fromFd(fd);
        using link = program.attach(target);
        console.log(link.info.type);
      }
      using program = BpfProgram.fromFd(xdp.fd);
      console.log(program.run({ data: new Uint8Array(64) }).returnValue);
    `,
      { permissions: [`--allow-ffi=${libc}`], under: isolated },
    );
    assertEquals(
      { code, stdout },
      { code: 0, stdout: "raw_tracepoint\nxdp\nperf_event\n2\n" },
      stderr,
    );
  },
);

linkTest("BpfProgram.attach() asks Deno for paths first", async () => {
  const { code, stdout, stderr } = await run(
    `
      import { BpfLink, BpfMap, BpfProgram } from "@hostmem/hostmem/bpf";
      import { Program } from "./tests/bpf/_program.ts";
      using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
      using skb = Program.counting(map.fd, { type: 8, returns: 1 });
      using probe = Program.counting(map.fd, { type: 2 });
      using lookup = Program.counting(map.fd, { type: 30, attachType: 36, returns: 1 });
      const [a, b, c] = [skb, probe, lookup].map(({ fd }) => BpfProgram.fromFd(fd));
      const attachType = "cgroup_inet_egress";
      for (const use of [
        () => a!.attach({ kind: "cgroup", cgroup: "/sys/fs/cgroup", attachType }),
        () => b!.attach({ kind: "uprobe", path: "/bin/sh", offset: 4096 }),
        () => c!.attach({ kind: "netns", netns: "/proc/self/ns/net" }),
        () => a!.pin("/sys/fs/bpf/x"),
        () => BpfProgram.open("/sys/fs/bpf/x"),
        () => BpfLink.open("/sys/fs/bpf/x"),
      ]) {
        try {
          use();
          console.log("not refused");
        } catch (error) {
          console.log((error as Error).name);
        }
      }
      using own = c!.attach({ kind: "netns" });
      console.log(own.info.type);
    `,
    { under: isolated },
  );
  assertEquals(
    { code, stdout },
    { code: 0, stdout: `${"NotCapable\n".repeat(6)}netns\n` },
    stderr,
  );
});

/** Never called: the compiler checks it. */
function _targets(program: BpfProgram): void {
  program.attach({ kind: "xdp", interface: "eth0", mode: "generic" });
  // @ts-expect-error: an interface is missing
  program.attach({ kind: "xdp" });
  // @ts-expect-error: no such kind
  program.attach({ kind: "kretprobe", name: "x" });
  // @ts-expect-error: no such mode
  program.attach({ kind: "xdp", interface: 1, mode: "fast" });
  // @ts-expect-error: a bigint is wanted
  program.attach({ kind: "raw_tracepoint", name: "sys_enter", cookie: 1 });
  // @ts-expect-error: of another kind
  program.attach({ kind: "tcx", interface: 1, direction: "ingress", cpu: 1 });
  const link = program.attach();
  const { target } = link.info;
  if (target?.kind === "cgroup") target.cgroupId satisfies bigint;
  // @ts-expect-error: not of every target
  void target?.cgroupId;
}
