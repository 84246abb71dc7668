import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { cgroups, command, testWith } from "../../_needs.ts";
import { repository, TemporaryDirectory } from "../../_support.ts";
import { attachable, compileAttach } from "../_attach.ts";
import { runIsolated } from "../_isolated.ts";

const groupTest = testWith(attachable, cgroups);

/** Runs a program that has a control group of its own, `group`. */
async function inGroup(program: string): Promise<unknown[]> {
  using directory = new TemporaryDirectory();
  const path = await compileAttach(directory);
  return await runIsolated(
    `
    import { Counters, noting } from "./tests/bpf/_attach.ts";
    import { sh } from "./tests/bpf/_network.ts";
    import { BpfObject, BpfProgram } from "@hostmem/hostmem/bpf";
    export default function (object: string, directory: string) {
      using counters = new Counters(object);
      const bytes = Deno.readFileSync(object);
      sh("ip", "link", "set", "lo", "up");
      sh("mount", "-t", "cgroup2", "none", directory);
      const group = directory + "/hostmem-" + crypto.randomUUID();
      const seen: unknown[] = [];
      const refused = noting(seen);
      /** Runs commands of the shell's, in the group or not. */
      function bash(commands: string, within = true): boolean {
        const enter = within ? "echo $$ >'" + group + "/cgroup.procs'; " : "";
        return new Deno.Command("bash", { args: ["-c", enter + commands], stderr: "null" })
          .outputSync().success;
      }
      Deno.mkdirSync(group);
      try {
        ${program}
      } finally {
        Deno.removeSync(group);
      }
      return seen;
    }
  `,
    [path, directory.path],
  ) as unknown[];
}

const datagrams = "for i in {1..25}; do echo >/dev/udp/127.0.0.1/9999; done";

groupTest(
  "BpfProgram.attach() to a cgroup takes the attach type from the section, and sees that group alone",
  async () => {
    const seen = await inGroup(`
      const program = counters.program("count_egress");
      {
        using link = program.attach({ kind: "cgroup", cgroup: group });
        bash("${datagrams}");
        bash("${datagrams}", false);
        const { type, target } = link.info;
        seen.push(counters.get("first"), type, target.kind, target.attachType);
        seen.push(target.cgroupId === BigInt(Deno.statSync(group).ino));
      }
      bash("${datagrams}");
      seen.push(counters.get("first"));
    `);
    assertEquals(seen, [
      25,
      "cgroup",
      "cgroup",
      "cgroup_inet_egress",
      true,
      25,
    ]);
  },
);

groupTest(
  "BpfProgram.attach() to a cgroup's connect4 refuses what the program refuses",
  async () => {
    const seen = await inGroup(`
      const program = counters.program("count_connect");
      using file = Deno.openSync(group);
      const url = new URL("file://" + group);
      using link = program.attach({ kind: "cgroup", cgroup: url });
      seen.push(bash("echo >/dev/udp/127.0.0.1/9997"));
      seen.push(bash("echo >/dev/udp/127.0.0.1/9998"));
      seen.push(bash("echo >/dev/udp/127.0.0.1/9998", false));
      seen.push(counters.get("first"));
      link.detach();
      seen.push(bash("echo >/dev/udp/127.0.0.1/9998"), link.info.target.cgroupId === 0n);
    `);
    assertEquals(seen, [true, false, true, 2, true, true]);
  },
);

groupTest(
  "BpfProgram.attach() of an opened program to a cgroup wants the attach type, and replaces under traffic",
  async () => {
    const seen = await inGroup(`
      const cgroup = group;
      const attachType = "cgroup_inet_egress";
      using program = BpfProgram.fromFd(counters.program("count_egress").fd);
      refused(() => program.attach({ kind: "cgroup", cgroup }));
      refused(() => program.attach({ kind: "cgroup", cgroup, attachType: "egress" as "xdp" }));
      refused(() => program.attach({ kind: "cgroup", cgroup, attachType: "cgroup_inet4_connect" }));
      refused(() => program.attach({ kind: "cgroup", cgroup: "/tmp", attachType }));
      refused(() => program.attach({ kind: "cgroup", cgroup: "/nowhere", attachType }));
      refused(() => program.attach({ kind: "cgroup", cgroup: 0.5, attachType }));
      refused(() => counters.program("xdp_first").attach({ kind: "cgroup", cgroup }));
      using link = program.attach({ kind: "cgroup", cgroup, attachType });
      bash("${datagrams}");
      seen.push(counters.get("first"));
    `);
    assertEquals(seen.pop(), 25);
    const expected = [
      /NotSupportedError: Cannot tell what .*"count_egress" of type cgroup_skb is for: pass attachType/,
      /TypeError: Attach type must be a name/,
      /EINVAL .*loaded for another attach type/,
      /EBADF .*must be of a directory of a cgroup2 file system/,
      /ENOENT .*Control group "\/nowhere" does not exist/,
      /RangeError: Descriptor must be/,
      /NotSupportedError: Cannot attach program "xdp_first" of type xdp to a control group: its type must be cgroup_skb or/,
    ];
    assertEquals(seen.length, expected.length, seen.join("\n"));
    expected.forEach((pattern, i) => assertMatch(seen[i] as string, pattern));
  },
);

testWith(attachable, cgroups, command("bpftool"))(
  "BpfProgram.attach() to a cgroup without a link admits others by its mode, and is told of as bpftool does",
  async () => {
    const seen = await inGroup(`
      const egress = counters.program("count_egress");
      const connect = counters.program("count_connect");
      const to = { kind: "cgroup", cgroup: group } as const;
      const place = { ...to, attachType: "cgroup_inet_egress" } as const;
      const bpftool = () => JSON.parse(sh("bpftool", "--json", "cgroup", "show", group).trim() || "[]")
        .filter(({ attach_type }) => /egress/.test(attach_type));
      seen.push(BpfProgram.attachedTo(place).programs);
      {
        using one = egress.attach({ ...to, mode: "multi" });
        using two = egress.attach(to);
        bash("${datagrams}");
        const { programs } = BpfProgram.attachedTo(place);
        seen.push(counters.get("first"), programs.map(({ mode }) => mode));
        seen.push(programs.every(({ programId }) => programId === egress.info.id));
        seen.push(bpftool().map(({ id, attach_flags }) => id === egress.info.id && attach_flags));
        seen.push(one.info.target.attachType, one.info.programId === egress.info.id);
        seen.push(one.info.target.cgroupId === BigInt(Deno.statSync(group).ino));
        refused(() => egress.attach({ ...to, mode: "exclusive" }));
        refused(() => egress.attach({ ...to, mode: "none" as "multi" }));
        refused(() => one.update(connect));
        const below = group + "/below";
        Deno.mkdirSync(below);
        const all = { ...place, cgroup: below, effective: true } as const;
        seen.push(BpfProgram.attachedTo(all).programs.length);
        seen.push(BpfProgram.attachedTo({ ...all, effective: false }).programs.length);
        Deno.removeSync(below);
        two.close();
        counters.reset();
        using copy = BpfProgram.fromFd(egress.fd);
        one.detach();
        one.detach();
      }
      bash("${datagrams}");
      seen.push(counters.get("first"), bpftool().length);
      {
        using one = egress.attach({ ...to, mode: "exclusive" });
        refused(() => egress.attach(to));
        seen.push(BpfProgram.attachedTo(place).programs[0]!.mode);
      }
      refused(() => BpfProgram.attachedTo({ ...place, cgroup: "/tmp" }));
      refused(() => BpfProgram.attachedTo({ ...place, attachType: "egress" as "xdp" }));
    `);
    const isError = (line: unknown) => /Error/.test(`${line}`);
    const errors = seen.filter(isError) as string[];
    assertEquals(seen.filter((line) => !isError(line)), [
      [],
      50,
      ["multi", "multi"],
      true,
      ["multi", "multi"],
      "cgroup_inet_egress",
      true,
      true,
      2,
      0,
      0,
      0,
      "exclusive",
    ]);
    const expected = [
      /EPERM .*a program that admits no others may be attached/,
      /TypeError: Mode must be "multi", "override" or "exclusive"/,
      /EINVAL .*loaded for another attach type/,
      /EPERM /,
      /EBADF .*must be of a target of this kind/,
      /TypeError: Attach type must be a name/,
    ];
    assertEquals(errors.length, expected.length, errors.join("\n"));
    expected.forEach((pattern, i) => assertMatch(errors[i]!, pattern));
  },
);

groupTest(
  "A link to a cgroup without a link of the kernel's leaves the program that took its place",
  async () => {
    const seen = await inGroup(`
      const egress = counters.program("count_egress");
      using other = BpfObject.load(bytes);
      const to = { kind: "cgroup", cgroup: group } as const;
      const place = { ...to, attachType: "cgroup_inet_egress" } as const;
      const ids = () => BpfProgram.attachedTo(place).programs.map(({ programId }) => programId);
      for (const mode of ["exclusive", "override"] as const) {
        for (const next of [other.program("count_egress"), egress]) {
          using first = egress.attach({ ...to, mode });
          using second = next.attach({ ...to, mode });
          first.close();
          seen.push(ids().length === 1 && ids()[0] === next.info.id);
          second.close();
          seen.push(ids().length);
        }
      }
    `);
    assertEquals(seen, [true, 0, true, 0, true, 0, true, 0]);
  },
);

testWith(attachable, cgroups, command("bpftool"))(
  "A link to a cgroup without a link of the kernel's leaves the program that bpftool put in its place",
  async () => {
    const seen = await inGroup(`
      const egress = counters.program("count_egress");
      using other = BpfObject.load(bytes);
      const { id } = other.program("count_egress").info;
      const to = { kind: "cgroup", cgroup: group } as const;
      const place = { ...to, attachType: "cgroup_inet_egress" } as const;
      const ids = () => BpfProgram.attachedTo(place).programs.map(({ programId }) => programId);
      const link = egress.attach({ ...to, mode: "exclusive" });
      sh("bpftool", "cgroup", "attach", group, "egress", "id", String(id));
      link.close();
      seen.push(ids().length === 1 && ids()[0] === id);
      sh("bpftool", "cgroup", "detach", group, "egress", "id", String(id));
      // A group that is gone says nothing of it.
      const gone = group + "/gone";
      Deno.mkdirSync(gone);
      using last = egress.attach({ ...to, cgroup: gone, mode: "exclusive" });
      Deno.removeSync(gone);
      last.close();
      seen.push(last.closed);
    `);
    assertEquals(seen, [true, true]);
  },
);

groupTest(
  "What was attached to a cgroup without a link, and updated, goes with its test file's isolate",
  async () => {
    const seen = await inGroup(`
      const place = { kind: "cgroup", cgroup: group, attachType: "cgroup_inet_egress" } as const;
      const file = Deno.makeTempFileSync({ suffix: "_test.ts" });
      const source = Deno.makeTempFileSync({ suffix: ".bpf.o" });
      Deno.writeFileSync(source, bytes);
      Deno.writeTextFileSync(file, \`
        import { BpfObject, BpfProgram } from "${
      join(repository, "bpf/mod.ts")
    }";
        Deno.test("attaching", () => {
          const [one, two] = ["\${source}", "\${source}"]
            .map((path) => BpfObject.load(path).program("count_egress"));
          one.attach({ kind: "cgroup", cgroup: "\${group}", mode: "multi" }).update(two);
          const place = \${JSON.stringify(place)};
          if (BpfProgram.attachedTo(place).programs.length !== 1) throw new Error();
        });
      \`);
      const { success } = new Deno.Command(Deno.execPath(), {
        args: ["test", "-A", "--quiet", "--no-check", "--no-lock", "--no-config", file],
      }).outputSync();
      seen.push(success, BpfProgram.attachedTo(place).programs);
      for (const path of [file, source]) Deno.removeSync(path);
    `);
    assertEquals(seen, [true, []]);
  },
);
