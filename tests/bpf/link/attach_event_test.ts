import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  attachToCpus,
  BpfObject,
  BpfProgram,
  onLibbpfMessage,
  onlineCpus,
} from "../../../bpf/mod.ts";
import { NotSupportedError, SystemError } from "../../../errors.ts";
import {
  clang,
  command,
  compilerOfC,
  events,
  eventTargets,
  libbpfBefore,
  libbpfVersion,
  mounts,
  mountTracefs,
  networks,
  testWith,
  tracefs,
  uprobe,
} from "../../_needs.ts";
import {
  compileC,
  eventually,
  run,
  TemporaryDirectory,
} from "../../_support.ts";
import { attachable, compileAttach, Counters } from "../_attach.ts";
import { runIsolated } from "../_isolated.ts";
import { compileText } from "../_objects.ts";

const eventTest = testWith(attachable, events);
/** Declares a test in a process of its own. */
const isolatedTest = testWith(attachable, events, networks);

/** Returns what a link's info has of its target, where the kernel tells it. */
function told<T>(ofTarget: T): T | null {
  return eventTargets.met ? ofTarget : null;
}

/** Keeps this thread busy. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

isolatedTest(
  "BpfProgram.attach() to a clock of a process runs while that works, at the period asked for",
  async () => {
    // In a process of its own: tests do not run on the first thread.
    const seen = await inProcess(`
      const to = { kind: "perf_event", pid: Deno.pid } as const;
      {
        using link = program.attach({ ...to, event: "task_clock", period: 1_000_000 });
        work(200);
        seen.push(counters.get("first"), link.info.type, link.info.target?.kind);
      }
      counters.reset();
      work(20);
      seen.push(counters.get("first"));
    `);
    const [count, ...rest] = seen;
    // A run for each millisecond of its time, of which it may get less.
    assert(count as number > 5 && count as number <= 1000, `${count}`);
    assertEquals(rest, ["perf_event", told("perf_event"), 0]);
  },
);

eventTest(
  "attachToCpus() attaches to a clock of every CPU, to all of them or none",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_event");
    const clock = { kind: "perf_event", event: "cpu_clock" } as const;
    {
      using links = attachToCpus(program, { ...clock, frequency: 1000 });
      assertEquals(links.length, onlineCpus().length);
      assertEquals(program.links, [...links]);
      await eventually(() => counters.get("first") > 5);
    }
    assertEquals(program.links, []);
    // No system has as many CPUs.
    const cpus = [0, 1_000_000];
    assertThrows(
      () => attachToCpus(program, { ...clock, frequency: 99, cpus }),
      SystemError,
    );
    assertEquals(program.links, []);
    assertThrows(
      () => attachToCpus(program, { ...clock, frequency: 1, cpu: 0 } as never),
      TypeError,
      `no option "cpu": the options are kind, event, pid, cpus`,
    );
    assertThrows(
      () => attachToCpus(program, clock),
      TypeError,
      "period or a frequency",
    );
  },
);

/** Runs a program on the first thread of a process. */
async function inProcess(program: string): Promise<unknown[]> {
  using directory = new TemporaryDirectory();
  const object = await compileAttach(directory);
  return await runIsolated(
    `
    import { Counters } from "./tests/bpf/_attach.ts";
    import { array, Memory, pageSize, u8 } from "@hostmem/hostmem";
    export default function (object: string) {
      using counters = new Counters(object);
      const program = counters.program("count_event");
      const seen: unknown[] = [];
      function work(milliseconds: number): void {
        const end = performance.now() + milliseconds;
        while (performance.now() < end);
      }
      ${program}
      return seen;
    }
  `,
    [object],
  ) as unknown[];
}

eventTest(
  "BpfProgram.attach() to a clock of a CPU runs at about a frequency",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    using _link = counters.program("count_event").attach({
      kind: "perf_event",
      event: "cpu_clock",
      cpu: 0,
      frequency: 1000,
    });
    work(300);
    assert(counters.get("first") > 5);
  },
);

isolatedTest(
  "BpfProgram.attach() to page faults misses none, by name or by numbers",
  async () => {
    const seen = await inProcess(`
      const pages = 500;
      // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN
      for (const event of ["minor_faults", { type: 1, config: 5n }] as const) {
        counters.reset();
        using link = program.attach({ kind: "perf_event", event, pid: Deno.pid, period: 1 });
        using memory = Memory.create(pages * pageSize());
        const bytes = memory.pointer(array(u8, memory.size));
        for (let i = 0; i < pages; i++) bytes[i * pageSize()] = 1;
        const { type, config } = link.info.target ?? {};
        seen.push(counters.get("first") / pages, type, Number(config));
      }
    `);
    for (const i of [0, 3]) {
      // The engine touches pages of its own, too.
      const share = seen.splice(i, 1, 0)[0] as number;
      assert(share >= 1 && share < 4, `${share}`);
    }
    const target = [told(1), told(5)];
    assertEquals(seen, [0, ...target, 0, ...target]);
  },
);

eventTest(
  "BpfProgram.attach() to an event refuses what is no event",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_event");
    const event = { kind: "perf_event", event: "cpu_clock" } as const;
    const cases: [RegExp, Parameters<BpfProgram["attach"]>[0]][] = [
      [/must have a pid or a cpu/, { ...event, period: 1 }],
      [/neither is given/, { ...event, cpu: 0 }],
      [/both are given/, { ...event, cpu: 0, period: 1, frequency: 1 }],
      [/Period must be a whole number from 1/, { ...event, cpu: 0, period: 0 }],
      [/EINVAL .*no such CPU/, { ...event, cpu: 4000, period: 1 }],
      [/ESRCH .*no such process/, { ...event, pid: 2 ** 22 + 1, period: 1 }],
      [/Process must be an integer from 1/, { ...event, pid: 0, period: 1 }],
      [/CPU must be at most/, { ...event, cpu: 2 ** 31, period: 1 }],
      [
        /Event must be a name such as/,
        { ...event, event: "nothing" as "cpu_clock", cpu: 0, period: 1 },
      ],
      [
        /Event config must be a bigint/,
        {
          ...event,
          event: { type: 1, config: 5 as unknown as bigint },
          cpu: 0,
          period: 1,
        },
      ],
      [/EBADF .*must be of an event/, { kind: "perf_event", fd: 0 }],
      [/Cookie must be a bigint/, {
        ...event,
        cpu: 0,
        period: 1,
        cookie: 1 as unknown as bigint,
      }],
    ];
    for (const [pattern, target] of cases) {
      const error = assertThrows(() => program.attach(target), Error);
      assertMatch(String(error), pattern);
    }
    assertThrows(
      () => counters.program("grow").attach({ ...event, cpu: 0, period: 1 }),
      NotSupportedError,
      `Cannot attach program "grow" of type xdp to an event: its type must be perf_event`,
    );
    assertEquals(program.links, []);
  },
);

/** Covers both places where tracefs can be mounted, or mounts itself. */
const hideTracefs = "for place in /sys/kernel/tracing /sys/kernel/debug; do " +
  "! test -d $place || mount -t tmpfs none $place || exit; done";

/** Runs a program with tracefs, which it alone sees, or with none. */
async function withTracefs(
  mounted: boolean,
  program: string,
): Promise<unknown[]> {
  using directory = new TemporaryDirectory();
  const object = await compileAttach(directory);
  const { code, signal, stdout, stderr } = await run(
    `
    import { Counters, noting } from "./tests/bpf/_attach.ts";
    import { BpfProgram } from "@hostmem/hostmem/bpf";
    using counters = new Counters(Deno.args[0]!);
    const program = counters.program("count_tracepoint");
    const seen: unknown[] = [];
    const refused = noting(seen);
    const libc = Deno.dlopen("libc.so.6", {
      getpriority: { parameters: ["i32", "i32"], result: "i32" },
    });
    function call(times: number): number {
      counters.reset();
      for (let i = 0; i < times; i++) libc.symbols.getpriority(0, 0);
      return counters.get("first");
    }
    ${program}
    console.log(JSON.stringify(seen));
  `,
    {
      permissions: ["-A"],
      args: [object],
      under: [
        "unshare",
        "--mount",
        "sh",
        "-c",
        `${mounted ? mountTracefs : hideTracefs} && exec "$0" "$@"`,
      ],
    },
  );
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return JSON.parse(stdout);
}

const traceTest = testWith(attachable, tracefs);

traceTest(
  "BpfProgram.attach() to a tracepoint counts exactly, of opened programs too",
  async () => {
    const seen = await withTracefs(
      true,
      `
      using opened = BpfProgram.fromId(program.info.id);
      for (const one of [program, opened]) {
        using link = one.attach({
          kind: "tracepoint",
          category: "syscalls",
          name: "sys_enter_getpriority",
          cookie: 77n,
        });
        seen.push(call(321), counters.get("cookie"), link.info.target);
      }
      seen.push(call(10));
      {
        using link = program.attach(); // SEC("tp/syscalls/sys_enter_getpriority")
        seen.push(call(55), link.info.target);
      }
      seen.push(call(10));
      refused(() => program.attach({ kind: "tracepoint", category: "syscalls", name: "nope" }));
      refused(() => program.attach({ kind: "tracepoint", category: "..", name: "x" }));
      refused(() => program.attach({ kind: "tracepoint", category: "sched", name: "a/../b" }));
    `,
    );
    // Other processes may ask for priorities as well, though hardly ever.
    const name = "sys_enter_getpriority";
    const target = told({ kind: "tracepoint", name });
    const errors = seen.splice(-3) as string[];
    assertEquals(seen, [321, 77, target, 321, 77, target, 0, 55, target, 0]);
    assertMatch(errors[0]!, /ENOENT .*no tracepoint syscalls:nope/);
    assertMatch(errors[1]!, /TypeError: Category must be of letters/);
    assertMatch(errors[2]!, /TypeError: Name of a tracepoint must be/);
  },
);

testWith(attachable, mounts)(
  "BpfProgram.attach() to a tracepoint says how to mount tracefs",
  async () => {
    const seen = await withTracefs(
      false,
      `
      refused(() => program.attach({ kind: "tracepoint", category: "sched", name: "sched_switch" }));
      refused(() => program.attach());
    `,
    ) as string[];
    assertMatch(
      seen[0]!,
      /NotSupportedError: Cannot find tracepoint sched:sched_switch: tracefs is not mounted at \/sys\/kernel\/tracing; mount it/,
    );
    assertMatch(
      seen[1]!,
      /ENOENT .*: tracefs is not mounted at \/sys\/kernel\/tracing; mount it/,
    );
  },
);

/** The same, with a probe in the function as `<sys/sdt.h>` makes one. */
const probed = String.raw`
  #define PROBE(value) __asm__ volatile( \
    "990: nop\n" \
    ".pushsection .note.stapsdt,\"?\",\"note\"\n" \
    ".balign 4\n .4byte 992f-991f, 994f-993f, 3\n" \
    "991: .asciz \"stapsdt\"\n" \
    "992: .balign 4\n" \
    "993: .8byte 990b, _.stapsdt.base, 0\n" \
    ".asciz \"hostmem\"\n .asciz \"work\"\n .asciz \"-8@%0\"\n" \
    "994: .balign 4\n .popsection\n" \
    ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
    ".weak _.stapsdt.base\n .hidden _.stapsdt.base\n" \
    "_.stapsdt.base: .space 1\n .size _.stapsdt.base,1\n .popsection" \
    :: "r"(value))
`;

/** Calls `work(i)` so many times, when it is told to; `work` returns i + 1. */
const callee = `
  #include <stdio.h>
  #ifndef PROBE
  #define PROBE(value) __asm__ volatile("")
  #endif
  __attribute__((noinline)) long work(long i) {
    PROBE(i);
    return i + 1;
  }
  int main(void) {
    int times;
    puts("ready");
    fflush(stdout);
    while (scanf("%d", &times) == 1) {
      for (long i = 1; i <= times; i++) work(i);
      puts("done");
      fflush(stdout);
    }
  }
`;

/** A process that calls `work` on demand. */
class Callee implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly pid: number;

  private constructor(path: string) {
    this.#child = new Deno.Command(path, { stdin: "piped", stdout: "piped" })
      .spawn();
    this.#reader = this.#child.stdout.getReader();
    this.#writer = this.#child.stdin.getWriter();
    this.pid = this.#child.pid;
  }

  static async start(path: string): Promise<Callee> {
    const callee = new Callee(path);
    await callee.#reader.read();
    return callee;
  }

  /** Has it call `work` so many times, and waits until it has. */
  async call(times: number): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${times}\n`));
    await this.#reader.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}

/** The offset of a symbol in a file, as nm and readelf have it. */
function offsetOf(path: string, symbol: string): number {
  const { stdout } = new Deno.Command("readelf", {
    args: ["-sW", "-lW", path],
  }).outputSync();
  const text = new TextDecoder().decode(stdout);
  const value = new RegExp(`:\\s+([0-9a-f]+)\\s+\\d+ FUNC .* ${symbol}$`, "m")
    .exec(text)![1]!;
  const address = Number.parseInt(value, 16);
  for (
    const [, offset, start, size] of text.matchAll(
      /LOAD\s+0x([0-9a-f]+) 0x([0-9a-f]+) \S+ 0x([0-9a-f]+)/g,
    )
  ) {
    const from = Number.parseInt(start!, 16);
    if (address < from || address >= from + Number.parseInt(size!, 16)) {
      continue;
    }
    return address - from + Number.parseInt(offset!, 16);
  }
  throw new Error(`No offset of ${symbol}`);
}

const probeTest = testWith(
  attachable,
  uprobe,
  compilerOfC,
  command("readelf"),
);

probeTest(
  "BpfProgram.attach() to a function, by symbol or offset, counts its calls and returns exactly",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const path = await compileC(callee, directory, ["-O1"]);
    await using one = await Callee.start(path);
    const calls = counters.program("count_calls");
    const returns = counters.program("count_returns");
    using opened = BpfProgram.fromFd(calls.fd);
    const offset = offsetOf(path, "work");
    for (
      const [program, where] of [
        [calls, { symbol: "work" }],
        [calls, { offset }],
        [opened, { offset }],
      ] as const
    ) {
      counters.reset();
      {
        using link = program.attach({
          kind: "uprobe",
          path,
          cookie: 0x1234_5678_9abcn,
          ...where,
        });
        await one.call(1000);
        assertEquals(counters.get("first"), 1000);
        assertEquals(counters.get("value"), 1000);
        assertEquals(counters.get("cookie"), 0x1234_5678_9abc);
        assertEquals(link.info.type, "perf_event");
        assertEquals(
          link.info.target ?? null,
          told({ kind: "uprobe", name: path, offset }),
        );
      }
      await one.call(10);
      assertEquals(counters.get("first"), 1000);
    }
    for (const where of [{ symbol: "work" }, { offset }]) {
      counters.reset();
      {
        const target = new URL(`file://${path}`);
        using link = returns.attach({
          kind: "uretprobe",
          path: target,
          ...where,
        });
        await one.call(700);
        assertEquals(counters.get("second"), 700);
        assertEquals(counters.get("value"), 701);
        assertEquals(link.info.target?.kind ?? null, told("uretprobe"));
      }
      await one.call(10);
      assertEquals(counters.get("second"), 700);
    }
  },
);

probeTest(
  "BpfProgram.attach() to a function of one process counts the calls of no other",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const path = await compileC(callee, directory, ["-O1"]);
    await using one = await Callee.start(path);
    await using other = await Callee.start(path);
    const program = counters.program("count_calls");
    const offset = offsetOf(path, "work");
    for (const where of [{ symbol: "work" }, { offset }]) {
      counters.reset();
      using _link = program.attach({
        kind: "uprobe",
        path,
        pid: one.pid,
        ...where,
      });
      await other.call(50);
      assertEquals(counters.get("first"), 0);
      await one.call(60);
      assertEquals(counters.get("first"), 60);
    }
    counters.reset();
    using _all = program.attach({ kind: "uprobe", path, symbol: "work" });
    await using later = await Callee.start(path);
    await later.call(5);
    await one.call(6);
    await other.call(7);
    assertEquals(counters.get("first"), 18);
  },
);

probeTest(
  "BpfProgram.attach() to a function says what is not there",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const path = await compileC(callee, directory, ["-O1"]);
    const program = counters.program("count_calls");
    using opened = BpfProgram.fromFd(program.fd);
    const nowhere = directory.join("nowhere");
    const noSymbol = assertThrows(
      () => program.attach({ kind: "uprobe", path, symbol: "play" }),
      SystemError,
      `there is no function "play" in "${path}"`,
    );
    assertEquals(noSymbol.code, "ENOENT");
    for (const where of [{ symbol: "work" }, { offset: 4096 }]) {
      const noFile = assertThrows(
        () => program.attach({ kind: "uprobe", path: nowhere, ...where }),
        SystemError,
        `there is no file "${nowhere}"`,
      );
      assertEquals(noFile.code, "ENOENT");
    }
    assertThrows(
      () => opened.attach({ kind: "usdt", path, provider: "a", name: "b" }),
      NotSupportedError,
      "takes libbpf, which knows programs of a BpfObject alone",
    );
    assertThrows(
      () => program.attach({ kind: "uprobe", path }),
      RangeError,
      "Offset must be a whole number of bytes from 0, or a symbol must be given",
    );
    assertThrows(
      () => program.attach({ kind: "uprobe", path, offset: -1 }),
      RangeError,
    );
    assertThrows(
      () => program.attach({ kind: "uprobe", path, symbol: "a\0b" }),
      TypeError,
    );
    assertThrows(
      () => program.attach({ kind: "uprobe", path: "", offset: 1 }),
      TypeError,
    );
    assertThrows(
      () =>
        program.attach({ kind: "uprobe", path: "/proc/version", offset: 1 }),
      SystemError,
    );
    for (
      const target of [
        { kind: "uprobe", path, offset: 1 },
        { kind: "uretprobe", path, symbol: "work" },
        { kind: "usdt", path, provider: "a", name: "b" },
      ] as const
    ) {
      assertThrows(
        () => counters.program("grow").attach(target),
        NotSupportedError,
        `Cannot attach program "grow" of type xdp to a function of a program: its type must be kprobe`,
      );
    }
    // Whoever hears of a failure, or of anything else, may close the object.
    onLibbpfMessage(() => counters.close());
    try {
      assertThrows(
        () => program.attach({ kind: "usdt", path, provider: "a", name: "b" }),
        SystemError,
      );
    } finally {
      onLibbpfMessage(undefined);
    }
    assertEquals(program.closed, true);
    assertEquals(program.links, []);
  },
);

testWith(attachable, clang, libbpfBefore(7))(
  "A program that was compiled with another usdt.bpf.h is not attached to read wrong arguments",
  async () => {
    using directory = new TemporaryDirectory();
    const header = Deno.readTextFileSync("/usr/include/bpf/usdt.bpf.h")
      .replaceAll(/#include "(.*)"/g, "#include <bpf/$1>")
      .replace("__u64 val_off;", "__u64 val_off; __u64 other;");
    Deno.writeTextFileSync(directory.join("usdt.bpf.h"), header);
    const path = await compileText(
      `#include <stdbool.h>
#include <linux/ptrace.h>
#include "${directory.join("usdt.bpf.h")}"
SEC("usdt/libc.so.6:libc:setjmp")
int BPF_USDT(probe, long value) { return value; }`,
      directory,
    );
    using object = BpfObject.load(path);
    const program = object.program("probe");
    const said =
      `its object was compiled with the usdt.bpf.h of another libbpf than this, ${
        libbpfVersion()!.join(".")
      }: a value of the map __bpf_usdt_specs must have 208 bytes, and has 304`;
    assertThrows(
      () =>
        program.attach({
          kind: "usdt",
          path: "libc.so.6",
          provider: "libc",
          name: "setjmp",
        }),
      NotSupportedError,
      said,
    );
    assertThrows(() => program.attach(), NotSupportedError, said);
    assertEquals(program.links, []);
  },
);

probeTest(
  "BpfProgram.attach() to a USDT probe counts exactly, with its arguments, and goes with the object",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory, "usdt"));
    const path = await compileC(probed + callee, directory, ["-O1"]);
    await using one = await Callee.start(path);
    await using other = await Callee.start(path);
    const program = counters.program("count_probe");
    const target = {
      kind: "usdt",
      path,
      provider: "hostmem",
      name: "work",
    } as const;
    {
      using link = program.attach({ ...target, cookie: 3n, pid: one.pid });
      await one.call(100);
      await other.call(100);
      assertEquals(counters.get("first"), 100);
      assertEquals(counters.get("second"), 5050);
      assertEquals(counters.get("cookie"), 300);
      for (const use of [() => link.info, () => link.fd, () => link.detach()]) {
        assertThrows(use, NotSupportedError, "The kernel has no link for this");
      }
    }
    await one.call(100);
    assertEquals(counters.get("first"), 100);
    const error = assertThrows(
      () => program.attach({ ...target, name: "play" }),
      SystemError,
      `there is no probe hostmem:play in "${path}"`,
    );
    assertEquals(error.code, "ENOENT");
    const all = program.attach(target);
    await other.call(10);
    assertEquals(counters.get("first"), 110);
    assertEquals(program.links, [all]);
    counters.close();
    assertEquals(all.closed, true);
    // It would stop at a breakpoint that nobody handles.
    await other.call(10);
  },
);
