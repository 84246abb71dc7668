import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  aligned,
  array,
  be32,
  bits,
  bool,
  declarationOf,
  enumeration,
  f32,
  f64,
  HostLayout,
  i32,
  InvalidTypeError,
  padding,
  struct,
  text,
  text16,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
} from "../../../layout/mod.ts";
import { command, testWith } from "../../_needs.ts";
import { compileC, TemporaryDirectory } from "../../_support.ts";

const State = enumeration("state", { IDLE: 0, BUSY: 1 });
const Deep = struct("deep", { _: HostLayout, z: u8, c: u32 });
const Inner = struct("inner", { _: HostLayout, x: i32, deep: Deep });
const Num = union("num", { _: HostLayout, i: u32, f: f32 });

const types: Type[] = [
  Deep,
  Inner,
  Num,
  struct("stats", {
    _: HostLayout,
    bytes: u64,
    ports: array(u16, 8),
    on: bool,
    pad: padding(3),
    comm: text(16),
    state: State,
    port: u16,
    flag: bits(u32, 3),
    bflag: bits(bool, 1),
    sflag: bits(i32, 5),
    wide: bits(u64, 40),
    inner: Inner,
    num: Num,
    cells: array(Inner, 4),
    names: array(text(4), 2),
    ratio: f64,
    address: be32,
    last: u8,
    tail: array(u32),
  }),
  struct("packet", {
    _: HostLayout,
    a: u8,
    b: u32,
    c: Inner,
    e: bits(u32, 7),
    g: bits(i32, 29),
  }, { packed: true }),
  struct("lines", { _: HostLayout, a: u64, b: aligned(u64, 64) }),
];

const SOURCE = `
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
enum state { IDLE, BUSY };
struct deep { uint8_t z; uint32_t c; };
struct inner { int32_t x; struct deep deep; };
union num { uint32_t i; float f; };
struct stats {
  uint64_t bytes; uint16_t ports[8]; bool on; uint8_t pad[3]; char comm[16];
  enum state state; uint16_t port; uint32_t flag:3; bool bflag:1;
  int32_t sflag:5; uint64_t wide:40; struct inner inner; union num num;
  struct inner cells[4]; char names[2][4]; double ratio; __be32 address;
  uint8_t last; uint32_t tail[];
};
struct __attribute__((packed)) packet {
  uint8_t a; uint32_t b; struct inner c; uint32_t e:7; int32_t g:29;
};
struct lines { uint64_t a; uint64_t b __attribute__((aligned(64))); };
struct stats stats; struct packet packet; struct lines lines;
int main(void) { return 0; }
`;

/** The lines that name a member, and the size, without white space runs. */
function essence(text: string): string[] {
  return text.split("\n")
    .filter((line) =>
      !/^\t?$|XXX|Bitfield|--- cacheline|last cacheline|sum |Force|:0;/.test(
        line,
      )
    )
    .filter((line) => !/padding|forced/.test(line))
    .map((line) =>
      line.replaceAll(/\s+/g, " ").replace(/(, align: \d+)?, (cache|mem).*/, "")
        .replace(/\}.*/, "};").trim()
    );
}

const toolTest = testWith(command("pahole"), command("cc"));

toolTest(
  "declarationOf() prints what pahole prints for the same struct",
  async () => {
    using directory = new TemporaryDirectory();
    const program = await compileC(SOURCE, directory, ["-g"]);
    for (const type of types) {
      const { stdout } = await new Deno.Command("pahole", {
        args: ["-C", type.name, program],
      }).output();
      const theirs = essence(new TextDecoder().decode(stdout));
      const ours = essence(declarationOf(type));
      if (type.kind === "union") {
        // pahole leaves the size of a union to the reader.
        assert(ours.includes("/* size: 4"), type.name);
        ours.splice(ours.indexOf("/* size: 4"), 1);
      }
      assert(theirs.length > 2, `pahole printed nothing for ${type.name}`);
      assertEquals(ours, theirs, type.name);
    }
  },
);

Deno.test("declarationOf() shows holes and padding in bits and bytes", () => {
  const T = struct("t", {
    _: HostLayout,
    flag: bits(u8, 3),
    x: u32,
    y: u8,
  });
  const text = declarationOf(T);
  for (const part of ["XXX 5 bits hole", "XXX 3 bytes hole", "padding: 3"]) {
    assert(text.includes(part), text);
  }
});

Deno.test("declarationOf() quotes names that C cannot have", () => {
  const T = struct("a b", { _: HostLayout, "x\ny": u8 });
  const text = declarationOf(T);
  assert(text.startsWith('struct "a b" {'), text);
  assert(text.includes('"x\\ny";'), text);
});

Deno.test("declarationOf() lets no escape sequence through, whatever has the name", () => {
  const name = "\x1b[31m\nred";
  const T = struct("T", {
    _: HostLayout,
    state: enumeration(name, { A: 0 }),
    low: bits(enumeration(name, { A: 0 }), 3),
    inner: struct(name, { _: HostLayout, x: u8 }),
    either: union(name, { _: HostLayout, x: u8 }),
    list: array(struct(name, { _: HostLayout, x: u8 }), 2),
    [name]: u8,
  });
  const types: Type[] = [T, ...Object.values(T.fields)];
  for (const type of types) {
    const text = declarationOf(type);
    assert(!text.includes("\x1b"), JSON.stringify(text));
    assert(!text.includes("\nred"), JSON.stringify(text));
  }
  assert(declarationOf(T).includes('enum "\\u001b[31m\\nred"'));
});

Deno.test("declarationOf() names types that are no struct", () => {
  assertEquals(declarationOf(u32), "uint32_t");
  assertEquals(declarationOf(array(array(u16, 2), 3)), "uint16_t[3][2]");
  assertEquals(declarationOf(text(8)), "char[8]");
  assertEquals(declarationOf(text16(8)), "char16_t[8]");
});

Deno.test("declarationOf() refuses what is no type", () => {
  assertThrows(() => declarationOf({} as Type), InvalidTypeError);
});
