import { assertEquals, assertMatch } from "@std/assert";
import {
  bridges,
  clsact,
  command,
  netfilter,
  netkit,
  networks,
  tcx,
  testWith,
} from "../../_needs.ts";
import { sized } from "../../_fire.ts";
import { TemporaryDirectory } from "../../_support.ts";
import { attachable, compileAttach, inNetwork } from "../_attach.ts";

const networkTest = testWith(attachable, networks);
const tcxTest = testWith(attachable, networks, tcx);

/** Packets under which a program is replaced: some dozens for each replacement. */
const PACKETS = sized(5000, 20_000);

for (const mode of ["generic", "native", undefined]) {
  networkTest(
    `BpfProgram.attach() to XDP (${
      mode ?? "default"
    }) sees every packet of a veth pair until the link is closed`,
    async () => {
      const seen = await inNetwork(`
        const mode = ${JSON.stringify(mode)};
        {
          using link = first.attach({ kind: "xdp", interface: "here", mode });
          pair.send(500);
          seen.push(counters.get("first"));
          const index = Number(Deno.readTextFileSync("/proc/net/dev_mcast").match(/^(\\d+)\\s+here /m)?.[1] ?? sh("ip", "-o", "link", "show", "here").split(":")[0]);
          const { type, programId, target } = link.info;
          seen.push(type, programId === first.info.id, target.kind, target.interfaceIndex === index);
          refused(() => second.attach({ kind: "xdp", interface: index, mode }));
          seen.push(sh("ip", "link", "show", "here").includes(${
        mode === "generic" ? '"xdpgeneric"' : '" xdp "'
      }));
        }
        pair.send(100);
        seen.push(counters.get("first"), counters.get("second"));
      `);
      const busy = (seen as string[]).splice(5, 1)[0]!;
      assertEquals(seen, [500, "xdp", true, "xdp", true, true, 500, 0]);
      assertMatch(busy, /failed with EBUSY .*another XDP program is attached/);
    },
  );
}

networkTest(
  "BpfLink.update() replaces an XDP program under traffic, and no packet is missed",
  async () => {
    const seen = await inNetwork(`
      using link = first.attach({ kind: "xdp", interface: "here" });
      const sent = pair.sendBeside(${PACKETS});
      let done = false;
      void sent.then(() => done = true);
      let updates = 0;
      while (!done) {
        const [next, old] = updates % 2 === 0 ? [second, first] : [first, second];
        link.update(next, { old });
        updates++;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await sent;
      const [a, b] = [counters.get("first"), counters.get("second")];
      seen.push(a + b, a > 0, b > 0, updates > 3);
      const attached = updates % 2 === 0 ? first : second;
      const other = updates % 2 === 0 ? second : first;
      seen.push(link.info.programId === attached.info.id);
      refused(() => link.update(first, { old: other }));
      refused(() => link.update(counters.program("tc_first")));
      refused(() => link.update({} as BpfProgram));
      seen.push(link.info.programId === attached.info.id);
    `) as string[];
    const errors = seen.splice(5, 3);
    assertEquals(seen, [PACKETS, true, true, true, true, true] as unknown[]);
    assertMatch(errors[0]!, /EPERM .*another program than the old one/);
    assertMatch(errors[1]!, /EINVAL .*of the type/);
    assertMatch(errors[2]!, /TypeError: Program must be a BpfProgram/);
  },
);

networkTest(
  "BpfLink.detach() detaches for everybody, and the link remains",
  async () => {
    const seen = await inNetwork(`
      using link = first.attach({ kind: "xdp", interface: "here" });
      using other = BpfLink.fromId(link.info.id);
      pair.send(10);
      other.detach();
      pair.send(10);
      seen.push(counters.get("first"), link.closed, link.info.target.interfaceIndex);
      refused(() => link.update(second));
      using next = second.attach({ kind: "xdp", interface: "here" });
      pair.send(10);
      seen.push(counters.get("second"));
    `) as string[];
    assertMatch(seen.splice(3, 1)[0]!, /ENOLINK .*is gone/);
    assertEquals(seen, [10, false, 0, 10] as unknown[]);
  },
);

tcxTest(
  "BpfProgram.attach() to TCX runs programs in the order asked for",
  async () => {
    const seen = await inNetwork(`
      const [one, two, three] = ["tc_first", "tc_second", "tc_third"]
        .map((name) => counters.program(name));
      const to = { kind: "tcx", interface: "here", direction: "ingress" } as const;
      function order(): number {
        counters.reset();
        pair.send(1);
        return counters.get("sequence");
      }
      using a = one!.attach(to);
      seen.push(order());
      using b = two!.attach(to);
      seen.push(order());
      using c = three!.attach({ ...to, before: "all" });
      seen.push(order());
      c.close();
      using d = three!.attach({ ...to, before: b });
      seen.push(order());
      d.close();
      using e = three!.attach({ ...to, after: one });
      seen.push(order());
      e.close();
      using f = three!.attach({ ...to, after: "all" });
      seen.push(order());
      refused(() => b.update(three!));
      f.close();
      b.update(three!);
      seen.push(order());
      seen.push(a.info.target.attachType, a.info.type);
      refused(() => three!.attach({ ...to, before: a, after: b }));
      refused(() => three!.attach({ ...to, before: {} as BpfLink }));
      refused(() => three!.attach({ ...to, before: e }));
      refused(() => three!.attach(to));
      const { programs, revision } = BpfProgram.attachedTo(to);
      const expected = [[one, a], [three, b]] as const;
      seen.push(programs.length, expected.every(([program, link], i) =>
        program!.info.id === programs[i]!.programId &&
        link.info.id === programs[i]!.linkId));
      b.close();
      refused(() => three!.attach({ ...to, before: two }));
      refused(() => three!.attach({ ...to, expectedRevision: revision }));
      using g = three!.attach({ ...to, expectedRevision: BpfProgram.attachedTo(to).revision });
      seen.push(order());
      // A number that another link has by the time that it is used.
      let other: BpfLink | undefined;
      refused(() => three!.attach({
        ...to,
        before: g,
        get interface() {
          g.close();
          other ??= BpfLink.fromFd(a.fd);
          return "here";
        },
      }));
      other?.close();
    `) as string[];
    const expected = [
      /BPF_LINK_UPDATE\) failed with EEXIST .*the new program is attached there/,
      /TypeError: Options before and after exclude each other/,
      /TypeError: Option before, unless .* must be a BpfProgram/,
      /ClosedError: The BPF link is closed/,
      /EEXIST .*attached there already/,
      /ENOENT .*run before or after is not attached there/,
      /ESTALE .*the programs there have changed since revision \d+/,
      /ClosedError: The BPF link is closed/,
    ];
    const errors = seen.filter((line) => /Error/.test(`${line}`));
    assertEquals(
      seen.filter((line) => !errors.includes(line)),
      [
        1,
        12,
        312,
        132,
        132,
        123,
        13,
        "tcx_ingress",
        "tcx",
        2,
        true,
        13,
      ] as unknown[],
    );
    assertEquals(errors.length, expected.length, errors.join("\n"));
    expected.forEach((pattern, i) => assertMatch(errors[i]!, pattern));
  },
);

tcxTest(
  "BpfProgram.attach() to TCX egress sees what is sent, and no more",
  async () => {
    const seen = await inNetwork(`
      using link = counters.program("tc_first").attach({
        kind: "tcx",
        interface: "here",
        direction: "egress",
      });
      pair.send(20);
      seen.push(counters.get("first"));
      sh("bash", "-c", "for i in 1 2 3 4 5; do echo >/dev/udp/10.9.0.2/9999; done");
      seen.push(counters.get("first"), link.info.target.attachType);
    `);
    assertEquals(seen, [0, 5, "tcx_egress"]);
  },
);

networkTest(
  "BpfProgram.attach() to a network namespace looks sockets up in it",
  async () => {
    const seen = await inNetwork(`
      const lookup = counters.program("count_lookup");
      {
        using link = lookup.attach({ kind: "netns" });
        pair.send(30);
        seen.push(counters.get("first"), link.info.target.attachType);
        seen.push(link.info.target.inode === Deno.statSync("/proc/self/ns/net").ino);
      }
      pair.send(30);
      seen.push(counters.get("first"));
      using file = Deno.openSync("/proc/self/ns/net");
      const target = new URL("file:///proc/self/ns/net");
      using link = lookup.attach({ kind: "netns", netns: target });
      pair.send(10);
      seen.push(counters.get("first"));
      refused(() => lookup.attach({ kind: "netns", netns: "/tmp" }));
      refused(() => lookup.attach({ kind: "netns", netns: "/nowhere" }));
      refused(() => lookup.attach({ kind: "netns", netns: 1 }));
    `) as string[];
    const errors = seen.splice(5);
    assertEquals(seen, [30, "sk_lookup", true, 30, 40] as unknown[]);
    assertMatch(errors[0]!, /EINVAL .*must be of a network namespace/);
    assertMatch(errors[1]!, /ENOENT .*"\/nowhere" does not exist/);
    assertMatch(errors[2]!, /EINVAL .*must be of a network namespace/);
  },
);

networkTest(
  "BpfProgram.attach() of a flow dissector admits one, and says so",
  async () => {
    const seen = await inNetwork(`
      using hits = mappable({ maxEntries: 1 });
      using dissector = Program.counting(hits.fd, {
        type: 22,
        attachType: 17,
        returns: 0,
      });
      using program = BpfProgram.fromFd(dissector.fd);
      using link = program.attach({ kind: "netns" });
      seen.push(link.info.target.attachType, link.info.type);
      refused(() => program.attach({ kind: "netns" }));
    `) as string[];
    assertEquals(seen.splice(0, 2), ["flow_dissector", "netns"]);
    assertMatch(seen[0]!, /E(BUSY|EXIST|2BIG) /);
  },
);

testWith(attachable, networks, netfilter)(
  "BpfProgram.attach() to netfilter counts what comes in, by priority",
  async () => {
    const seen = await inNetwork(`
      using hits = mappable({ maxEntries: 1 });
      using filter = Program.counting(hits.fd, {
        type: 32,
        attachType: 45,
        returns: 1,
      });
      using program = BpfProgram.fromFd(filter.fd);
      const to = { kind: "netfilter", family: "ipv4", hook: "local_in" } as const;
      {
        using link = program.attach({ ...to, priority: -5 });
        pair.send(40);
        seen.push(Number(number(hits.lookup(0))), link.info.type, link.info.target);
        refused(() => program.attach({ ...to, priority: 0.5 }));
        refused(() => program.attach({ ...to, priority: 1, hook: "nowhere" as "forward" }));
        refused(() => program.attach({ ...to, priority: 1, family: "ipx" as "ipv4" }));
        refused(() => link.update(program));
      }
      pair.send(40);
      seen.push(Number(number(hits.lookup(0))));
    `) as string[];
    const errors = seen.splice(3, 4);
    assertEquals(
      seen,
      [
        40,
        "netfilter",
        { kind: "netfilter", family: 2, hook: 1, priority: -5 },
        40,
      ] as unknown[],
    );
    assertMatch(errors[0]!, /RangeError: Priority must be a 32-bit integer/);
    assertMatch(errors[1]!, /TypeError: Hook must be a name/);
    assertMatch(errors[2]!, /TypeError: Family must be/);
    assertMatch(errors[3]!, /Cannot update a link of type netfilter/);
  },
);

networkTest(
  "BpfLink.pin() keeps an XDP program attached, unpin() lets it go",
  async () => {
    const seen = await inNetwork(`
      sh("mount", "-t", "bpf", "none", directory!);
      const path = directory + "/link";
      let id: number;
      {
        using link = first.attach({ kind: "xdp", interface: "here" });
        refused(() => link.unpin());
        link.pin(path);
        ({ id } = link.info);
        seen.push(link.pinnedTo === path);
      }
      pair.send(10);
      seen.push(counters.get("first"));
      {
        using link = BpfLink.open(path);
        seen.push(link.info.id === id, link.pinnedTo === path);
        link.update(second);
        using other = counters.program("count_lookup").attach({ kind: "netns" });
        refused(() => other.unpin(path));
        refused(() => BpfProgram.open(path));
        refused(() => BpfMap.open(path));
      }
      pair.send(10);
      seen.push(counters.get("second"));
      {
        using link = BpfLink.open(new URL("file://" + path));
        link.unpin();
        seen.push(link.pinnedTo);
        pair.send(10);
        refused(() => link.unpin(path));
      }
      pair.send(10);
      seen.push(counters.get("second"), linkIds().includes(id));
      {
        first.pin(directory + "/program");
        using opened = BpfProgram.open(directory + "/program");
        refused(() => BpfLink.open(directory + "/program"));
        seen.push(opened.name, opened.section, opened.info.id === first.info.id);
        using link = opened.attach({ kind: "xdp", interface: "here" });
        pair.send(5);
        seen.push(counters.get("first"));
      }
    `) as string[];
    const errors = seen.filter((line) => /Error/.test(`${line}`));
    assertEquals(
      seen.filter((line) => !/Error/.test(`${line}`)),
      [
        true,
        10,
        true,
        true,
        10,
        null,
        20,
        false,
        "xdp_first",
        null,
        true,
        15,
      ] as unknown[],
    );
    const expected = [
      /TypeError: The link is not known to be pinned/,
      /Cannot unpin the link of id \d+ from .* the link of id \d+ is pinned/,
      /NotSupportedError: Cannot use ".*link" as a BPF program/,
      /NotSupportedError: Cannot use ".*link" as a BPF map/,
      /ENOENT .*nothing is pinned there/,
      /NotSupportedError: Cannot use ".*program" as a BPF link/,
    ];
    assertEquals(errors.length, expected.length, errors.join("\n"));
    expected.forEach((pattern, i) => assertMatch(errors[i]!, pattern));
  },
);

networkTest(
  "A refusal of XDP says what is so: of a map's program, the MTU, the mode",
  async () => {
    using directory = new TemporaryDirectory();
    const object = await compileAttach(directory, "bare");
    const seen = await inNetwork(`
    using bare = BpfObject.load(${JSON.stringify(object)});
    const devmap = bare.program("bare_devmap");
    refused(() => devmap.attach({ kind: "xdp", interface: "here" }));
    refused(() => devmap.attach({ kind: "xdp", interface: 4711 }));
    pair.there("ip", "link", "set", "there", "mtu", "9000");
    refused(() => first.attach({ kind: "xdp", interface: "here", mode: "native" }));
    pair.there("ip", "link", "set", "there", "mtu", "1500");
    using link = first.attach({ kind: "xdp", interface: "here", mode: "generic" });
    seen.push(Deno.inspect(link));
    refused(() => first.attach({ kind: "xdp", interface: "lo", mode: "offload" }));
    refused(() => first.attach({ kind: "xdp", interface: "lo", mode: "native" }));
    refused(() => second.attach({ kind: "xdp", interface: "here", mode: "generic" }));
  `) as string[];
    assertMatch(seen[0]!, /EINVAL .*run by entries of a map, not attached/);
    assertMatch(
      seen[1]!,
      /there is no interface of index 4711 in this network namespace/,
    );
    assertMatch(
      seen[2]!,
      /ERANGE .*the MTU of the interface, or of the peer .*xdp.frags/,
    );
    assertMatch(seen[3]!, /^BpfLink \{ xdp on here \(\d+\) \}$/);
    assertMatch(seen[4]!, /EOPNOTSUPP .*device does not run programs itself/);
    assertMatch(seen[5]!, /EOPNOTSUPP .*driver does not run XDP/);
    assertMatch(seen[6]!, /EBUSY .*attached to the interface already/);
  },
);

testWith(attachable, networks, bridges)(
  "A refusal of XDP on a port names the device above it, which has a program",
  async () => {
    const seen = await inNetwork(`
      sh("ip", "link", "add", "above", "type", "bridge");
      sh("ip", "link", "set", "here", "master", "above");
      using link = first.attach({ kind: "xdp", interface: "above", mode: "generic" });
      refused(() => second.attach({ kind: "xdp", interface: "here", mode: "generic" }));
    `) as string[];
    assertMatch(seen[0]!, /EEXIST .*a bridge, bond or other device above it/);
  },
);

testWith(attachable, networks, clsact, command("bpftool"))(
  "BpfProgram.attachedTo() tells what an interface has by XDP and tc, as bpftool does, in any network",
  async () => {
    const seen = await inNetwork(
      `
      const bpftool = (run: (...command: string[]) => string) =>
        JSON.parse(run("bpftool", "--json", "net"))[0];
      const netns = "/proc/" + pair.pid + "/ns/net";
      const there = { interface: "there", netns };
      seen.push(BpfProgram.attachedTo({ kind: "xdp", interface: "here" }).programs);
      using generic = first.attach({ kind: "xdp", interface: "here", mode: "generic" });
      using native = second.attach({ kind: "xdp", mode: "native", ...there });
      for (const [place, run] of [
        [{ interface: "here" }, sh],
        [there, (...command: string[]) => pair.there(...command)],
      ] as const) {
        const { programs } = BpfProgram.attachedTo({ kind: "xdp", ...place });
        seen.push(programs.length, programs[0]!.mode);
        const { xdp: [told] } = bpftool(run);
        seen.push(told.id === programs[0]!.programId, told.mode);
      }
      const ingress = { kind: "tc", direction: "ingress", ...there } as const;
      seen.push(BpfProgram.attachedTo(ingress).programs);
      using two = counters.program("tc_second").attach({ ...ingress, priority: 9 });
      using one = counters.program("tc_first").attach({ ...ingress, priority: 5, handle: 3 });
      const { programs } = BpfProgram.attachedTo(ingress);
      const { tc } = bpftool((...command: string[]) => pair.there(...command));
      seen.push(programs.map(({ priority }) => priority), programs[0]!.handle);
      seen.push(programs.every(({ programId }, i) => programId === tc[i].id));
      seen.push(BpfProgram.attachedTo({ ...ingress, direction: "egress" }).programs);
      refused(() => BpfProgram.attachedTo({ kind: "xdp", interface: 4711 }));
      refused(() => BpfProgram.attachedTo({ ...ingress, interface: 4711 }));
      refused(() => BpfProgram.attachedTo({ kind: "uprobe" as "tc" } as typeof ingress));
      refused(() => BpfProgram.attachedTo({ ...ingress, priority: 5 } as typeof ingress));
    `,
      "mount -t bpf none /sys/fs/bpf",
    ) as string[];
    const errors = seen.splice(13);
    assertEquals(
      seen,
      [
        [],
        1,
        "generic",
        true,
        "generic",
        1,
        "native",
        true,
        "driver",
        [],
        [5, 9],
        3,
        true,
      ] as unknown[],
    );
    assertEquals(errors.shift(), [] as unknown);
    assertMatch(errors[0]!, /there is no interface of index 4711/);
    assertMatch(errors[1]!, /there is no interface of index 4711/);
    assertMatch(
      errors[2]!,
      /TypeError: Kind of place must be one of .*"uprobe"/,
    );
    assertMatch(errors[3]!, /TypeError: .*priority/);
  },
);

testWith(attachable, networks, netkit)(
  "BpfProgram.attach() to netkit counts what leaves the primary interface, or its peer",
  async () => {
    const seen = await inNetwork(`
      sh("ip", "link", "add", "kit", "type", "netkit");
      const peer = /kit@([^:]+):|([^ ]+)@kit:/.exec(sh("ip", "-o", "link"))!
        .slice(1).find((name) => name !== undefined)!;
      sh("ip", "address", "add", "10.8.0.1/24", "dev", "kit");
      for (const name of ["kit", peer]) sh("ip", "link", "set", name, "up");
      const send = () => sh("bash", "-c", "for i in 1 2 3; do echo >/dev/udp/10.8.0.2/9999; done");
      const to = { kind: "netkit", interface: "kit", side: "primary" } as const;
      const program = counters.program("tc_first");
      {
        using link = program.attach(to);
        send();
        seen.push(counters.get("first"), link.info.type, link.info.target.attachType);
        seen.push(BpfProgram.attachedTo(to).programs.map(({ linkId }) => linkId === link.info.id));
        refused(() => program.attach({ ...to, interface: peer }));
        refused(() => program.attach({ ...to, interface: "here" }));
        refused(() => program.attach({ ...to, side: "both" as "peer" }));
      }
      using other = counters.program("tc_second").attach({ ...to, side: "peer" });
      send();
      seen.push(counters.get("first"), other.info.target.attachType);
    `) as string[];
    const errors = seen.splice(4, 3);
    assertEquals(
      seen,
      [3, "netkit", "netkit_primary", [true], 3, "netkit_peer"] as unknown[],
    );
    assertMatch(errors[0]!, /EACCES .*must be the primary one/);
    assertMatch(errors[1]!, /ENXIO .*must be of type netkit/);
    assertMatch(errors[2]!, /TypeError: Side must be "primary" or "peer"/);
  },
);
