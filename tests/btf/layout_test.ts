import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Btf, BtfError, type PointerType } from "../../btf/mod.ts";
import {
  aligned,
  alignOf,
  assign,
  type Bits,
  checkType,
  declarationOf,
  type Enumeration,
  type HostLayout,
  offsetOf,
  type Pointer,
  pointer,
  snapshot,
  type StructType,
  type Type,
  type U32,
  type UnionType,
  view,
} from "../../layout/mod.ts";
import { BOOL, Builder, type BuiltMember, K, SIGNED } from "./_builder.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

/** BTF with the usual types, and what a test adds. */
function basics() {
  const b = new Builder();
  const types = {
    char: b.int("char", 1),
    u8: b.int("unsigned char", 1),
    u16: b.int("unsigned short", 2),
    i32: b.int("int", 4, SIGNED),
    u32: b.int("unsigned int", 4),
    u64: b.int("long unsigned int", 8),
    i64: b.int("long int", 8, SIGNED),
    bool: b.int("_Bool", 1, BOOL),
    wide: b.int("__int128", 16, SIGNED),
    float: b.add(K.FLOAT, "float", 4),
    double: b.add(K.FLOAT, "double", 8),
    long: b.add(K.FLOAT, "long double", 16),
  };
  return { b, t: types };
}

function layoutOf(
  make: (b: Builder, t: ReturnType<typeof basics>["t"]) => number,
): StructType {
  const { b, t } = basics();
  const id = make(b, t);
  return Btf.parse(b.bytes()).layout<StructType>(id);
}

/** A pointer to bytes that count up from 1. */
function counting(type: StructType, extra = 0): Loose {
  const bytes = Uint8Array.from({ length: type.size + extra }, (_, i) => i + 1);
  return pointer(type as Loose, bytes.buffer);
}

Deno.test("Btf.layout() has scalars of all kinds at BTF's own offsets", () => {
  const type = layoutOf((b, t) => {
    const names = Object.keys(t) as (keyof typeof t)[];
    // Every one at 16 times its number: no compiler would leave such gaps.
    return b.struct(
      "all",
      16 * names.length,
      names.map((name, i): BuiltMember => [name, t[name], 128 * i]),
    );
  });
  assertEquals(
    Object.entries(type.fields).map(([name, { kind, size }]) =>
      `${name} ${kind} ${size} ${
        name === "HostLayout" ? "" : offsetOf(type as Loose, name as never)
      }`.trim()
    ),
    [
      "HostLayout marker 0",
      "char i8 1 0",
      "u8 u8 1 16",
      "u16 u16 2 32",
      "i32 i32 4 48",
      "u32 u32 4 64",
      "u64 u64 8 80",
      "i64 i64 8 96",
      "bool bool 1 112",
      "wide i128 16 128",
      "float f32 4 144",
      "double f64 8 160",
      "long array 16 176",
    ].map((line) =>
      Deno.build.arch === "aarch64" ? line.replace("char i8", "char u8") : line
    ),
  );
  assertEquals(type.size, 192);
  assertEquals(alignOf(type), 8);
  checkType(type);
});

Deno.test("Btf.layout() has floats that pahole wrote as integers, and parts of complex numbers as bytes", () => {
  const b = new Builder();
  const integers = [
    ["float", 4],
    ["double", 8],
    ["_Float16", 2],
    ["long double", 16],
    ["complex float", 8],
    ["f32", 4], // of Rust
    ["long int", 8],
  ] as const;
  const floats = [["complex float", 8], ["__bf16", 2], ["f64", 8]] as const;
  const ids = [
    ...integers.map(([name, size]) => b.int(name, size)),
    ...floats.map(([name, size]) => b.add(K.FLOAT, name, size)),
  ];
  const btf = Btf.parse(b.bytes());
  assertEquals(ids.map((id) => btf.layout(id).name), [
    ...["f32", "f64", "f16", "u8[16]", "u8[8]", "f32", "u64"],
    ...["u8[8]", "u8[2]", "f64"],
  ]);
});

Deno.test("Btf.layout() is made once for each type", () => {
  const { b, t } = basics();
  const inner = b.struct("inner", 4, [["x", t.u32, 0]]);
  b.struct("outer", 8, [["a", inner, 0], ["b", inner, 32]]);
  const btf = Btf.parse(b.bytes());
  const outer = btf.layout<StructType>("outer");
  assertStrictEquals(outer, btf.layout("outer", "struct"));
  assertStrictEquals(outer.fields["a"], outer.fields["b"]);
  const from = counting(btf.layout("inner"));
  const to = counting(outer);
  assign(to, { b: from });
  assertEquals(to.b.x, 0x04030201);
});

Deno.test("Btf.layout() makes the members of anonymous structs and unions reachable", () => {
  const type = layoutOf((b, t) => {
    const inner = b.struct("", 4, [["lo", t.u16, 0], ["hi", t.u16, 16]]);
    const both = b.union("", 4, [["all", t.u32, 0], ["", inner, 0]]);
    const named = b.struct("", 4, [["x", t.u32, 0]]);
    return b.struct("s", 12, [["a", t.u32, 0], ["", both, 32], [
      "n",
      named,
      64,
    ]]);
  });
  const p = counting(type);
  assertEquals(Object.keys(type.fields).slice(1), [
    "a",
    "all",
    "lo",
    "hi",
    "n",
  ]);
  assertEquals([p.all, p.lo, p.hi], [0x08070605, 0x0605, 0x0807]);
  p.hi = 0xffff;
  assertEquals(p.all, 0xffff0605);
  assertEquals(p.n.x, 0x0c0b0a09);
  assertEquals(type.fields["n"]!.name, "(anonymous)");
});

Deno.test("Btf.layout() reads and writes bit-fields at BTF's own bits", () => {
  const type = layoutOf((b, t) => {
    const mode = b.add(K.ENUM, "mode", 4, [b.name("ON"), 1], 1);
    return b.struct("s", 8, [
      Builder.bits("a", t.u32, 3, 5),
      Builder.bits("b", t.i32, 30, 7), // lies across two units
      Builder.bits("c", t.bool, 40, 1),
      Builder.bits("d", mode, 41, 2),
      Builder.bits("e", t.i64, 44, 20),
    ], true);
  });
  const p = counting(type);
  const word = 0x0807060504030201n;
  assertEquals(p.a, Number(BigInt.asUintN(5, word >> 3n)));
  assertEquals(p.b, Number(BigInt.asIntN(7, word >> 30n)));
  assertEquals(p.c, false);
  assertEquals(p.e, BigInt.asIntN(20, word >> 44n));
  p.b = -1;
  p.d = 1;
  assertEquals([p.a, p.b, p.d], [0, -1, 1]);
  const mode = (type.fields["d"] as unknown as Bits).base as Enumeration;
  assertEquals(mode.nameOf(1), "ON");
});

Deno.test("Btf.layout() knows bit-fields as compilers wrote them before 2018", () => {
  const type = layoutOf((b, t) => {
    const five = b.add(K.INT, "unsigned int", 4, [3 << 16 | 5]);
    return b.struct("s", 4, [["x", five, 8], ["y", t.u16, 16]]);
  });
  const p = counting(type);
  p.x = 31;
  assertEquals(snapshot(p), { x: 31, y: 0x0403 });
  assertEquals(
    new Uint8Array(8 + 0).length && (type.fields["x"] as unknown as Bits).width,
    5,
  );
  const bytes = new Uint8Array(4);
  (pointer(type as Loose, bytes) as Loose).x = 31;
  assertEquals(bytes, new Uint8Array([0, 0b11111000, 0, 0]));
});

Deno.test("Btf.layout() has enumerations with their names", () => {
  const { b, t } = basics();
  b.add(K.ENUM, "small", 1, [b.name("A"), 1, b.name("B"), 0xffffffff], 2, true);
  b.add(K.ENUM, "plain", 4, [b.name("A"), 0xffffffff], 1);
  b.add(K.ENUM64, "large", 8, [b.name("A"), 5, 0x80000000], 1);
  b.add(K.ENUM64, "deep", 8, [b.name("A"), 5, 0x80000000], 1, true);
  b.add(K.ENUM, "cut", 8, [b.name("A"), 0], 1);
  b.add(K.ENUM, "odd", 3, [b.name("A"), 0], 1);
  const btf = Btf.parse(b.bytes());
  const of = (name: string) => btf.layout<Enumeration>(name);
  assertEquals([of("small").base.kind, of("small").members], ["i8", {
    A: 1,
    B: -1,
  }]);
  assertEquals(of("plain").members, { A: 0xffffffff });
  assertEquals(of("large").members, { A: 0x80000000_00000005n });
  assertEquals(of("deep").members, { A: -0x7fffffff_fffffffbn });
  assertEquals(of("deep").base.kind, "i64");
  // Its compiler had 32 bits for a value of 64.
  assertEquals([of("cut").base.kind, of("cut").members], ["u64", {}]);
  assertEquals(btf.layout("odd").kind, "array");
  assert(t.u8 > 0);
});

Deno.test("Btf.layout() has char arrays as text, other arrays as arrays", () => {
  const type = layoutOf((b, t) => {
    const char = b.add(K.TYPEDEF, "char_t", b.add(K.CONST, "", t.char));
    const line = b.array(char, 4);
    return b.struct("s", 28, [
      ["name", line, 0],
      ["lines", b.array(line, 2), 32],
      ["bytes", b.array(t.u8, 4), 96],
      ["grid", b.array(b.array(t.u16, 3), 2), 128],
    ]);
  });
  assertEquals(
    Object.values(type.fields).map(({ name }) => name),
    ["HostLayout", "text(4)", "text(4)[2]", "u8[4]", "u16[2][3]"],
  );
  assertEquals(
    counting(type).grid.at(1).at(-1) ?? counting(type).grid.at(1)[2],
    0x1c1b,
  );
});

Deno.test("Btf.layout() has pointers that know what they point to", () => {
  const { b, t } = basics();
  const node = b.words.length; // the id comes before what it names
  assert(node > 0);
  const next = b.ptr(14);
  const s = b.struct("node", 40, [
    ["next", next, 0],
    ["call", 17, 64],
    ["any", 18, 128],
    ["later", 20, 192],
    ["names", 22, 256],
  ]);
  const proto = b.add(
    K.FUNC_PROTO,
    "",
    t.i32,
    [b.name("n"), next, 0, t.u64],
    2,
  );
  const more = b.add(K.CONST, "", t.char);
  assertEquals([s, proto, more], [14, 15, 16]);
  b.ptr(proto);
  b.ptr(0);
  b.add(K.FWD, "later", 0);
  b.ptr(19);
  b.ptr(more);
  b.ptr(21);
  const btf = Btf.parse(b.bytes());
  const type = btf.layout<StructType>("node");
  const field = (name: string) => type.fields[name] as unknown as PointerType;
  assertEquals(
    ["next", "call", "any", "later", "names"].map((name) => field(name).name),
    [
      "struct node *",
      "int (*)(struct node * n, long unsigned int)".replace("* n", "*n"),
      "void *",
      "struct later *",
      "const char **",
    ],
  );
  assertStrictEquals(field("next").target(), type);
  assertEquals(field("next").targetId, s);
  assertEquals(field("call").target(), undefined);
  assertEquals(field("any").target(), undefined);
  assertEquals(field("later").target(), undefined);
  assertEquals((field("names").target() as PointerType).name, "const char *");
  assertEquals(typeof counting(type).next, "bigint");
  assertEquals(
    btf.declare(field("call").targetId, "f"),
    "int f(struct node *n, long unsigned int)",
  );
});

Deno.test("Btf.layout() has an array without a length as flexible where nothing lies behind it", () => {
  const { b, t } = basics();
  const none = b.array(t.u16, 0);
  const empty = b.struct("", 0, []);
  const declared = b.struct("", 0, [["__empty", empty, 0], ["data", none, 0]]);
  const either = b.union("", 12, [["min", b.array(t.u8, 12), 0], [
    "",
    declared,
    0,
  ]]);
  b.struct("tail", 4, [["n", t.u32, 0], ["items", none, 32]]);
  b.struct("address", 16, [["family", t.u32, 0], ["", either, 32]]);
  b.struct("mark", 8, [["a", t.u32, 0], ["here", none, 32], ["b", t.u32, 32]]);
  const tail = b.words.length;
  assert(tail > 0);
  const btf0 = Btf.parse(b.bytes());
  const inner = btf0.find("tail")!.id;
  b.struct("around", 8, [["inner", inner, 0], ["after", t.u32, 32]]);
  b.struct("ends", 8, [["before", t.u32, 0], ["inner", inner, 32]]);
  b.struct("many", 8, [["inner", b.array(inner, 2), 0]]);
  const btf = Btf.parse(b.bytes());
  const of = (name: string) => counting(btf.layout(name), 6);
  assertEquals(of("tail").items.length, 3);
  assertEquals(of("address").data.length, 9);
  assertEquals(of("mark").here.length, 0);
  assertEquals(of("mark").b, 0x08070605);
  assertEquals(of("around").inner.items.length, 0);
  assertEquals(of("ends").inner.items.length, 3);
  assertEquals(of("many").inner.at(1).items.length, 0);
});

Deno.test("Btf.layout() takes a struct whose members are not aligned as packed", () => {
  const { b, t } = basics();
  b.struct("packed", 5, [["a", t.u8, 0], ["b", t.u32, 8]]);
  const inner = b.struct("odd", 6, [["b", t.u32, 0], ["c", t.u16, 32]]);
  b.struct("plain", 8, [["b", t.u32, 0], ["c", t.u16, 32]]);
  b.struct("holds", 8, [["x", t.u16, 0], ["in", inner, 16]]);
  const btf = Btf.parse(b.bytes());
  assertEquals(
    ["packed", "odd", "plain", "holds"].map((name) => btf.layout(name).align),
    [1, 1, 4, 2],
  );
  const p = pointer(
    btf.layout<StructType>("packed") as Loose,
    new ArrayBuffer(8),
    3,
  ) as Loose;
  p.b = 0xdeadbeef;
  assertEquals(p.b, 0xdeadbeef);
  const holds = counting(btf.layout("holds"));
  assertEquals(holds.in.b, 0x06050403);
});

Deno.test("Btf.layout() has structs without a size, in others", () => {
  const { b, t } = basics();
  const empty = b.struct("nothing", 0, []);
  b.struct("s", 4, [["a", empty, 0], ["all", b.array(empty, 8), 0], [
    "x",
    t.u32,
    0,
  ]]);
  const btf = Btf.parse(b.bytes());
  assertEquals(btf.layout("nothing").size, 0);
  const p = counting(btf.layout("s"));
  assertEquals(p.x, 0x04030201);
  assertEquals(snapshot(p), { a: {}, all: [], x: 0x04030201 });
  assertThrows(
    () => pointer(btf.layout("nothing") as Loose, new ArrayBuffer(8)),
    TypeError,
  );
});

Deno.test("Btf.layout() has a section as a struct of its variables", () => {
  const { b, t } = basics();
  const members: number[] = [];
  function variable(name: string, type: number, offset: number, size: number) {
    members.push(b.add(K.VAR, name, type, [1]), offset, size);
  }
  variable("hits", t.u64, 0, 8);
  variable("count", t.u32, 12, 4);
  variable("count", t.u32, 16, 4); // static, of another function
  variable("f.state", b.array(t.u8, 3), 20, 3);
  b.add(K.DATASEC, ".bss", 23, members, 4);
  b.add(K.DATASEC, ".unlinked", 0, members, 4);
  const btf = Btf.parse(b.bytes());
  const bss = btf.layout<StructType>(".bss");
  assertEquals([bss.name, bss.size, bss.align], [".bss", 23, 8]);
  const p = pointer(
    bss as Loose,
    Uint8Array.from({ length: 24 }, (_, i) => i),
  ) as Loose;
  assertEquals([p.count, p.count_2], [0x0f0e0d0c, 0x13121110]);
  assertEquals(p.f_state[2], 22);
  const error = assertThrows(
    () => btf.layout(".unlinked"),
    BtfError,
    "linking",
  );
  assert(error.offset! > 24, String(error.offset));
  assertEquals(btf.layout("hits", "var").kind, "u64");
});

Deno.test("Btf.layout() names what has no name after its typedef", () => {
  const { b, t } = basics();
  const anonymous = b.struct("", 4, [["counter", t.i32, 0]]);
  const atomic = b.add(K.TYPEDEF, "atomic_t", anonymous);
  b.struct("s", 8, [["a", b.add(K.CONST, "", atomic), 0], [
    "b",
    anonymous,
    32,
  ]]);
  const btf = Btf.parse(b.bytes());
  assertEquals(btf.layout("atomic_t").name, "atomic_t");
  const { fields } = btf.layout<StructType>("s");
  assertStrictEquals(fields["a"], btf.layout("atomic_t"));
  assertEquals(fields["b"]!.name, "(anonymous)");
});

Deno.test("Btf.layout() has __be16, __be32 and __be64 in network byte order", () => {
  const type = layoutOf((b, t) => {
    const be16 = b.add(K.TYPEDEF, "__be16", t.u16);
    const be32 = b.add(K.TYPEDEF, "__be32", b.add(K.TYPEDEF, "__u32", t.u32));
    const port = b.add(K.TYPEDEF, "port_t", be16);
    return b.struct("s", 12, [
      ["port", port, 0],
      ["host", t.u16, 16],
      ["ip", be32, 32],
      ["odd", b.add(K.TYPEDEF, "__be64", t.u32), 64],
    ]);
  });
  const p = counting(type);
  assertEquals([p.port, p.host, p.ip], [0x0102, 0x0403, 0x05060708]);
  assertEquals(p.odd, 0x0c0b0a09);
});

Deno.test("Btf.layout() gives names that the language refuses others", () => {
  const type = layoutOf((b, t) =>
    b.struct("s", 20, [
      ["a.b", t.u32, 0],
      ["a_b", t.u32, 32],
      ["7", t.u32, 64],
      ["__proto__", t.u32, 96],
      ["HostLayout", t.u32, 128],
    ])
  );
  assertEquals(Object.keys(type.fields), [
    "a_b",
    "a_b_2",
    "_7",
    "__proto__",
    "HostLayout",
  ]);
  checkType(type);
  assertEquals(counting(type).HostLayout, 0x14131211);
});

Deno.test("Btf.layout() takes a struct before a typedef, and no one of two that differ", () => {
  const { b, t } = basics();
  b.add(K.FUNC, "task", b.add(K.FUNC_PROTO, "", 0), [], 1);
  b.add(K.TYPEDEF, "task", t.u8);
  b.struct("task", 4, [["x", t.u32, 0]]);
  const first = b.struct("two", 4, [["x", t.u32, 0]]);
  const second = b.struct("two", 8, [["x", t.u32, 0]]);
  b.struct("same", 4, [["x", t.u32, 0]]);
  b.struct("same", 4, [["x", t.u32, 0]]);
  b.add(K.FWD, "known", 0);
  const btf = Btf.parse(b.bytes());
  assertEquals(btf.layout("task").kind, "struct");
  assertEquals(btf.layout("task", "typedef"), btf.layout("unsigned char"));
  assertThrows(() => btf.layout("two"), BtfError, `${first}, ${second}`);
  assertEquals(btf.layout(second).size, 8);
  assertEquals(btf.layout("same").size, 4);
  assertThrows(() => btf.layout("none"), BtfError, '"none"');
  assertThrows(() => btf.layout("known"), BtfError, "fwd known has none");
  assertThrows(() => btf.layout(second, "union"), BtfError, "must be a union");
  assertThrows(
    () => btf.layout("task", "func"),
    BtfError,
    "func task has none",
  );
});

Deno.test("Btf.layout() takes the static type that the caller knows", () => {
  const { b, t } = basics();
  b.struct("point", 8, [["x", t.u32, 0], ["y", t.u32, 32]]);
  b.union("number", 4, [["u", t.u32, 0], ["f", t.float, 0]]);
  const btf = Btf.parse(b.bytes());
  type Known = StructType<{ _: HostLayout; x: U32; y: U32 }>;
  const known = btf.layout<Known>("point");
  const p: Pointer<Known> = pointer(known, new ArrayBuffer(8));
  p.x = 7;
  assertEquals(snapshot(p), { x: 7, y: 0 });
  assertEquals(offsetOf(known, "y"), 4);
  const unknown = btf.layout("number");
  const q = view(unknown, new ArrayBuffer(4));
  assertEquals(snapshot(q as never), { u: 0, f: 0 });
  assertEquals((unknown as UnionType).kind, "union");
  assert(declarationOf(known).includes("size: 8, align: 4, members: 2"));
});

/** Makes one wrong struct; gives the error. */
function wrong(
  make: (b: Builder, t: ReturnType<typeof basics>["t"]) => number,
): BtfError {
  const { b, t } = basics();
  const id = make(b, t);
  const btf = Btf.parse(b.bytes());
  const error = assertThrows(() => btf.layout(id));
  assertInstanceOf(error, BtfError, String(error));
  return error;
}

Deno.test("Btf.layout() refuses types that cannot be, with the offset", () => {
  function has(error: BtfError, text: string): void {
    assert(error.message.includes(text), error.message);
    assert(error.offset! >= 24, `${error.message} at ${error.offset}`);
  }
  has(
    wrong((b, t) => b.struct("s", 4, [["x", t.u64, 0]])),
    "64 bits from bit 0 on",
  );
  has(
    wrong((b, t) => b.struct("s", 4, [["x", t.u32, 8]])),
    "within its 4 bytes",
  );
  has(wrong((b, t) => b.struct("s", 8, [["x", t.u32, 3]])), "begins at bit 3");
  has(wrong((b) => b.struct("s", 8, [["x", 0, 0]])), "must have a size: void");
  has(
    wrong((b) => b.struct("s", 8, [["x", b.add(K.FWD, "f", 0), 0]])),
    "fwd f has none",
  );
  has(
    wrong((b, t) => b.struct("s", 8, [Builder.bits("x", t.u8, 0, 9)], true)),
    "from 1 to 8 bits: it has 9",
  );
  has(
    wrong((b, t) => b.struct("s", 8, [Builder.bits("x", t.float, 0, 9)], true)),
    "float float is none",
  );
  has(wrong((b) => b.struct("s", 8, [["x", 13, 0]])), "contain itself");
  has(
    wrong((b) => b.array(13, 2)),
    "must not consist of types that nest deeper",
  );
  has(wrong((b) => b.add(K.TYPEDEF, "t", 13)), "nest deeper than 64");
  has(wrong((b) => b.add(K.FUNC_PROTO, "", 0)), "has none");
  has(
    wrong((b, t) =>
      b.array(b.array(b.array(t.u64, 2 ** 31), 2 ** 31), 2 ** 31)
    ),
    "2^53 bytes",
  );
});

Deno.test("Btf.layout() refuses types that nest without end or measure", () => {
  const deep = wrong((b, t) => {
    let type: number = t.u8;
    for (let i = 0; i < 200; i++) type = b.struct(`s${i}`, 1, [["x", type, 0]]);
    return type;
  });
  assert(deep.message.includes("deeper than 64"), deep.message);
  const doubling = wrong((b) => {
    let type = b.struct("", 0, []);
    for (let i = 0; i < 50; i++) {
      type = b.struct("", 0, [["", type, 0], ["", type, 0]]);
    }
    return type;
  });
  assert(doubling.message.includes("200000 members"), doubling.message);
  const broad = wrong((b, t) =>
    b.struct(
      "s",
      1,
      Array.from({ length: 10_001 }, (_, i): BuiltMember => [`m${i}`, t.u8, 0]),
    )
  );
  assert(broad.message.includes("at most 10000 members"), broad.message);
});

Deno.test("Btf.declare() comes to an end", () => {
  const { b, t } = basics();
  const self = b.ptr(13);
  const proto = b.add(K.FUNC_PROTO, "", t.u8, [0, 15, 0, 15], 2);
  const pointers = b.ptr(proto);
  const btf = Btf.parse(b.bytes());
  assertEquals([self, pointers], [13, 15]);
  assert(btf.declare(self).length < 200);
  assert(btf.declare(pointers).length < 2000);
  assertEquals(btf.layout(self).size, 8);
  const functions = b.array(b.ptr(b.add(K.FUNC_PROTO, "", 0)), 3);
  const rows = b.ptr(b.array(t.i32, 4));
  const fixed = b.add(K.CONST, "", b.ptr(b.add(K.CONST, "", t.char)));
  const more = Btf.parse(b.bytes());
  assertEquals(more.declare(functions, "f"), "void (*f[3])(void)");
  assertEquals(more.declare(rows, "p"), "int (*p)[4]");
  assertEquals(more.declare(fixed, "s"), "const char *const s");
});

Deno.test("the fields of a layout are told again when they are used, and stay", () => {
  const b = new Builder();
  const int = b.int("int", 4, SIGNED);
  const inner = b.struct("inner", 4, [["a", int, 0]]);
  const outer = b.struct("outer", 12, [
    ["head", int, 0],
    ["inner", inner, 32],
    ["tail", b.array(int, 0), 96],
  ]);
  // The same struct where something follows it, so that its array is closed.
  const around = b.struct("around", 16, [["o", outer, 0], ["z", int, 96]]);
  const btf = Btf.parse(b.bytes());
  const type = btf.layout<StructType>(outer);
  assert(type.fields === type.fields);
  assert(type.fields["inner"] === btf.layout(inner));
  assertEquals(Object.isFrozen(type) && Object.isFrozen(type.fields), true);
  assertEquals(type.fields["tail"]!.name, "i32[]");
  const closed = btf.layout<StructType>(around).fields["o"] as StructType;
  assertEquals(closed.fields["tail"]!.name, "i32[0]");
  const wide = aligned(type, 64);
  assertEquals(Object.keys(wide.fields), Object.keys(type.fields));
  assertEquals(offsetOf(wide as Type, "inner.a" as never), 4);
  assertEquals([wide.align, wide.size], [64, 12]);
});
