import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Btf } from "../../btf/mod.ts";
import {
  field,
  offsetOf,
  pointer,
  sizeOf,
  type StructType,
  type Type,
} from "../../layout/mod.ts";
import { resolve } from "../../layout/model/field_path.ts";
import type { AnyType } from "../../layout/model/types.ts";
import { clang, command, compilerOfC, testWith } from "../_needs.ts";
import { compileC, TemporaryDirectory } from "../_support.ts";

const toolTest = testWith(clang, command("llvm-objcopy"), compilerOfC);
const source = new URL("./shapes.c", import.meta.url);

async function succeed(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** The BTF that clang makes of a C file. */
async function btfOf(directory: TemporaryDirectory): Promise<Btf> {
  const object = directory.join("shapes.bpf.o");
  const file = directory.join("shapes.btf");
  await succeed("clang", [
    "-target",
    "bpf",
    "-O2",
    "-g",
    "-w",
    "-c",
    fromFileUrl(source),
    "-o",
    object,
  ]);
  await succeed("llvm-objcopy", ["--dump-section", `.BTF=${file}`, object]);
  return Btf.parse(await Deno.readFile(file));
}

/** The bytes of a struct with one member's bits all set, in hex. */
function bytesWith(type: StructType, path: string): string {
  const bytes = new Uint8Array(sizeOf(type));
  const found = resolve(type as AnyType, path);
  if (found.bit === undefined) {
    const offset = offsetOf(type as Type, path as never);
    bytes.fill(255, offset, offset + found.type.size);
  } else {
    const p = pointer(type as Type, bytes) as Record<string, unknown>;
    const { base, width } = found.type as unknown as {
      base: Type & { base?: Type };
      width: number;
    };
    const lane = (base.base ?? base).kind;
    const most = 2n ** BigInt(width) - 1n;
    p[path] = lane === "bool"
      ? true
      : lane === "i64"
      ? -1n
      : lane.startsWith("i")
      ? -1
      : lane === "u64"
      ? most
      : Number(most);
  }
  return bytes.toHex();
}

toolTest(
  "Btf.layout() of what clang compiled has the host compiler's places (needs clang, llvm-objcopy and a C compiler)",
  async () => {
    using directory = new TemporaryDirectory();
    const btf = await btfOf(directory);
    const program = await compileC(source, directory, ["-DHOST", "-w"]);
    const lines = (await succeed(program, [])).trim().split("\n");
    const wrong = lines.filter((line) => {
      const [name, path] = line.split(" ") as [string, string];
      const type = btf.layout<StructType>(name, "struct");
      return line !== `${name} ${path} ${type.size} ${bytesWith(type, path)}`;
    });
    assertEquals(wrong, []);
    assert(lines.length > 70, `${lines.length}`);
  },
);

toolTest(
  "Btf.layout() reads what clang says of kinds and names (needs clang and llvm-objcopy)",
  async () => {
    using directory = new TemporaryDirectory();
    const btf = await btfOf(directory);
    const kinds = Object.values(btf.layout<StructType>("scalars").fields)
      .map(({ kind }) => kind).slice(1);
    assertEquals(kinds, [
      ..."i8 i8 u8 i16 u16 i32 u32 i64 u64 i64 bool f32 f64".split(" "),
      ..."enumeration enumeration enumeration".split(" "),
    ]);
    const { fields } = btf.layout<StructType>("arrays");
    assertEquals(
      Object.values(fields).map(({ name }) => name).slice(1, 4),
      ["text(16)", "text(4)[3]", "i32[2][3]"],
    );
    assertEquals(
      fields["calls"]!.name,
      "int (*)(const char *, struct node *)[2]",
    );
    const flexible = btf.layout<StructType>("flexible");
    const p = pointer(flexible as Type, new ArrayBuffer(10)) as {
      tail: { length: number };
    };
    assertEquals(p.tail.length, 3);
    assertEquals(field(flexible as Type, "count" as never).offset, 0);
    assertEquals(btf.layout("__int128").name, "i128");
    assertEquals(btf.layout("packed").align, 1);
    assertEquals(btf.layout("v16", "var"), btf.layout("wide"));
  },
);
