import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BpfObject, SystemError, VerifierError } from "../../../bpf/mod.ts";
import { bpfObjects, clang, root, setpriv, testWith } from "../../_needs.ts";
import { run, TemporaryDirectory } from "../../_support.ts";
import { compile, compileText } from "../_objects.ts";

const compileTest = testWith(bpfObjects, clang);
const dropTest = testWith(bpfObjects, clang, setpriv);
const directory = new TemporaryDirectory();
addEventListener("unload", () => directory[Symbol.dispose]());

/** An object of one program. */
function inSection(section: string, ...flags: string[]): Promise<string> {
  return compile("section", directory, {
    flags: [`-DSECTION="${section}"`, ...flags],
  });
}

/** The reason why an object cannot be loaded and attached; undefined where it can. */
async function failure(
  section: string,
  ...flags: string[]
): Promise<SystemError | undefined> {
  const path = await inSection(section, ...flags);
  try {
    using object = BpfObject.load(path);
    using _link = object.program("only").attach();
    return undefined;
  } catch (error) {
    assertInstanceOf(error, SystemError);
    return error;
  }
}

/** A section, what its program is attached to, and flags of the compiler. */
type Trial = readonly [section: string, target: unknown, ...flags: string[]];

/**
 * Loads and attaches with these capabilities alone, one after the other: what is
 * said of each.
 */
async function withCapabilities(
  capabilities: readonly string[],
  ...trials: readonly Trial[]
): Promise<string[]> {
  const requests = trials.map(async ([section, target, ...flags]) => ({
    path: await inSection(section, ...flags),
    target,
  }));
  const only = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  const { code, stdout, stderr } = await run(
    `
    import { BpfObject } from "@hostmem/hostmem/bpf";
    const said = JSON.parse(Deno.args[0]).map(({ path, target }) => {
      try {
        using object = BpfObject.load(path);
        using link = object.program("only").attach(target);
        return "attached";
      } catch (error) {
        return error.name + " " + error.message;
      }
    });
    console.log(JSON.stringify(said));
  `,
    {
      permissions: ["-A"],
      args: [JSON.stringify(await Promise.all(requests))],
      under: ["setpriv", `--bounding-set=${only}`, `--inh-caps=${only}`],
    },
  );
  assertEquals([code, stderr], [0, ""]);
  assertFalse(/ulimit|RLIMIT|trivial/.test(stdout), stdout);
  return JSON.parse(stdout);
}

const lo = { kind: "xdp", interface: "lo", mode: "generic" };
const ownCode = { kind: "uprobe", path: "/bin/sh", offset: 0 };

dropTest(
  "A program that may not be loaded names the capabilities that it takes (needs clang, libbpf, setpriv and root)",
  async () => {
    const tracing = ["raw_tp/sys_enter", undefined] as const;
    const cases: [string[], [Trial, string][]][] = [
      [[], [
        [tracing, "CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux"],
        [["xdp", lo], "CAP_BPF and CAP_NET_ADMIN"],
      ]],
      [["bpf"], [
        [tracing, "CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before"],
        [["cgroup/dev", undefined], "CAP_BPF and CAP_NET_ADMIN"],
      ]],
      [["bpf", "perfmon"], [
        [tracing, "attached"],
        [["xdp", lo], "CAP_BPF and CAP_NET_ADMIN"],
        [["uprobe", ownCode], "CAP_SYS_ADMIN"],
      ]],
      [["bpf", "net_admin"], [[["xdp", lo], "attached"]]],
    ];
    for (const [capabilities, expected] of cases) {
      const trials = expected.map(([trial]) => trial);
      const said = await withCapabilities(capabilities, ...trials);
      for (const [i, [[section], needed]] of expected.entries()) {
        assertStringIncludes(said[i]!, needed, `${capabilities} ${section}`);
        if (needed.startsWith("CAP_")) {
          assertStringIncludes(said[i]!, "SystemError");
        }
      }
    }
  },
);

dropTest(
  "A program that calculates with pointers is told of CAP_PERFMON where that is what it lacks (needs clang, libbpf, setpriv and root)",
  async () => {
    const packets = ["xdp", lo, "-DPOINTERS"] as const;
    const [said] = await withCapabilities(["bpf", "net_admin"], packets);
    assert(said !== undefined);
    assertStringIncludes(said, "VerifierError");
    assertStringIncludes(said, "This process lacks CAP_PERFMON");
    const all = ["bpf", "net_admin", "perfmon"];
    assertEquals(await withCapabilities(all, packets), ["attached"]);
  },
);

compileTest(
  "A VerifierError's message has the reason, and not the registers behind it (needs clang and libbpf)",
  async () => {
    const error = await failure("raw_tp/sys_enter", "-DENDLESS");
    assertInstanceOf(error, VerifierError);
    assertEquals(error.program, "only");
    assertStringIncludes(error.message, "infinite loop detected at insn");
    assertFalse(error.message.includes("old state:"), error.message);
    assertStringIncludes(error.log, "old state:");
  },
);

compileTest(
  "A section that names nothing is no matter of the verifier (needs clang and libbpf)",
  async () => {
    for (
      const [section, code, advice] of [
        ["rawtp/sched_switch", "EINVAL", 'does not know the section "rawtp/'],
        ["tp_btf/sched_switchh", "ESRCH", 'section "tp_btf/sched_switchh"'],
        ["raw_tp/sched_switchh", "ENOENT", "'sched_switchh'"],
      ] as const
    ) {
      const error = await failure(section);
      assert(error !== undefined && !(error instanceof VerifierError), section);
      assertEquals(error.code, code);
      assertStringIncludes(error.message, advice);
      assertStringIncludes(error.syscall, "bpf_");
    }
    const tcx = await failure("tcx/egress").catch((error) => error);
    // Libbpf 1.3 knows it, and programs of it want a target.
    if (tcx instanceof SystemError) {
      assertFalse(tcx instanceof VerifierError);
      assertStringIncludes(tcx.message, 'use SEC("tc")');
      assertStringIncludes(tcx.message, "libbpf 1.3");
    }
  },
);

compileTest(
  "A section without the target that loading takes is told how to give it (needs clang and libbpf)",
  async () => {
    for (
      const [section, advice] of [
        ["fentry", `write SEC("fentry/…"), or pass programs: { "only": {`],
        ["lsm_cgroup", `attachTo: { function: "…" }`],
        ["freplace/x", "attachTo: { program }"],
      ] as const
    ) {
      const error = await failure(section);
      assertInstanceOf(error, SystemError);
      assertFalse(error instanceof VerifierError);
      assertStringIncludes(error.message, `section "${section}" `);
      assertStringIncludes(error.message, advice);
    }
    // Since libbpf 1.5 such a program is not loaded at all.
    const unused = await failure("struct_ops/x").catch((error) => error);
    if (unused?.code === "ENOTSUPP") {
      assertStringIncludes(unused.message, "only may be in none");
    }
  },
);

testWith(bpfObjects, clang, root)(
  "A kernel that refuses fentry, fexit or lsm to root is not said to want more privilege (needs clang and libbpf)",
  async () => {
    for (
      const section of ["fentry/vfs_open", "fexit/vfs_open", "lsm/file_open"]
    ) {
      const error = await failure(section);
      if (error?.code !== "EPERM") continue;
      assertFalse(error instanceof VerifierError);
      assertStringIncludes(error.message, `refuses section "${section}"`);
      assertFalse(/ulimit|RLIMIT/.test(error.message), error.message);
    }
  },
);

compileTest(
  "An object whose BTF the kernel refuses says so, without the log of all types (needs clang and libbpf)",
  async () => {
    for (
      const [name, fields, why] of [
        ["größe", "int flags;", "Invalid name"],
        // Kernels before 6.2 look at it when the map is made.
        ["of_bits", "char one : 4, two : 4;", undefined],
      ] as const
    ) {
      const path = await compileText(
        `struct ${name} { struct bpf_spin_lock lock; ${fields} };
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, int);
  __type(value, struct ${name});
} locked SEC(".maps");
SEC("socket") int only(struct __sk_buff *skb) {
  int key = 0;
  struct ${name} *value = bpf_map_lookup_elem(&locked, &key);
  if (!value) return 0;
  bpf_spin_lock(&value->lock);
  bpf_spin_unlock(&value->lock);
  return 1;
}`,
        directory,
      );
      let error: unknown;
      try {
        BpfObject.load(path).close();
      } catch (thrown) {
        error = thrown;
      }
      assertInstanceOf(error, SystemError);
      assertFalse(/BEGIN BTF|magic:/.test(error.message), error.message);
      if (why === undefined) continue;
      assertStringIncludes(error.message, "refused the object's BTF");
      assertStringIncludes(error.message, why);
    }
  },
);

compileTest(
  "A map that must have BTF is refused with the kernel's reason for refusing that (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `struct größe { int one; };
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct größe);
} stored SEC(".maps");
SEC("socket") int only(struct __sk_buff *skb) { return 0; }`,
      directory,
    );
    const error = assertThrows(() => BpfObject.load(path), SystemError);
    assertFalse(/BEGIN BTF|magic:|optional/.test(error.message), error.message);
    assertStringIncludes(error.message, "refused the object's BTF");
    assertStringIncludes(error.message, "STRUCT größe size=4 vlen=1 Invalid");
  },
);
