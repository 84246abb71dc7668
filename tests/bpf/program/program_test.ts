import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BpfMap, BpfProgram, BpfStatistics } from "../../../bpf/mod.ts";
import {
  ClosedError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import {
  bpfMaps,
  command,
  mounts,
  root,
  setpriv,
  testWith,
} from "../../_needs.ts";
import {
  collect,
  eventually,
  openDescriptors,
  run,
  TemporaryDirectory,
} from "../../_support.ts";
import { attachable, attachTest, compileAttach, Counters } from "../_attach.ts";
import { mappable, number } from "../_maps.ts";
import { Program } from "../_program.ts";

/** `linux/bpf.h`, `enum bpf_prog_type`. */
const SOCKET_FILTER = 1;
const XDP = 6;

const programTest = testWith(bpfMaps, root);

testWith(attachable, command("bpftool"))(
  "BpfProgram.info tells what bpftool tells",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    for (const program of Object.values(counters.programs)) {
      const { info } = program;
      const { stdout } = new Deno.Command("bpftool", {
        args: ["--json", "prog", "show", "id", `${info.id}`],
      }).outputSync();
      const told = JSON.parse(new TextDecoder().decode(stdout));
      assertEquals(
        {
          id: info.id,
          type: info.type,
          name: told.name.startsWith(info.name) && info.name.length > 2,
          tag: info.tag,
          gpl: info.gplCompatible,
          uid: info.createdByUid,
          xlated: info.translatedSize,
          jited: info.jitedSize,
          maps: info.mapIds,
          btf: info.btfId,
        },
        {
          id: told.id,
          type: told.type,
          name: true,
          tag: told.tag,
          gpl: told.gpl_compatible,
          uid: told.uid,
          xlated: told.bytes_xlated,
          jited: told.bytes_jited ?? 0,
          maps: told.map_ids ?? [],
          btf: told.btf_id,
        },
      );
      assertEquals(program.type, info.type);
      assert(program.name.startsWith(info.name));
    }
    const { name, section } = counters.program("count_tracepoint");
    assertEquals(name, "count_tracepoint");
    assertEquals(section, "tp/syscalls/sys_enter_getpriority");
    assertEquals(counters.program("xdp_first").info.mapIds, [
      counters.map.info.id,
    ]);
  },
);

programTest(
  "BpfProgram.fromFd() and fromId() give the same program, and refuse what is none",
  () => {
    const descriptors = openDescriptors().length;
    {
      using map = mappable({ maxEntries: 1 });
      using loaded = Program.counting(map.fd, { type: XDP, name: "some_name" });
      using program = BpfProgram.fromFd(loaded.fd);
      using same = BpfProgram.fromId(program.info.id);
      assertEquals(same.info.id, program.info.id);
      assertEquals([program.name, program.section], ["some_name", undefined]);
      assert(program.fd !== loaded.fd);
      assertEquals(program.info.mapIds, [map.info.id]);
      assertThrows(
        () => BpfProgram.fromFd(map.fd),
        NotSupportedError,
        `Cannot use descriptor ${map.fd} as a BPF program: it is something else`,
      );
      assertThrows(() => BpfProgram.fromFd(0), NotSupportedError);
      assertThrows(() => BpfProgram.fromFd(-1), SystemError, "EBADF");
      assertThrows(() => BpfProgram.fromFd(1.5), RangeError);
      assertThrows(() => BpfProgram.fromId(-1), RangeError);
      assertThrows(
        () => BpfProgram.fromId(0xffff_ffff),
        SystemError,
        "there is no program of that id",
      );
      assertThrows(() => BpfMap.fromFd(program.fd), NotSupportedError);
      const construct = BpfProgram as unknown as { new (): BpfProgram };
      assertThrows(() => new construct(), TypeError, "Illegal constructor");
    }
    assert(openDescriptors().length <= descriptors);
  },
);

programTest(
  "A closed BpfProgram throws ClosedError, and tells its name and type",
  () => {
    using map = mappable({ maxEntries: 1 });
    using loaded = Program.counting(map.fd, { type: XDP, name: "closing" });
    const program = BpfProgram.fromFd(loaded.fd);
    program.close();
    program.close();
    assertEquals([program.closed, program.name, program.type], [
      true,
      "closing",
      "xdp",
    ]);
    for (
      const use of [
        () => program.fd,
        () => program.info,
        () => program.run(),
        () => program.attach({ kind: "xdp", interface: "lo" }),
        () => program.pin("/tmp/nowhere"),
      ]
    ) {
      assertThrows(use, ClosedError, "The BPF program is closed");
    }
  },
);

programTest("A BpfProgram that was dropped without close goes", async () => {
  const before = openDescriptors("anon_inode:bpf-prog").length;
  (() => {
    using map = mappable({ maxEntries: 1 });
    using loaded = Program.counting(map.fd, { type: XDP });
    BpfProgram.fromFd(loaded.fd);
  })();
  assertEquals(openDescriptors("anon_inode:bpf-prog").length, before + 1);
  await eventually(() => {
    collect();
    return openDescriptors("anon_inode:bpf-prog").length === before;
  });
});

programTest(
  "BpfProgram.run() runs as often as asked, and gives what came of it",
  () => {
    using map = mappable({ maxEntries: 1 });
    using loaded = Program.counting(map.fd, { type: XDP, returns: 2 });
    using program = BpfProgram.fromFd(loaded.fd);
    const data = new Uint8Array(100).fill(7);
    const result = program.run({ data });
    assertEquals(number(map.lookup(0)), 1n);
    assertEquals(result.returnValue, 2);
    assertEquals(result.data, data);
    assertEquals(result.context, undefined);
    program.run({ data, repeat: 12_345 });
    assertEquals(number(map.lookup(0)), 12_346n);
    // A part of a buffer, and a class of the caller's.
    class Packet extends Uint8Array<ArrayBuffer> {}
    const buffer = new Uint8Array(64).map((_, i) => i).buffer;
    const part = new Packet(buffer, 10, 20);
    const given = program.run({ data: part }).data!;
    assertEquals([...given], [...part]);
    assertEquals(given.buffer.byteLength, 20);
  },
);

programTest("BpfProgram.run() gives negative numbers as C has them", () => {
  using map = mappable({ maxEntries: 1 });
  using loaded = Program.counting(map.fd, {
    type: SOCKET_FILTER,
    returns: -1,
  });
  using program = BpfProgram.fromFd(loaded.fd);
  assertEquals(program.run({ data: new Uint8Array(14) }).returnValue, -1);
});

attachTest(
  "BpfProgram.run() gives a packet that grew, a context, and what a syscall program changed",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const data = new Uint8Array(64).fill(255);
    const grown = counters.program("grow").run({ data });
    assertEquals(grown.returnValue, 3);
    assertEquals(
      [...grown.data!],
      [...Array(14).keys(), ...data],
    );
    // struct xdp_md: data, data_end, …
    const context = new Uint8Array(24);
    new Uint32Array(context.buffer)[1] = 64;
    const both = counters.program("xdp_first").run({ data, context });
    assertEquals(both.context!.length, 24);
    assertEquals(new Uint32Array(both.context!.buffer)[1], 64);
    assertEquals(both.data, data);
    // struct __sk_buff, whose mark is at 8: the program leaves it.
    const packet = new Uint8Array(64);
    new Uint32Array(packet.buffer)[2] = 99;
    const after = counters.program("tc_first").run({ data, context: packet });
    assertEquals(after.returnValue, -1);
    assertEquals(after.context!.length >= 184, true);
    assertEquals(new Uint32Array(after.context!.buffer)[2], 99);
    const numbers = new BigUint64Array([40n, 2n, 0n]);
    const sum = counters.program("add_numbers").run({
      context: new Uint8Array(numbers.buffer),
    });
    assertEquals(sum.returnValue, -7);
    assertEquals(
      new BigUint64Array(sum.context!.buffer),
      new BigUint64Array([40n, 2n, 42n]),
    );
    assertEquals(numbers[2], 0n);
    const syscall = counters.program("count_syscalls");
    const { returnValue, data: none } = syscall.run({
      context: new Uint8Array(16),
      cpu: 0,
    });
    assertEquals([returnValue, none], [0, undefined]);
  },
);

attachTest(
  "BpfProgram.run() refuses what cannot be, and says what it needs",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("xdp_first");
    const data = new Uint8Array(64);
    const cases: [RegExp, () => unknown][] = [
      [/Data must be a Uint8Array/, () => program.run({ data: [] as never })],
      [
        /Data must have at most 2147483647 bytes: it has 2147483648/,
        () => program.run({ data: new Uint8Array(2 ** 31) }),
      ],
      [
        /Data must be a Uint8Array/,
        () => program.run({ data: new Uint16Array(9) as never }),
      ],
      [
        /Context must be a Uint8Array/,
        () => program.run({ context: "" as never }),
      ],
      [
        /repeat must be an integer from 1/,
        () => program.run({ data, repeat: 0 }),
      ],
      [
        /repeat must be an integer from 1/,
        () => program.run({ data, repeat: 2 ** 32 }),
      ],
      [/CPU must be an integer/, () => program.run({ data, cpu: -1 })],
      [
        /Option liveFrames must be a boolean/,
        () => program.run({ data, liveFrames: 1 as never }),
      ],
      [/Options must be an object/, () => program.run(null as never)],
      [/EINVAL .*data of at least 14 bytes/, () => program.run()],
      [
        /EINVAL .*data of at least 14 bytes/,
        () => program.run({ data: new Uint8Array(13) }),
      ],
      [
        /E(INVAL|2BIG|NOMEM)/,
        () => program.run({ data: new Uint8Array(2 ** 20) }),
      ],
      [/EINVAL/, () => program.run({ data, cpu: 0 })],
      [
        /EINVAL .*of type raw_tracepoint take no data and no repeat, and a context/,
        () => counters.program("count_syscalls").run({ repeat: 2 }),
      ],
      [
        /NotSupportedError: Cannot run program "count_event" of type perf_event: the kernel runs programs of this type only where they are attached/,
        () => counters.program("count_event").run(),
      ],
    ];
    for (const [pattern, use] of cases) {
      assertMatch(String(assertThrows(use, Error)), pattern);
    }
    assertEquals(counters.get("first"), 0);
    // A detached buffer is empty, which nobody means.
    const gone = new Uint8Array(64);
    gone.buffer.transfer();
    assertThrows(() => program.run({ data: gone }), TypeError, "is detached");
    // Options whose getters close the program, or change the data.
    const closing = BpfProgram.fromFd(program.fd);
    const options = {
      get data(): Uint8Array {
        closing.close();
        return data;
      },
    };
    assertThrows(() => closing.run(options), ClosedError);
    const changing = {
      data,
      get repeat(): number {
        data.buffer.transfer();
        return 1;
      },
    };
    assertThrows(() => program.run(changing), TypeError, "is detached");
  },
);

programTest("BpfStatistics has the kernel count runs while it is open", () => {
  using map = mappable({ maxEntries: 1 });
  using loaded = Program.counting(map.fd, { type: XDP });
  using program = BpfProgram.fromFd(loaded.fd);
  const data = new Uint8Array(64);
  const statistics = BpfStatistics.enable();
  program.run({ data, repeat: 250 });
  const { runCount, runTime } = program.info;
  assertEquals(runCount, 250n);
  assert(runTime > 0n);
  statistics.close();
  statistics.close();
  assertEquals(statistics.closed, true);
});

testWith(attachable, setpriv, mounts)(
  "Attaching to groups and events without any capability says which it needs",
  async () => {
    using directory = new TemporaryDirectory();
    const object = await compileAttach(directory);
    Deno.mkdirSync(directory.join("pins"));
    const unprivileged = `
      import { BpfProgram, BpfLink, BpfStatistics } from "@hostmem/hostmem/bpf";
      const [directory] = Deno.args;
      function tell(use: () => unknown): void {
        try {
          use();
          console.log("not refused");
        } catch (error) {
          console.log(String(error));
        }
      }
      const at = (name: string) => BpfProgram.open(directory + "/" + name);
      tell(() => at("count_egress").attach({ kind: "cgroup", cgroup: "/sys/fs/cgroup", attachType: "cgroup_inet_egress" }));
      tell(() => at("count_event").attach({ kind: "perf_event", event: "cpu_clock", cpu: 0, period: 1000 }));
      tell(() => at("count_calls").attach({ kind: "uprobe", path: "/bin/sh", offset: 4096 }));
      tell(() => BpfProgram.fromId(1));
      tell(() => BpfLink.fromId(1));
      tell(() => BpfStatistics.enable());
    `;
    const { code, stdout, stderr } = await run(
      `
      import { Counters } from "./tests/bpf/_attach.ts";
      import { run, withoutCapabilities } from "./tests/_support.ts";
      const [object, directory] = Deno.args;
      using counters = new Counters(object!);
      for (const name of ["count_egress", "count_event", "count_calls"]) {
        counters.program(name).pin(directory + "/" + name);
      }
      const { stdout, stderr } = await run(${JSON.stringify(unprivileged)}, {
        permissions: ["-A"],
        args: [directory!],
        under: withoutCapabilities,
      });
      console.log(stdout);
      console.error(stderr);
    `,
      {
        permissions: ["-A"],
        args: [object, directory.join("pins")],
        under: [
          "unshare",
          "--mount",
          "sh",
          "-c",
          `mount -t bpf none "$0" && exec "$@"`,
          directory.join("pins"),
        ],
      },
    );
    assertEquals(code, 0, stderr);
    const lines = stdout.trimEnd().split("\n");
    const expected = [
      ["BPF_LINK_CREATE) failed with EPERM", "CAP_BPF and CAP_NET_ADMIN"],
      ["perf_event_open failed with E", "CAP_PERFMON"],
      ["perf_event_open failed with E", "CAP_PERFMON"],
      ["BPF_PROG_GET_FD_BY_ID) failed with EPERM", "CAP_SYS_ADMIN"],
      ["BPF_LINK_GET_FD_BY_ID) failed with EPERM", "CAP_SYS_ADMIN"],
      ["BPF_ENABLE_STATS) failed with EPERM", "CAP_SYS_ADMIN"],
    ];
    assertEquals(lines.length, expected.length, stdout + stderr);
    expected.forEach((parts, i) =>
      parts.forEach((part) => assertStringIncludes(lines[i]!, part))
    );
  },
);
