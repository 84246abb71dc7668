import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  asNobody,
  bpfMaps,
  bpfTest,
  nobody,
  restriction,
  setpriv,
  testWith,
} from "../tests/_needs.ts";
import {
  isRoot,
  run,
  type RunOptions,
  TemporaryDirectory,
  withoutCapabilities,
} from "../tests/_support.ts";

const quickstart = new URL("./quickstart.ts", import.meta.url);

async function output(options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(quickstart, options);
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
  return stdout;
}

/** Declares a test as somebody whom BPF is denied. */
const deniedTest = testWith(bpfMaps.met ? [restriction, setpriv] : []);

/** Asserts what every run shows, whatever memory it is of. */
function assertTaught(stdout: string): void {
  assertStringIncludes(stdout, "struct Stats");
  const values =
    "Stats { packets: 7n, bytes: 448n, ports: [ 22, 80, 443, 0 ] }";
  // Through the pointer, from the bytes read back, and through the last view.
  assertEquals(stdout.split(values).length - 1, 3, stdout);
  assertStringIncludes(
    stdout,
    "07 00 00 00 00 00 00 00 c0 01 00 00 00 00 00 00 16 00 50 00 bb 01 00 00",
  );
  assertMatch(stdout, /\.bytes throws ClosedError: /);
  assertMatch(stdout, /memory\.readOnly is true/);
  assertMatch(stdout, /pointer\(Stats.*\) throws ReadOnlyError: /);
  assertMatch(stdout, /view\(Stats.*\) gives Stats /);
}

bpfTest("quickstart.ts shows a BPF map, with --allow-ffi alone", async () => {
  const stdout = await output();
  assertTaught(stdout);
  assertMatch(stdout, /1\. A BPF map\n +number \d+: an array of 4 entries/);
  assertStringIncludes(stdout, "bpf(BPF_MAP_LOOKUP_ELEM)");
});

function assertMemfd(stdout: string): void {
  assertTaught(stdout);
  assertMatch(stdout, /1\. No BPF map for this user\n.*EPERM.*CAP_BPF/);
  assertMatch(stdout, /2\. A memfd\n +descriptor \d+: /);
}

deniedTest(
  "quickstart.ts shows a memfd to whom BPF is denied, and says why",
  async () => {
    assertMemfd(await output({ under: withoutCapabilities }));
  },
);

testWith(isRoot ? nobody : [])(
  "quickstart.ts runs as an ordinary user",
  async () => {
    if (!isRoot) return assertTaught(await output());
    // An ordinary user may be barred from where Deno and this repository lie,
    // so both go where everybody may read.
    using directory = new TemporaryDirectory("/tmp");
    await Deno.chmod(directory.path, 0o755);
    const deno = directory.join("deno");
    await Deno.copyFile(Deno.execPath(), deno);
    await Deno.chmod(deno, 0o755);
    for (
      const name of [
        "deno.json",
        "mod.ts",
        "errors.ts",
        "base",
        "ffi",
        "layout",
        "memory",
        "bpf",
        "btf",
        "examples",
        "shim",
      ]
    ) {
      const source = new URL(`../${name}`, import.meta.url);
      const { success } = await new Deno.Command("cp", {
        args: ["-r", "--no-preserve=mode", fromFileUrl(source), directory.path],
      }).output();
      assertEquals(success, true, name);
    }
    const command = new Deno.Command(asNobody[0], {
      args: [
        ...asNobody.slice(1),
        deno,
        "run",
        "--no-prompt",
        "--no-lock",
        "--allow-ffi",
        directory.join("examples", "quickstart.ts"),
      ],
      cwd: directory.path,
      env: { NO_COLOR: "1", HOME: "/nonexistent", DENO_DIR: "/nonexistent" },
    });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    assertEquals(code, 0, decoder.decode(stderr));
    assertTaught(decoder.decode(stdout));
    if (restriction.met) assertMemfd(decoder.decode(stdout));
  },
);
