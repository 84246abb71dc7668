import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { asNobody, nobody, testWith } from "../_needs.ts";
import { KernelConfig, lackingText } from "../../cli/doctor/kernel_config.ts";
import { hostmem, hostmemHere, jsonOf, outputOf } from "./_hostmem.ts";

interface Finding {
  readonly name: string;
  readonly state: "ok" | "limited" | "missing";
  readonly found: string;
  readonly remedy?: string;
}

type Report = Record<"system" | "tools" | "features", Finding[]>;

function checked(report: Report): Finding[] {
  const all = [...report.system, ...report.tools, ...report.features];
  for (const { name, state, found, remedy } of all) {
    assert(found !== "", name);
    assertEquals(remedy === undefined, state === "ok", name);
  }
  return all;
}

Deno.test("hostmem doctor gives a remedy for whatever does not work", async () => {
  const report: Report & { versions: Record<string, string> } = await jsonOf(
    "doctor",
  );
  const all = checked(report);
  assertEquals(report.versions.deno, Deno.version.deno);
  const kernel = all.find(({ name }) => name === "kernel")!;
  assertStringIncludes(kernel.found, Deno.osRelease());
  const text = await outputOf("doctor");
  for (const { name } of all) assertStringIncludes(text, name);
  assert(!text.includes("\\x1b"));
});

testWith(nobody)(
  "hostmem doctor tells an ordinary user which capabilities are missing",
  async () => {
    const { code, stdout, stderr } = await hostmem(["doctor", "--json"], {
      under: [...asNobody],
      env: { HOME: "/tmp" },
    });
    assertEquals(code, 0, stderr);
    const all = checked(JSON.parse(stdout));
    const capabilities = all.find(({ name }) => name === "capabilities")!;
    assertEquals(capabilities.state, "missing");
    assertStringIncludes(capabilities.remedy!, "CAP_BPF");
    assertEquals(all.find(({ name }) => name === "shared memory")!.state, "ok");
  },
);

Deno.test("hostmem doctor colours only where it may", async () => {
  const colored = await hostmemHere(["doctor"], {
    FORCE_COLOR: "1",
    NO_COLOR: "",
  });
  assertEquals(colored.code, 0);
  const plain = await hostmemHere(["doctor"], {
    FORCE_COLOR: "1",
    NO_COLOR: "1",
  });
  assert(colored.stdout.includes("\x1b[1m"));
  assert(!plain.stdout.includes("\x1b"));
});

Deno.test("hostmem doctor tells which options the kernel was built without", () => {
  const config = new KernelConfig(
    "/boot/config-6",
    "CONFIG_BPF=y\nCONFIG_VETH=m\n# CONFIG_NETKIT is not set\nCONFIG_HZ=100\n",
  );
  const asked = ["CONFIG_BPF", "CONFIG_NETKIT", "CONFIG_VETH", "CONFIG_FPROBE"];
  assertEquals(
    lackingText([...asked, "CONFIG_NETKIT"], config),
    "; /boot/config-6 has no CONFIG_NETKIT, no CONFIG_FPROBE",
  );
  assertEquals(lackingText(["CONFIG_BPF"], config), "");
});
