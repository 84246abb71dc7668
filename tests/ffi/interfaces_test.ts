import { assert, assertEquals, assertThrows } from "@std/assert";
import { interfaceIndex, interfaceName } from "../../bpf/mod.ts";
import { SystemError } from "../../errors.ts";
import { networks, testWith } from "../_needs.ts";
import { run } from "../_support.ts";

Deno.test("Interfaces have the names and indices that sysfs has", () => {
  const names = [...Deno.readDirSync("/sys/class/net")]
    // The bonding module has a file there.
    .filter(({ isFile }) => !isFile).map(({ name }) => name);
  for (const name of names) {
    const path = `/sys/class/net/${name}/ifindex`;
    const index = Number(Deno.readTextFileSync(path));
    assertEquals([interfaceIndex(name), interfaceName(index)], [index, name]);
  }
});

Deno.test("An interface that is not there is told, and what is no name refused", () => {
  const error = assertThrows(() => interfaceIndex("absent0"), SystemError);
  assertEquals(error.code, "ENODEV");
  assert(error.message.includes(`no interface "absent0"`));
  assertEquals(interfaceName(0), undefined);
  assertEquals(interfaceName(0xffff_ffff), undefined);
  for (const name of ["", "a\0b", 1, undefined]) {
    assertThrows(() => interfaceIndex(name as string), TypeError);
  }
  for (const index of [-1, 1.5, 2 ** 32, "1"]) {
    assertThrows(() => interfaceName(index as number), RangeError);
  }
});

testWith(networks)(
  "Interfaces are those of the network namespace of the process",
  async () => {
    const { stdout, stderr } = await run(
      `
      import { interfaceIndex, interfaceName } from "@hostmem/hostmem/bpf";
      console.log(interfaceName(interfaceIndex("here")), interfaceName(77));
      `,
      {
        under: [
          "unshare",
          "--net",
          "sh",
          "-ec",
          `ip link add here index 77 type dummy 2>&- ||
            ip link add here index 77 type veth peer name there
          exec "$0" "$@"`,
        ],
      },
    );
    assertEquals([stdout, stderr], ["here here\n", ""]);
  },
);
