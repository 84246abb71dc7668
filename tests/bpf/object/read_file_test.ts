import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfObject, readObjectFile } from "../../../bpf/mod.ts";
import { InvalidObjectError } from "../../../errors.ts";
import { declarationOf } from "../../../layout/mod.ts";
import { clang, objectTest, testWith } from "../../_needs.ts";
import { TemporaryDirectory } from "../../_support.ts";
import { compile, compileText } from "../_objects.ts";

objectTest(
  "readObjectFile() tells what BpfObject.load() makes",
  async () => {
    using directory = new TemporaryDirectory();
    for (const name of ["maps", "variables", "constants"]) {
      const path = await compile(name, directory);
      const file = readObjectFile(path);
      using object = BpfObject.load(path);
      const isSection = (map: string) => map.startsWith(".");
      assertEquals(
        file.maps.map((map) => map.name).sort(),
        Object.keys(object.maps).filter((map) => !isSection(map)).sort(),
      );
      for (const { name, type, keySize, valueSize, maxEntries } of file.maps) {
        const { info } = object.map(name);
        assertEquals(
          { type, keySize, valueSize, maxEntries },
          {
            type: info.type,
            keySize: info.keySize,
            valueSize: info.valueSize,
            maxEntries: info.maxEntries,
          },
        );
      }
      assertEquals(
        file.variables.map((variable) => variable.name).sort(),
        Object.keys(object.variables).sort(),
      );
      for (const { name, section, size, type, readOnly } of file.variables) {
        const variable = object.variable(name);
        assertEquals(
          { section, size, readOnly },
          {
            section: variable.section,
            size: variable.size,
            readOnly: variable.readOnly,
          },
        );
        assertEquals(type.kind, variable.type.kind);
        if (type.kind === "struct") {
          assertEquals(declarationOf(type), declarationOf(variable.type));
        }
      }
      assertEquals(
        file.programs.filter(({ loads }) => loads).map(({ name }) => name)
          .sort(),
        Object.keys(object.programs).sort(),
      );
    }
  },
);

testWith(clang)(
  "readObjectFile() tells sections, types of keys, and what is not loaded",
  async () => {
    using directory = new TemporaryDirectory();
    const { maps, programs, btf } = readObjectFile(
      await compile("maps", directory),
    );
    assertEquals(
      programs.map(({ name, section, loads }) => [name, section, loads]),
      [
        ["enter", "raw_tp/sys_enter", true],
        ["count", "socket", true],
        ["optional", "socket", false],
      ],
    );
    const table = maps.find(({ name }) => name === "table")!;
    assertEquals(
      [table.type, table.keyType?.kind, table.valueType?.kind, table.pinned],
      ["hash", "u32", "u64", false],
    );
    assert(btf !== undefined);
    const pinned = readObjectFile(await compile("pinned", directory)).maps;
    assert(pinned.some((map) => map.pinned));
    const kconfig = readObjectFile(await compile("kconfig", directory));
    assertEquals(
      kconfig.variables.filter(({ section }) => section === ".kconfig")
        .every(({ readOnly }) => readOnly),
      true,
    );
  },
);

testWith(clang)(
  "readObjectFile() tells of the maps of struct_ops, and which are not made unless asked for (needs clang)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileText(
      `struct table { int (*call)(void); };
SEC(".struct_ops") struct table made;
SEC(".struct_ops.link") struct table linked;
SEC("?.struct_ops.link") struct table asked;`,
      directory,
    );
    assertEquals(
      readObjectFile(path).maps.map(({ name, type, flagBits, made }) => ({
        name,
        type,
        link: flagBits !== 0,
        made,
      })),
      [
        { name: "made", type: "struct_ops", link: false, made: true },
        { name: "linked", type: "struct_ops", link: true, made: true },
        { name: "asked", type: "struct_ops", link: true, made: false },
      ],
    );
  },
);

Deno.test("readObjectFile() refuses what is not an object file for BPF", () => {
  assertThrows(
    () => readObjectFile(new Uint8Array(100)),
    InvalidObjectError,
    "ELF",
  );
  assertThrows(() => readObjectFile("/nowhere.bpf.o"), Deno.errors.NotFound);
  assertThrows(() => readObjectFile(7 as unknown as string), TypeError);
});
