import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  bpfMaps,
  bpfTest,
  restriction,
  setpriv,
  testWith,
} from "../tests/_needs.ts";
import {
  run,
  type RunOptions,
  withoutCapabilities,
} from "../tests/_support.ts";

const example = new URL("./wasm_sum.ts", import.meta.url);

const count = 8n * 2n ** 20n;

/** Declares a test as somebody whom BPF is denied. */
const deniedTest = testWith(bpfMaps.met ? [restriction, setpriv] : []);

async function output(options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(example, options);
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
  const sum = count * (count - 1n) / 2n;
  assertStringIncludes(stdout, `The sum from WebAssembly: ${sum}, in `);
  assertStringIncludes(stdout, "to entry 3, which was 3\n");
  return stdout;
}

bpfTest(
  "wasm_sum.ts shows bpf(2) what WebAssembly added, with --allow-ffi alone",
  async () => {
    const stdout = await output();
    assertMatch(stdout, /^A BPF array of 8388608 numbers, BPF map \d+\n/);
    assertStringIncludes(
      stdout,
      "bpf(BPF_MAP_LOOKUP_ELEM) of entry 3 gives 1000003\n",
    );
  },
);

deniedTest("wasm_sum.ts uses a memfd where BPF is denied", async () => {
  const stdout = await output({
    under: bpfMaps.met ? withoutCapabilities : [],
  });
  assertMatch(stdout, /^No BPF map for this user: .*EPERM.*CAP_BPF/);
  assertStringIncludes(stdout, "Another mapping has 1000003 in entry 3\n");
});
