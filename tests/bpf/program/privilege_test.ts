import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  bpfMaps,
  bpfTest,
  restriction,
  setpriv,
  testWith,
} from "../../_needs.ts";
import { repository, run, withoutCapabilities } from "../../_support.ts";

const dropTest = testWith(setpriv);

const create = `
  import { BpfMap } from "@hostmem/hostmem/bpf";
  import { SystemError } from "@hostmem/hostmem";
  try {
    BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1, flags: ["mmapable"] });
    console.log("made");
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    console.log(error.code, error.errno, error.syscall, error.message);
  }
`;

testWith(setpriv, restriction)(
  "BpfMap.create() without any capability says which it needs",
  async () => {
    const { code, stdout, stderr } = await run(create, {
      under: withoutCapabilities,
    });
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "EPERM 1 bpf(BPF_MAP_CREATE)");
    for (
      const part of [
        "CAP_BPF",
        "CAP_SYS_ADMIN before Linux 5.8",
        "/proc/sys/kernel/unprivileged_bpf_disabled",
        "seccomp",
        "ulimit -l",
      ]
    ) {
      assertStringIncludes(stdout, part);
    }
  },
);

dropTest(
  "BpfMap.fromId() without any capability says that it needs CAP_SYS_ADMIN",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      try {
        BpfMap.fromId(1);
      } catch (error) {
        console.log(String(error));
      }
    `,
      { under: withoutCapabilities },
    );
    assertEquals(code, 0, stderr);
    assertMatch(
      stdout,
      /BPF_MAP_GET_FD_BY_ID\) failed with EPERM.*CAP_SYS_ADMIN/,
    );
  },
);

testWith(setpriv, bpfMaps)(
  "CAP_BPF alone suffices to make and map an array",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      import { u64 } from "@hostmem/hostmem";
      using map = BpfMap.create({
        type: "array",
        valueSize: 8,
        maxEntries: 1,
        flags: ["mmapable"],
      });
      map.pointer(u64, 0).value = 5n;
      console.log(map.lookup(0)![0]);
    `,
      {
        under: [
          "setpriv",
          "--bounding-set=-all,+bpf",
          "--inh-caps=-all,+bpf",
        ],
      },
    );
    assertEquals({ code, stdout }, { code: 0, stdout: "5\n" }, stderr);
  },
);

Deno.test("BpfMap needs --allow-ffi, at its first use and not at import", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { BpfMap } from "@hostmem/hostmem/bpf";
    console.log("imported");
    BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
  `,
    { permissions: [] },
  );
  assertEquals({ code, stdout }, { code: 1, stdout: "imported\n" });
  assertMatch(stderr, /NotCapable: Requires ffi access/);
});

bpfTest("BpfMap works with --allow-ffi=<path of libc> alone", async () => {
  const libc = Deno.readTextFileSync("/proc/self/maps")
    .match(/\/\S*\/libc\.so\.6$/m)![0];
  const { code, stdout, stderr } = await run(
    `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      import { u64 } from "@hostmem/hostmem";
      using map = BpfMap.create({
        type: "percpu_array",
        valueSize: 8,
        maxEntries: 1,
      });
      using array = BpfMap.create({
        type: "array",
        valueSize: 8,
        maxEntries: 1,
        flags: ["mmapable"],
      });
      array.pointer(u64, 0).value = 5n;
      console.log(map.lookup(0)!.length % 8, array.lookup(0)![0]);
    `,
    { permissions: [`--allow-ffi=${libc}`] },
  );
  assertEquals({ code, stdout }, { code: 0, stdout: "0 5\n" }, stderr);
});

Deno.test("Importing the package does not load its bpf room", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", "mod.ts"],
    cwd: repository,
    stderr: "inherit",
  });
  const { stdout } = await command.output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const room = new URL("../../../bpf/", import.meta.url).href;
  const specifiers = modules.map((module: { specifier: string }) =>
    module.specifier
  );
  assertEquals(
    specifiers.some((name: string) => name.endsWith("/mod.ts")),
    true,
  );
  assertEquals(
    specifiers.filter((name: string) => name.startsWith(room)),
    [],
  );
});
