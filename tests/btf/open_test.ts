import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { basename } from "@std/path";
import { Btf, BtfError } from "../../btf/mod.ts";
import { offsetOf, sizeOf, type StructType } from "../../layout/mod.ts";
import { clang, command, compilerOfC, testWith } from "../_needs.ts";
import { compileC, hasCommand, TemporaryDirectory } from "../_support.ts";
import { Builder, SIGNED } from "./_builder.ts";

const source = `
#include <stdint.h>
#include <stddef.h>
struct config {
  int level;
  char name[8];
  uint8_t mac[6];
  uint64_t limit;
};
struct config config;
int main(void) { return config.level; }
`;

function checkConfig(btf: Btf): void {
  const config = btf.layout<StructType>("config", "struct");
  assertEquals(sizeOf(config), 32);
  assertEquals(
    ["level", "name", "mac", "limit"].map((name) =>
      offsetOf(config, name as never)
    ),
    [0, 4, 12, 24],
  );
  // Compilers mark characters differently: text is what is called `char` alone.
  const { name, mac } = config.fields;
  assertEquals([name!.kind, mac!.kind], ["text", "array"]);
}

testWith(compilerOfC, command("gcc"))(
  "Btf.open() reads a program that gcc -gbtf compiled (needs gcc)",
  async () => {
    using directory = new TemporaryDirectory();
    const program = directory.join("program");
    await Deno.writeTextFile(`${program}.c`, source);
    const { success } = await new Deno.Command("gcc", {
      args: ["-gbtf", "-o", program, `${program}.c`],
      stderr: "null",
    }).output();
    // Before version 12 gcc has no -gbtf.
    if (success) checkConfig(Btf.open(program));
  },
);

testWith(compilerOfC, command("pahole"))(
  "Btf.open() reads a program that pahole -J was run on (needs pahole)",
  async () => {
    using directory = new TemporaryDirectory();
    const program = await compileC(source, directory, ["-g"]);
    // It passes the path on to a shell, which a space would make two of.
    const { success, stderr } = await new Deno.Command("pahole", {
      args: ["-J", basename(program)],
      cwd: directory.path,
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    checkConfig(Btf.open(program));
  },
);

testWith(clang)(
  "Btf.open() reads an object file for BPF (needs clang)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = directory.join("program.bpf.o");
    await Deno.writeTextFile(
      `${path}.c`,
      source.replace(
        "#include <stdint.h>",
        "typedef unsigned char uint8_t; typedef unsigned long uint64_t;",
      ),
    );
    const { success, stderr } = await new Deno.Command("clang", {
      args: ["-target", "bpf", "-g", "-O2", "-c", `${path}.c`, "-o", path],
    }).output();
    assertEquals(success, true, new TextDecoder().decode(stderr));
    checkConfig(Btf.open(path));
  },
);

Deno.test("Btf.open() reads a file of BTF", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("types.btf");
  const builder = new Builder();
  builder.struct("pair", 8, [["a", builder.int("int", 4, SIGNED), 0]]);
  Deno.writeFileSync(path, builder.bytes());
  assertEquals(Btf.open(path).layout("pair").size, 8);
});

testWith(compilerOfC)(
  "Btf.open() says how to get BTF where a program has none",
  async () => {
    using directory = new TemporaryDirectory();
    const program = await compileC(source, directory);
    const error = assertThrows(() => Btf.open(program), BtfError);
    for (const way of ["clang", "gcc -gbtf", "pahole -J"]) {
      assertStringIncludes(error.message, way);
    }
  },
);

testWith(compilerOfC)(
  "Btf.open() refuses what is cut off or damaged, and nothing worse",
  async () => {
    using directory = new TemporaryDirectory();
    const path = directory.join("damaged");
    const program = hasCommand("pahole")
      ? await compileC(source, directory, ["-g"])
      : await compileC(source, directory);
    if (hasCommand("pahole")) {
      await new Deno.Command("pahole", { args: ["-J", program] }).output();
    }
    const whole = Deno.readFileSync(program);
    const open = (bytes: Uint8Array) => {
      Deno.writeFileSync(path, bytes);
      try {
        Btf.open(path);
      } catch (error) {
        if (!(error instanceof BtfError)) throw error;
      }
    };
    for (let length = 0; length < 64; length++) open(whole.subarray(0, length));
    for (let length = 64; length < whole.length; length += 997) {
      open(whole.subarray(0, length));
    }
    // Each byte of the header, and of the first section headers.
    const table = Number(new DataView(whole.buffer).getBigUint64(40, true));
    const places = [
      ...Array(64).keys(),
      ...Array.from({ length: 640 }, (_, index) => table + index),
    ];
    for (const place of places) {
      for (const value of [0x00, 0x7f, 0xff]) {
        const bytes = whole.slice();
        bytes[place] = value;
        open(bytes);
      }
    }
  },
);

Deno.test("Btf.open() of what is not there is an error of the file system", () => {
  assertThrows(() => Btf.open("/nowhere/program"), Deno.errors.NotFound);
});
