import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import {
  Btf,
  BtfError,
  typescript,
  type TypescriptOptions,
} from "../../btf/mod.ts";
import type { AnyType } from "../../layout/model/types.ts";
import { TemporaryDirectory } from "../_support.ts";
import { checkedTogether } from "../_checked_together.ts";
import { Builder, type BuiltMember, K, SIGNED } from "./_builder.ts";
import { layoutText } from "./_same_layout.ts";

const root = new URL("../../", import.meta.url);

function awkward(): Btf {
  const b = new Builder();
  const u8 = b.int("unsigned char", 1);
  const u16 = b.int("unsigned short", 2);
  const i32 = b.int("int", 4, SIGNED);
  const u32 = b.int("unsigned int", 4);
  const u64 = b.int("long unsigned int", 8);
  const char = b.int("char", 1);
  const wide = b.int("__int128", 16);
  const color = b.add(
    K.ENUM,
    "color",
    4,
    [b.name("RED"), 1, b.name("__proto__"), 2, b.name("a b"), 3],
    3,
  );
  const flags = b.add(K.ENUM64, "flags", 8, [b.name("HIGH"), 0, 1], 1);
  const shorts = b.array(u16, 0);
  const longs = b.array(u64, 0);
  const inner = b.struct("inner", 8, [["a", u16, 0], ["b", u32, 32]]);
  const plain = b.struct("plain", 40, [
    ["name", b.array(char, 16), 0],
    ["inner", inner, 128],
    ["color", color, 192],
    ["flags", flags, 256],
  ]);
  b.struct("packed", 9, [["a", u8, 0], ["b", u64, 8]]);
  b.struct("gaps", 24, [["a", u8, 0], ["b", u8, 24], ["c", u32, 128]]);
  const half = b.struct("", 4, [["lo", u16, 0], ["hi", u16, 16]]);
  const both = b.union("", 8, [["all", u64, 0], ["", half, 0], [
    "part",
    half,
    32,
  ]]);
  b.struct("anonymous", 16, [["", both, 0], ["class", i32, 64], [
    "__proto__",
    i32,
    96,
  ]]);
  b.struct("fields", 8, [
    Builder.bits("a", u32, 0, 3),
    Builder.bits("b", i32, 3, 5),
    ["c", u8, 8],
    Builder.bits("d", color, 19, 9),
    Builder.bits("e", u32, 30, 4),
  ], true);
  const tails = b.union("", 0, [["shorts", shorts, 0], ["longs", longs, 0]]);
  b.struct("ends", 8, [["n", u64, 0], ["", tails, 64]]);
  b.struct("tail", 4, [["n", u32, 0], ["items", shorts, 32]]);
  b.union("choice", 16, [["wide", wide, 0], ["in", inner, 0], ["", half, 64]]);
  const flags8 = b.composite(K.STRUCT, "", 4, [
    Builder.bits("low", u32, 0, 3),
    Builder.bits("high", u32, 3, 29),
  ], true);
  b.union("word", 4, [["all", u32, 0], ["", flags8, 0]]);
  b.struct("struct", 1, [["_", u8, 0]]);
  b.struct("grid", 24, [["g", b.array(b.array(inner, 3), 1), 0]]);
  const twice: BuiltMember[] = [["x", u32, 0]];
  b.struct("twice", 4, twice);
  b.struct("twice", 8, [...twice, ["y", u32, 32]]);
  b.add(K.TYPEDEF, "plain_t", plain);
  return Btf.parse(b.bytes());
}

const names =
  "plain packed gaps anonymous fields ends tail choice word struct grid"
    .split(" ");

/** Writes the types above; options may import the package from elsewhere. */
function written(btf: Btf, options: TypescriptOptions = {}): string {
  const ids = btf.findAll("twice").map(({ id }) => id);
  return typescript(btf, [...names, ...ids, "plain_t"], options);
}

const typeErrors = checkedTogether("btf", () =>
  Promise.resolve({
    "types.ts": `${written(awkward())}
      import { type Pointer as P, pointer as at } from "@hostmem/hostmem";
      const p: P<typeof plain> = at(plain, new ArrayBuffer(40));
      p.name = "x"; p.inner.b = 7; p.color = color.members.RED; p.flags = 1n;
      // @ts-expect-error: it is a bigint
      const wrong: number = p.flags;
      void wrong;`,
    "from_elsewhere.ts": written(awkward(), { from: "../mod.ts" }),
  }));

Deno.test("typescript() writes source that type-checks and has the same layouts", async () => {
  assertEquals(await typeErrors(), "");

  const btf = awkward();
  using directory = new TemporaryDirectory();
  const file = directory.join("types.ts");
  const from = new URL("mod.ts", root).href;
  await Deno.writeTextFile(file, written(btf, { from }));
  const made = await import(`${new URL(`file://${file}`)}`) as Record<
    string,
    AnyType
  >;
  const ours = new Set(Object.values(made).map(layoutText));
  const ids = btf.findAll("twice").map(({ id }) => id);
  for (const name of [...names, ...ids]) {
    const wanted = layoutText(btf.layout(name) as AnyType);
    assert(ours.has(wanted), `${name}: ${wanted}`);
  }
  assertEquals(made["plain"]!.name, "plain");
  assertEquals(made["struct_2"]!.name, "struct");
  assertEquals([made["twice"]!.size, made["twice_2"]!.size], [4, 8]);
});

Deno.test("typescript() says no more than it has to", () => {
  const btf = awkward();
  const source = typescript(btf, ["inner"]);
  assertEquals(
    source,
    `import {
  HostLayout,
  struct,
  type StructType,
  u16,
  type U16,
  u32,
  type U32,
} from "@hostmem/hostmem";

/**
 * \`\`\`c
 * struct inner {
 *   uint16_t                   a;                    //     0     2
 *
 *   // XXX 2 bytes hole
 *
 *   uint32_t                   b;                    //     4     4
 *
 *   // size: 8, align: 4, members: 2
 * };
 * \`\`\`
 */
export const inner: StructType<{
  _: HostLayout;
  a: U16;
  b: U32;
}> = struct("inner", {
  _: HostLayout,
  a: u16,
  b: u32,
});
`,
  );
  assert(
    typescript(btf, ["gaps"]).includes(
      "offsets: {\n    b: 3,\n    c: 16,\n  }",
    ),
  );
  assert(typescript(btf, ["packed"]).includes("{ packed: true }"));
  assertEquals(typescript(btf, []).includes("export"), false);
  assertThrows(() => typescript(btf, ["none"]), BtfError, '"none"');
});

Deno.test("what typescript() writes can be published: every constant has its type", async () => {
  using directory = new TemporaryDirectory();
  const file = join(directory.path, "types.ts");
  const from = new URL("mod.ts", root).href;
  await Deno.writeTextFile(file, typescript(awkward(), names, { from }));
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--lint", file],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = [stdout, stderr].map((part) => new TextDecoder().decode(part))
    .join("");
  // Here the package is a neighbour, whose types count as private; that apart,
  // there must be no complaint.
  const rules = new Set(text.match(/(?<=error\[)[\w-]+/g));
  assertEquals([...rules], ["private-type-ref"], text);
});
