import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  canBpf,
  hasCommand,
  isRoot,
  run,
  type RunOptions,
  withoutCapabilities,
} from "../tests/_support.ts";

const example = new URL("./wasm_sum.ts", import.meta.url);

const count = 8n * 2n ** 20n;

/** Whether the kernel keeps BPF from those without a capability. */
const isRestricted = canBpf && Deno.readTextFileSync(
      "/proc/sys/kernel/unprivileged_bpf_disabled",
    ).trim() !== "0";

async function output(options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(example, options);
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
  const sum = count * (count - 1n) / 2n;
  assertStringIncludes(stdout, `The sum from WebAssembly: ${sum}, in `);
  assertStringIncludes(stdout, "to entry 3, which was 3\n");
  return stdout;
}

Deno.test({
  name:
    "wasm_sum.ts shows bpf(2) what WebAssembly added, with --allow-ffi alone",
  ignore: !canBpf,
  async fn() {
    const stdout = await output();
    assertMatch(stdout, /^A BPF array of 8388608 numbers, BPF map \d+\n/);
    assertStringIncludes(
      stdout,
      "bpf(BPF_MAP_LOOKUP_ELEM) of entry 3 gives 1000003\n",
    );
  },
});

Deno.test({
  name: "wasm_sum.ts uses a memfd where BPF is denied",
  ignore: canBpf && !(isRestricted && isRoot && hasCommand("setpriv")),
  async fn() {
    const stdout = await output({ under: canBpf ? withoutCapabilities : [] });
    assertMatch(stdout, /^No BPF map for this user: .*EPERM.*CAP_BPF/);
    assertStringIncludes(stdout, "Another mapping has 1000003 in entry 3\n");
  },
});
