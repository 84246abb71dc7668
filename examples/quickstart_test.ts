import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  canBpf,
  hasCommand,
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

/** Whether the kernel keeps BPF from those without a capability. */
const isRestricted = canBpf && Deno.readTextFileSync(
      "/proc/sys/kernel/unprivileged_bpf_disabled",
    ).trim() !== "0";

/** What every run shows, whatever memory it is of. */
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
  assertMatch(stdout, /pointer\(.*Stats\) throws ReadOnlyError: /);
  assertMatch(stdout, /view\(.*Stats\) gives Stats /);
}

Deno.test({
  name: "quickstart.ts shows a BPF map, with --allow-ffi alone",
  ignore: !canBpf,
  async fn() {
    const stdout = await output();
    assertTaught(stdout);
    assertMatch(stdout, /1\. A BPF map\n +number \d+: an array of 4 entries/);
    assertStringIncludes(stdout, "bpf(BPF_MAP_LOOKUP_ELEM)");
  },
});

function assertMemfd(stdout: string): void {
  assertTaught(stdout);
  assertMatch(stdout, /1\. No BPF map for this user\n.*EPERM.*CAP_BPF/);
  assertMatch(stdout, /2\. A memfd\n +descriptor \d+: /);
}

Deno.test({
  name: "quickstart.ts shows a memfd to whom BPF is denied, and says why",
  ignore: canBpf && !(isRestricted && isRoot && hasCommand("setpriv")),
  async fn() {
    assertMemfd(await output({ under: withoutCapabilities }));
  },
});

const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];

function canBecomeNobody(): boolean {
  if (!hasCommand("setpriv")) return false;
  const args = [...nobody, "true"];
  return new Deno.Command("setpriv", { args }).outputSync().success;
}

Deno.test({
  name: "quickstart.ts runs as an ordinary user",
  ignore: isRoot && !canBecomeNobody(),
  async fn() {
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
        args: ["-r", "--no-preserve=mode", source.pathname, directory.path],
      }).output();
      assertEquals(success, true, name);
    }
    const command = new Deno.Command("setpriv", {
      args: [
        ...nobody,
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
    if (isRestricted) assertMemfd(decoder.decode(stdout));
  },
});
