import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  bpfMaps,
  events,
  hugePages,
  Need,
  restriction,
  root,
  setpriv,
  testWith,
} from "../_needs.ts";
import { Refusal } from "../_attempts.ts";
import { HugePagePool } from "../_huge_pages.ts";
import { run, withoutCapabilities } from "../_support.ts";

/** Asks for everything, and tells what came of it and what was left behind. */
const asking = `
  import * as needs from "./tests/_needs.ts";
  import { openDescriptors } from "./tests/_support.ts";
  const all = Object.entries(needs)
    .filter((entry): entry is [string, needs.Need] => entry[1] instanceof needs.Need)
    .filter(([name]) => !Deno.args.includes(name));
  function left(): unknown[] {
    const files = ["/proc/net/dev", "/proc/self/mounts", "/proc/sys/vm/nr_hugepages"]
      .map((path) => Deno.readTextFileSync(path).replace(/^(.*:).*$/mg, "$1"));
    const directory = Deno.env.get("TMPDIR")!;
    const temporary = [...Deno.readDirSync(directory)];
    // Other tests mount in folders of theirs meanwhile.
    const own = files.map((text) =>
      text.split("\\n").filter((line) =>
        !line.includes("/hostmem-") || line.includes(directory)
      )
    );
    return [openDescriptors().sort(), temporary, own];
  }
  // The first opens libc, and whatever else stays.
  needs.bpfMaps.unmet;
  const before = left();
  const answers = Object.fromEntries(all.map(([name, need]) => [name, need.unmet ?? "met"]));
  console.log(JSON.stringify({ answers, before, after: left() }));
`;

async function ask(
  { under = [], before = "", without = [] }: {
    under?: string[];
    before?: string;
    without?: string[];
  } = {},
): Promise<Record<string, string>> {
  const temporary = Deno.makeTempDirSync({ prefix: "hostmem-" });
  try {
    // Others would change it meanwhile.
    using _pool = hugePages.unmet === undefined
      ? new HugePagePool()
      : undefined;
    const { code, stdout, stderr } = await run(before + asking, {
      permissions: ["-A"],
      env: { TMPDIR: temporary },
      under,
      args: without,
    });
    assertEquals([code, stderr], [0, ""]);
    const { answers, before: first, after } = JSON.parse(stdout);
    assertEquals(after, first);
    return answers;
  } finally {
    Deno.removeSync(temporary, { recursive: true });
  }
}

/** The need that is left out: it takes longer than all else, and asks no kernel. */
const without = ["numpy"];

Deno.test("Asking what tests need leaves nothing behind, and says of each why it is not there", async () => {
  const answers = Object.values(await ask());
  assert(answers.length > 20);
  for (const answer of answers) {
    assertMatch(answer, /^(met|missing: .+|refused: .+: .+)$/);
  }
});

testWith(setpriv, bpfMaps, restriction)(
  "Whoever has no capability is told that a privilege is missing",
  async () => {
    const answers = await ask({ under: withoutCapabilities, without });
    assertEquals(answers["bpfMaps"], "missing: privilege for BPF maps");
    assertEquals(answers["mounts"], "missing: privilege for mounting");
    assertEquals(answers["root"], "met");
    assert(answers["tcx"] !== "met" && answers["iterators"] !== "met");
  },
);

/** Has a seccomp filter refuse a command of `bpf(2)`, or all of them. */
function refusing(errno: number, command?: number): string {
  return `
  {
    const libc = Deno.dlopen("libc.so.6", {
      prctl: { parameters: ["i32", "i64", "buffer", "i64", "i64"], result: "i32" },
    });
    const bpf = Deno.build.arch === "x86_64" ? 321 : 280;
    // struct sock_filter: code, jt, jf, k. LD [nr]; JEQ bpf; LD [args[0]]; …
    const command = ${command ?? -1};
    const code = [
      [0x20, 0, 0, 0],
      [0x15, 0, command < 0 ? 1 : 3, bpf],
      ...command < 0 ? [] : [[0x20, 0, 0, 16], [0x15, 0, 1, command]],
      [0x06, 0, 0, 0x00050000 | ${errno}], // SECCOMP_RET_ERRNO
      [0x06, 0, 0, 0x7fff0000], // SECCOMP_RET_ALLOW
    ];
    const filter = new DataView(new ArrayBuffer(code.length * 8));
    code.forEach(([operation, yes, no, value], i) => {
      filter.setUint16(i * 8, operation!, true);
      filter.setUint8(i * 8 + 2, yes!);
      filter.setUint8(i * 8 + 3, no!);
      filter.setUint32(i * 8 + 4, value!, true);
    });
    const program = new DataView(new ArrayBuffer(16));
    program.setUint16(0, code.length, true);
    const at = Deno.UnsafePointer.value(Deno.UnsafePointer.of(filter));
    program.setBigUint64(8, BigInt(at), true);
    // PR_SET_SECCOMP, SECCOMP_MODE_FILTER: of this thread, which makes the calls.
    if (libc.symbols.prctl(22, 2n, program, 0n, 0n) !== 0) throw new Error("prctl");
  }
  `;
}

testWith(root, bpfMaps, events)(
  "Root is told what the kernel refuses, and by which call",
  async () => {
    // BPF_LINK_CREATE
    for (const [errno, name] of [[1, "EPERM"], [22, "EINVAL"]] as const) {
      const answers = await ask({ before: refusing(errno, 28), without });
      assertEquals(answers["bpfMaps"], "met");
      assertEquals(
        answers["events"],
        `refused: perf events: bpf(BPF_LINK_CREATE): ${name}`,
      );
    }
    const nothing = await ask({ before: refusing(38), without });
    assertEquals(
      nothing["bpfMaps"],
      "refused: BPF maps: bpf(BPF_MAP_CREATE): ENOSYS",
    );
    assertEquals(nothing["root"], "met");
  },
);

Deno.test("A test whose need is not met is ignored, with the reason behind its name", () => {
  const { test } = Deno;
  const declared: unknown[] = [];
  let asked = 0;
  const met = new Need("air", () => void asked++);
  const refused = new Need("gold", () => {
    asked++;
    throw new Refusal("make(GOLD): EINVAL", 22);
  });
  Object.assign(Deno, {
    test: (...given: unknown[]) => declared.push(given),
  });
  const body = () => {};
  try {
    testWith(met)("A promise", body);
    testWith(met, [refused])("A promise", body);
    testWith(refused)("Another", body);
  } finally {
    Object.assign(Deno, { test });
  }
  const reason = "[refused: gold: make(GOLD): EINVAL]";
  assertEquals(declared, [
    ["A promise", body],
    [{ name: `A promise ${reason}`, ignore: true, fn: body }],
    [{ name: `Another ${reason}`, ignore: true, fn: body }],
  ]);
  assertEquals(asked, 2);
});
