// deno-lint-ignore-file camelcase
/** The kernel's features: `supports()`, beside bpftool and attempts by libc. */

import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  type AttachType,
  type BpfFeature,
  type HelperName,
  type MapType,
  NotSupportedError,
  type ProgramType,
  supports,
} from "../../../bpf/mod.ts";
import {
  arenas,
  bpfMaps,
  command,
  fentry,
  fmodRet,
  iterators,
  kprobeMulti,
  libbpf,
  lsm,
  lsmCgroup,
  type Need,
  netfilter,
  restriction,
  setpriv,
  structOps,
  tcx,
  testWith,
  tpBtf,
  userRings,
} from "../../_needs.ts";
import { run, withoutCapabilities } from "../../_support.ts";

const featureTest = testWith(bpfMaps, libbpf);
const bpftoolTest = testWith(bpfMaps, libbpf, command("bpftool"));

/** The output of `bpftool feature probe`. */
interface Probed {
  readonly program_types: Readonly<Record<string, boolean>>;
  readonly map_types: Readonly<Record<string, boolean>>;
  readonly helpers: Readonly<Record<string, readonly HelperName[]>>;
}

let probed: Probed | undefined;

/** bpftool's answers; it and libbpf know the types that are as old as they. */
function bpftool(): Probed {
  return probed ??= runBpftool();
}

function runBpftool(): Probed {
  const args = ["--json", "feature", "probe", "kernel"];
  const { stdout } = new Deno.Command("bpftool", { args }).outputSync();
  return JSON.parse(new TextDecoder().decode(stdout));
}

function answersOf(
  theirs: Readonly<Record<string, boolean>>,
  kind: string,
  ask: (name: string) => boolean,
) {
  const ours = Object.keys(theirs).map((key) => {
    const [, name] = new RegExp(`^have_(.*)_${kind}_type$`).exec(key)!;
    return [key, ask(name!)] as const;
  });
  return Object.fromEntries(ours);
}

bpftoolTest("supports() answers for types of programs as bpftool does", () => {
  const theirs = bpftool().program_types;
  assert(Object.keys(theirs).length > 25);
  const ask = (name: string) => supports({ program: name as ProgramType });
  assertEquals(answersOf(theirs, "prog", ask), theirs);
});

bpftoolTest("supports() answers for types of maps as bpftool does", () => {
  const theirs = bpftool().map_types;
  assert(Object.keys(theirs).length > 25);
  const ask = (name: string) => supports({ map: name as MapType });
  assertEquals(answersOf(theirs, "map", ask), theirs);
});

bpftoolTest("supports() answers for helpers as bpftool does, or better", () => {
  const types = ["socket_filter", "cgroup_sock_addr"] as const;
  const theirs = types.map((type) =>
    bpftool().helpers[`${type}_available_helpers`]!
  );
  const all = new Set(theirs.flat());
  // Before its version 7.6 it takes what Linux 6.14 says for a yes: then there
  // is no helper that it says no to.
  const isFooled = theirs.every((list) => list.length === all.size);
  types.forEach((program, i) => {
    const ours = [...all].filter((helper) => supports({ program, helper }));
    assert(ours.length > 20 && ours.length < all.size, program);
    if (!isFooled) assertEquals(ours.toSorted(), theirs[i]!.toSorted());
  });
});

featureTest("supports() tells which programs may call a helper", () => {
  // net/core/filter.c: sk_filter_func_proto, tc_cls_act_func_proto
  const helper = "bpf_skb_store_bytes";
  assertEquals(supports({ program: "socket_filter", helper }), false);
  assertEquals(supports({ program: "sched_cls", helper }), true);
  assertThrows(
    () => supports({ program: "tracing", helper }),
    NotSupportedError,
    "depends on what it is loaded for",
  );
});

featureTest("supports() answers as the same attempts made by libc", () => {
  const attach = (attach: AttachType): BpfFeature => ({ attach });
  const needs: [Need, BpfFeature][] = [
    [arenas, { map: "arena" }],
    [userRings, { map: "user_ringbuf" }],
    [fentry, attach("trace_fentry")],
    [fmodRet, attach("modify_return")],
    [tpBtf, attach("trace_raw_tp")],
    [iterators, attach("trace_iter")],
    [lsm, attach("lsm_mac")],
    [lsmCgroup, attach("lsm_cgroup")],
    [structOps, attach("struct_ops")],
    [kprobeMulti, attach("trace_kprobe_multi")],
    [tcx, attach("tcx_ingress")],
    [netfilter, attach("netfilter")],
  ];
  for (const [need, feature] of needs) {
    const { what, unmet } = need;
    assertEquals(supports(feature), need.met, unmet ?? what);
  }
  // As old as Linux 5.9.
  const old = ["cgroup_inet4_connect", "xdp", "sk_msg_verdict"] as const;
  for (const type of old) assert(supports({ attach: type }), type);
});

featureTest("supports() leaves no descriptor behind", () => {
  const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
  supports({ map: "hash" });
  const before = open();
  supports({ map: "lpm_trie" });
  supports({ program: "sk_lookup" });
  supports({ program: "sk_lookup", helper: "bpf_sk_assign" });
  for (const attach of ["sk_lookup", "trace_iter", "sk_msg_verdict"] as const) {
    supports({ attach });
  }
  assertEquals(open(), before);
});

Deno.test("supports() refuses what is no feature", () => {
  const wrong: [unknown, string][] = [
    [undefined, "Options must be an object: received undefined"],
    [{}, "{ attach }: received none of them"],
    [{ map: "hash", program: "xdp" }, "received map and program"],
    [{ helper: "bpf_redirect" }, "received helper"],
    [{ maps: "hash" }, 'no option "maps"'],
    [{ map: "Hash" }, "Map type must be a name"],
    [{ program: 6 }, "Program type must be a name"],
    [{ program: "xdp", helper: "redirect" }, "Helper must be a name"],
    [{ attach: "tcx" }, "Attach type must be a name"],
    [{ attach: undefined }, "Attach type must be a name"],
  ];
  for (const [feature, message] of wrong) {
    assertThrows(() => supports(feature as BpfFeature), TypeError, message);
  }
});

testWith(setpriv, restriction, libbpf)(
  "supports() without capabilities says so, and nothing of the kernel",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { supports } from "@hostmem/hostmem/bpf";
      try {
        console.log(supports({ program: "xdp" }));
      } catch (error) {
        console.log(String(error));
      }
    `,
      { under: withoutCapabilities },
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "bpf(BPF_MAP_CREATE) failed with EPERM");
  },
);

featureTest(
  "supports() fails where there are too few descriptors to ask with",
  async () => {
    const { code, stdout, stderr } = await run(`
      import { supports } from "@hostmem/hostmem/bpf";
      import { libc, limit, RLIMIT_NOFILE } from "./tests/under_fire/_native.ts";
      const feature = { map: "hash_of_maps" } as const;
      // The first question loads what stays open.
      supports({ program: "xdp" });
      const lowered = limit(RLIMIT_NOFILE, 100);
      const taken: number[] = [];
      for (let fd = 0; (fd = libc.eventfd(0, 0)) >= 0;) taken.push(fd);
      libc.close(taken.pop()!);
      try {
        console.log(supports(feature));
      } catch (error) {
        console.log(String(error));
      }
      lowered.restore();
      for (const fd of taken) libc.close(fd);
      console.log(supports(feature));
    `);
    assertEquals(code, 0, stderr);
    const [refused, answer] = stdout.trim().split("\n");
    assertStringIncludes(refused!, "EMFILE");
    assertEquals(answer, `${supports({ map: "hash_of_maps" })}`);
  },
);
