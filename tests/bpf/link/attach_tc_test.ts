import { assertEquals, assertMatch } from "@std/assert";
import { clsact, command, networks, setpriv, testWith } from "../../_needs.ts";
import { run, TemporaryDirectory } from "../../_support.ts";
import { attachable, compileAttach, inNetwork } from "../_attach.ts";
import { isolated } from "../_network.ts";

const tcTest = testWith(attachable, networks, clsact, command("tc"));

/** The errors and the rest of what a program saw. */
function apart(seen: unknown): [errors: string[], rest: unknown[]] {
  const isError = (line: unknown) => /Error/.test(`${line}`);
  const all = seen as string[];
  return [all.filter(isError), all.filter((line) => !isError(line))];
}

function assertErrors(errors: string[], expected: RegExp[]): void {
  assertEquals(errors.length, expected.length, errors.join("\n"));
  expected.forEach((pattern, i) => assertMatch(errors[i]!, pattern));
}

tcTest(
  "BpfProgram.attach() by tc runs programs by priority, as tc(8) shows, until they are closed",
  async () => {
    const [errors, rest] = apart(
      await inNetwork(`
      const [one, two, three] = ["tc_first", "tc_second", "tc_third"]
        .map((name) => counters.program(name)!);
      const to = { kind: "tc", interface: "here", direction: "ingress" } as const;
      const show = () => sh("tc", "filter", "show", "dev", "here", "ingress");
      const qdiscs = () => sh("tc", "qdisc", "show", "dev", "here");
      function order(): number {
        counters.reset();
        pair.send(1);
        return counters.get("sequence");
      }
      using a = one!.attach({ ...to, priority: 20, handle: 7 });
      using b = two!.attach({ ...to, priority: 10 });
      seen.push(order(), a.info.target, b.info.target.handle > 0);
      seen.push(a.info.programId === one!.info.id, a.info.type, a.info.id);
      seen.push(/pref 20 bpf .*handle 0x7 tc_first.* direct-action/.test(show()));
      refused(() => three!.attach({ ...to, priority: 20, handle: 7 }));
      refused(() => three!.attach({ ...to, replace: true }));
      refused(() => three!.attach({ ...to, priority: 65536 }));
      refused(() => three!.attach({ ...to, direction: "in" as "ingress" }));
      refused(() => first.attach(to));
      refused(() => a.fd);
      refused(() => a.pin(directory + "/link"));
      a.update(three!);
      seen.push(order(), a.info.programId === three!.info.id);
      refused(() => a.update(one!, { old: three! }));
      refused(() => a.update(first));
      seen.push(Deno.inspect(a).replace(/\\(\\d+\\)/, "(…)"));
      // Another takes the place: it stays when the first is closed.
      using c = one!.attach({ ...to, priority: 20, handle: 7, replace: true });
      a.close();
      seen.push(order(), qdiscs().includes("clsact"));
      b.detach();
      refused(() => b.info);
      refused(() => b.update(two!));
      seen.push(order(), b.closed);
      c.close();
      seen.push(order(), qdiscs().includes("clsact"), one!.links.length);
    `),
    );
    assertErrors(errors, [
      /EEXIST .*priority 20 and handle 7: pass replace/,
      /TypeError: Option replace needs the options priority and handle/,
      /RangeError: Priority must be at most 65535: received 65536/,
      /TypeError: Direction must be "ingress" or "egress"/,
      /of type xdp to an interface by tc: its type must be sched_cls/,
      /no link for this: filters of tc\(8\) are of traffic control/,
      /no link for this: filters of tc\(8\) are of traffic control/,
      /Option old must be left out/,
      /SystemError: bpf_tc_attach failed with EINVAL/,
      /ENOENT .*there is no filter there/,
      /ENOENT .*there is no filter there/,
    ]);
    const index = (rest[1] as { interfaceIndex: number }).interfaceIndex;
    assertEquals(rest, [
      21,
      {
        kind: "tc",
        interfaceIndex: index,
        direction: "ingress",
        priority: 20,
        handle: 7,
      },
      true,
      true,
      null,
      0,
      true,
      23,
      true,
      "BpfLink { tc ingress on here (…), priority 20, handle 7 }",
      21,
      true,
      1,
      false,
      0,
      false,
      0,
    ]);
  },
);

tcTest(
  "A link by tc removes a clsact that it made, unless others have filters there, and no other",
  async () => {
    const [errors, rest] = apart(
      await inNetwork(
        `
      const tc = (...words: string[]) => sh("tc", ...words);
      const qdisc = () => /clsact|ingress/.exec(tc("qdisc", "show", "dev", "here"))?.[0] ?? "none";
      const program = counters.program("tc_first");
      const to = { kind: "tc", interface: "here", direction: "egress" } as const;
      const send = () => sh("bash", "-c", "echo >/dev/udp/10.9.0.2/9999");
      // One that somebody else made stays.
      tc("qdisc", "add", "dev", "here", "clsact");
      program.attach(to).close();
      seen.push(qdisc());
      tc("qdisc", "del", "dev", "here", "clsact");
      // One of ours goes with the last of ours.
      {
        using one = program.attach(to);
        {
          using two = program.attach({ ...to, direction: "ingress" });
          seen.push(one.info.target.direction, two.info.target.direction);
        }
        seen.push(qdisc());
        send();
        seen.push(counters.get("first"));
      }
      seen.push(qdisc());
      send();
      seen.push(counters.get("first"));
      // Somebody else's filter keeps it.
      program.pin("/sys/fs/bpf/program");
      {
        using link = program.attach(to);
        tc("filter", "add", "dev", "here", "ingress", "bpf", "direct-action", "object-pinned", "/sys/fs/bpf/program");
      }
      seen.push(qdisc());
      tc("qdisc", "del", "dev", "here", "clsact");
      // A discipline in its place that has one way only.
      tc("qdisc", "add", "dev", "here", "ingress");
      refused(() => program.attach(to));
      program.attach({ ...to, direction: "ingress" }).close();
      seen.push(qdisc());
      refused(() => program.attach({ ...to, interface: 4711 }));
      refused(() => program.attach({ ...to, interface: "nowhere" }));
      // An interface in another network namespace, until it is gone.
      const netns = "/proc/" + pair.pid + "/ns/net";
      {
        using link = program.attach({ ...to, direction: "ingress", interface: "there", netns });
        seen.push(/tc_first/.test(pair.there("tc", "filter", "show", "dev", "there", "ingress")));
        counters.reset();
        send();
        seen.push(counters.get("first"), link.info.programId === program.info.id);
      }
      seen.push(/clsact/.test(pair.there("tc", "qdisc", "show", "dev", "there")));
      using orphan = program.attach({ ...to, direction: "ingress", interface: "there", netns });
      sh("ip", "link", "del", "here");
      refused(() => orphan.info);
      refused(() => program.attach({ ...to, interface: "there", netns: "/proc/self/ns/mnt" }));
    `,
        "mount -t bpf none /sys/fs/bpf",
      ),
    );
    assertErrors(errors, [
      /EEXIST .*here \(\d+\) has the discipline "ingress", which sees packets on their way in alone/,
      /ENODEV .*there is no interface of index 4711/,
      /ENODEV .*there is no interface "nowhere"/,
      /E(NODEV|INVAL) .*there is no interface of index/,
      /setns failed with EINVAL .*must be of a network namespace/,
    ]);
    assertEquals(rest, [
      "clsact",
      "egress",
      "ingress",
      "clsact",
      1,
      "none",
      1,
      "clsact",
      "ingress",
      true,
      1,
      true,
      false,
    ]);
  },
);

tcTest(
  "A link by tc leaves what took its place: a later link's filter, of the same program too, or that of tc(8)",
  async () => {
    const seen = await inNetwork(
      `
      const program = counters.program("tc_first");
      const to = { kind: "tc", interface: "here", direction: "ingress" } as const;
      const place = { ...to, priority: 20, handle: 7, replace: true } as const;
      const count = () => BpfProgram.attachedTo(to).programs.length;
      using one = program.attach(place);
      using two = program.attach(place);
      one.detach();
      seen.push(count());
      one.close();
      seen.push(count());
      two.close();
      seen.push(count(), sh("tc", "qdisc", "show", "dev", "here").includes("clsact"));
      const path = "/sys/fs/bpf/other";
      counters.program("tc_second").pin(path);
      using three = program.attach(place);
      const words = "filter replace dev here ingress pref 20 handle 7 bpf direct-action object-pinned";
      sh("tc", ...words.split(" "), path);
      three.close();
      seen.push(count());
    `,
      "mount -t bpf none /sys/fs/bpf",
    );
    assertEquals(seen, [1, 1, 0, false, 1] as unknown);
  },
);

testWith(attachable, networks, clsact, setpriv)(
  "BpfProgram.attach() by tc takes CAP_BPF and CAP_NET_ADMIN, and to enter another network CAP_SYS_ADMIN",
  async () => {
    using directory = new TemporaryDirectory();
    const capabilities = "-all,+bpf,+net_admin,+perfmon";
    const { code, stdout, stderr } = await run(
      `
      import { Counters } from "./tests/bpf/_attach.ts";
      using counters = new Counters(Deno.args[0]!);
      const program = counters.program("tc_first");
      const to = { kind: "tc", interface: "lo", direction: "egress" } as const;
      using link = program.attach(to);
      console.log(link.info.programId === program.info.id);
      link.update(counters.program("tc_second"));
      link.close();
      // The network of the process that this one is a child of.
      try {
        program.attach({ ...to, netns: "/proc/1/ns/net" });
      } catch (error) {
        console.log(String(error));
      }
      `,
      {
        permissions: ["-A"],
        args: [await compileAttach(directory)],
        under: [
          ...isolated,
          "setpriv",
          `--bounding-set=${capabilities}`,
          `--inh-caps=${capabilities}`,
        ],
      },
    );
    assertEquals(code, 0, stderr);
    const [isSame, refusal] = stdout.trim().split("\n");
    assertEquals(isSame, "true");
    assertMatch(refusal!, /(EPERM|EACCES) /);
  },
);
