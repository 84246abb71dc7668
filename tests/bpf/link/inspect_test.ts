import { assertEquals, assertMatch } from "@std/assert";
import { BpfMap, BpfObject } from "../../../bpf/mod.ts";
import { bpfTest, objectTest } from "../../_needs.ts";
import { TemporaryDirectory } from "../../_support.ts";
import { attachTest, compileAttach } from "../_attach.ts";
import { compile } from "../_objects.ts";

const { inspect } = Deno;

bpfTest("A map is shown by its name, type, entries and id", () => {
  const map = BpfMap.create({
    type: "hash",
    keySize: 4,
    valueSize: 8,
    maxEntries: 16,
    name: "flows",
  });
  const { id } = map.info;
  assertEquals(
    inspect(map),
    `BpfMap { "flows", hash, 16 entries, id ${id} }`,
  );
  map.close();
  assertEquals(
    inspect(map),
    `BpfMap { "flows", hash, 16 entries, id ${id}, closed }`,
  );
  using unnamed = BpfMap.create({
    type: "array",
    valueSize: 8,
    maxEntries: 1,
  });
  assertMatch(inspect(unnamed), /^BpfMap { array, 1 entries, id \d+ }$/);
});

objectTest("An object and its variables are shown, closed or not", async () => {
  using directory = new TemporaryDirectory();
  const object = BpfObject.load(await compile("variables", directory));
  const count = (things: object) => Object.keys(things).length;
  const text = `BpfObject { ${count(object.maps)} maps, ${
    count(object.variables)
  } variables, ${count(object.programs)} programs`;
  assertEquals(inspect(object), `${text} }`);
  const [variable] = Object.values(object.variables);
  const { name, size, offset, section } = variable!;
  const shown =
    `BpfVariable { "${name}", ${size} bytes at ${offset} of ${section}`;
  assertEquals(inspect(variable), `${shown} }`);
  object.close();
  assertEquals(inspect(object), `${text}, closed }`);
  assertEquals(inspect(variable), `${shown}, closed }`);
});

attachTest("A program and its link are shown, closed or not", async () => {
  using directory = new TemporaryDirectory();
  using object = BpfObject.load(await compileAttach(directory));
  const program = Object.values(object.programs)
    .find(({ type }) => type === "raw_tracepoint")!;
  const link = program.attach({ kind: "raw_tracepoint", name: "sys_enter" });
  assertEquals(
    inspect(program),
    `BpfProgram { "${program.name}", raw_tracepoint }`,
  );
  assertEquals(inspect(link), `BpfLink { raw_tracepoint "sys_enter" }`);
  link.close();
  program.close();
  assertEquals(inspect(link), "BpfLink { closed }");
  assertEquals(
    inspect(program),
    `BpfProgram { "${program.name}", raw_tracepoint, closed }`,
  );
});
