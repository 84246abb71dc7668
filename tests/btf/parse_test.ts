import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Btf, BtfError } from "../../btf/mod.ts";
import { run } from "../_support.ts";
import { BOOL, Builder, K, SIGNED } from "./_builder.ts";

function failure(bytes: Uint8Array, base?: Btf): BtfError {
  return assertThrows(() => Btf.parse(bytes, { base }), BtfError);
}

Deno.test("Btf.type() has every kind as data", () => {
  const b = new Builder();
  const int = b.int("int", 4, SIGNED);
  const flag = b.int("_Bool", 1, BOOL);
  const ptr = b.ptr(int);
  const array = b.array(int, 3);
  const struct = b.struct("s", 8, [["a", int, 0], ["b", int, 32]]);
  const bits = b.struct("f", 4, [Builder.bits("x", int, 5, 7)], true);
  const union = b.union("u", 4, [["a", int, 0]]);
  const low = b.add(K.ENUM, "e", 4, [b.name("A"), 0xffffffff], 1);
  const signed = b.add(K.ENUM, "es", 4, [b.name("A"), 0xffffffff], 1, true);
  const wide = b.add(K.ENUM64, "w", 8, [b.name("A"), 1, 0x80000000], 1);
  const fwd = b.add(K.FWD, "later", 0, [], 0, true);
  const typedef = b.add(K.TYPEDEF, "int_t", int);
  const tag = b.add(K.TYPE_TAG, "user", int);
  const proto = b.add(K.FUNC_PROTO, "", int, [b.name("x"), ptr, 0, 0], 2);
  const func = b.add(K.FUNC, "call", proto, [], 1);
  const variable = b.add(K.VAR, "v", int, [1]);
  const section = b.add(K.DATASEC, ".data", 12, [variable, 8, 4], 1);
  const float = b.add(K.FLOAT, "double", 8);
  const note = b.add(K.DECL_TAG, "note", struct, [0xffffffff]);
  const btf = Btf.parse(b.bytes());

  assertEquals(btf.length, note + 1);
  assertEquals(btf.type(0), { kind: "void", id: 0, name: "" });
  assertEquals(btf.type(int), {
    kind: "int",
    id: int,
    name: "int",
    size: 4,
    signed: true,
    char: false,
    bool: false,
    bits: 32,
    bitOffset: 0,
  });
  assert((btf.type(flag) as { bool: boolean }).bool);
  assertEquals(btf.type(ptr), { kind: "ptr", id: ptr, name: "", type: int });
  assertEquals(btf.type(array), {
    kind: "array",
    id: array,
    name: "",
    element: int,
    index: int,
    length: 3,
  });
  assertEquals(btf.type(struct), {
    kind: "struct",
    id: struct,
    name: "s",
    size: 8,
    members: [
      { name: "a", type: int, bitOffset: 0, bitSize: undefined },
      { name: "b", type: int, bitOffset: 32, bitSize: undefined },
    ],
  });
  assertEquals(btf.find("f", "struct")?.members, [
    { name: "x", type: int, bitOffset: 5, bitSize: 7 },
  ]);
  assertEquals(btf.type(bits).name, "f");
  assertEquals(btf.type(union).kind, "union");
  assertEquals(btf.find("e", "enum")?.members, [{
    name: "A",
    value: 2 ** 32 - 1,
  }]);
  assertEquals(btf.find("es", "enum")?.members, [{ name: "A", value: -1 }]);
  assertEquals(btf.type(low).kind, btf.type(signed).kind);
  assertEquals(btf.find("w", "enum64")?.members, [
    { name: "A", value: 0x80000000_00000001n },
  ]);
  assertEquals(btf.type(wide).id, wide);
  assertEquals(btf.type(fwd), {
    kind: "fwd",
    id: fwd,
    name: "later",
    union: true,
  });
  assertEquals(btf.type(typedef), {
    kind: "typedef",
    id: typedef,
    name: "int_t",
    type: int,
  });
  assertEquals(btf.type(tag).kind, "type_tag");
  assertEquals(btf.type(proto), {
    kind: "func_proto",
    id: proto,
    name: "",
    result: int,
    parameters: [{ name: "x", type: ptr }],
    variadic: true,
  });
  assertEquals(btf.type(func), {
    kind: "func",
    id: func,
    name: "call",
    type: proto,
    linkage: "global",
  });
  assertEquals(btf.type(section), {
    kind: "datasec",
    id: section,
    name: ".data",
    size: 12,
    variables: [{ type: variable, offset: 8, size: 4 }],
  });
  assertEquals(btf.type(float).kind, "float");
  assertEquals(btf.type(note), {
    kind: "decl_tag",
    id: note,
    name: "note",
    type: struct,
    component: -1,
  });
  assertEquals([...btf].map(({ id }) => id).at(-1), note);
});

Deno.test("Btf.find() finds the first type of a name, findAll() all of them", () => {
  const b = new Builder();
  const int = b.int("same", 4);
  const first = b.struct("same", 4, [["a", int, 0]]);
  const second = b.struct("same", 8, [["a", int, 32]]);
  const btf = Btf.parse(b.bytes());
  assertEquals(btf.find("same")?.id, int);
  assertEquals(btf.find("same", "struct")?.id, first);
  assertEquals(btf.find("same", "union"), undefined);
  assertEquals(btf.find("sam"), undefined);
  assertEquals(btf.find(""), undefined);
  assertEquals(btf.findAll("same").map(({ id }) => id), [int, first, second]);
  assertEquals(btf.findAll("same", "struct").length, 2);
});

Deno.test("Btf.find() finds names that share their bytes, and long ones", () => {
  const b = new Builder();
  b.int("unsigned int", 4);
  const long = "x".repeat(300);
  b.int(`${long}1`, 4);
  const other = b.int(`${long}2`, 4);
  const umlaut = b.int("größe", 4);
  const inner = b.int("int", 4);
  // "int" is the end of "unsigned int".
  b.words[(inner - 1) * 4] = b.name("unsigned int") + 9;
  const btf = Btf.parse(b.bytes());
  assertEquals(btf.find("int")?.id, inner);
  assertEquals(btf.find(`${long}2`)?.id, other);
  assertEquals(btf.find("größe")?.id, umlaut);
  assertEquals(btf.find(long), undefined);
});

Deno.test("Btf.parse() reads split BTF, whose ids and names follow those of its base", () => {
  const b = new Builder();
  const int = b.int("int", 4, SIGNED);
  const base = Btf.parse(b.bytes());
  const s = new Builder(base.length, b.strings.length);
  const ptr = s.ptr(int);
  const own = s.struct("own", 16, [["next", ptr, 0], ["int", int, 64]]);
  const again = s.int("int", 8);
  // The name of the base, not one of its own.
  s.words[s.words.length - 4] = b.name("int");
  const btf = Btf.parse(s.bytes(), { base });
  assertEquals([ptr, own, again], [2, 3, 4]);
  assertEquals(btf.base, base);
  assertEquals(btf.findAll("int").map(({ id }) => id), [int, again]);
  assertEquals(btf.find("own", "struct")?.members.map(({ name }) => name), [
    "next",
    "int",
  ]);
  assertEquals(btf.layout("own").size, 16);
  assertEquals([...btf].map(({ id }) => id), [2, 3, 4]);
  assertThrows(() => base.type(own), RangeError, "0 to 1");
  const alone = failure(s.bytes());
  assertStringIncludes(alone.message, "pass what it builds on as base");
  const nameless = failure(new Builder(base.length, b.strings.length).bytes());
  assertStringIncludes(nameless.message, "pass what it builds on as base");

  const third = new Builder(btf.length, b.strings.length + s.strings.length);
  third.add(K.TYPEDEF, "own_t", own);
  const deepest = Btf.parse(third.bytes(), { base: btf });
  assertStrictEquals(deepest.layout("own_t"), btf.layout("own"));
});

Deno.test("Btf.parse() takes a longer header", () => {
  const b = new Builder();
  b.int("int", 4);
  assertEquals(Btf.parse(b.bytes(32)).find("int")?.id, 1);
  assertEquals(Btf.parse(b.bytes(64)).find("int")?.id, 1);
});

Deno.test("Btf.parse() takes counts of 24 bits", () => {
  const b = new Builder();
  const int = b.int("int", 1);
  const values = Array.from({ length: 70_000 }, () => [b.name("A"), 7]).flat();
  b.add(K.ENUM, "big", 4, values, 70_000);
  const last = b.add(K.TYPEDEF, "last", int);
  const btf = Btf.parse(b.bytes());
  assertEquals(btf.find("big", "enum")?.members.length, 70_000);
  assertEquals(btf.find("last")?.id, last);
});

Deno.test("Btf.parse() copies its bytes", () => {
  const b = new Builder();
  b.int("int", 4);
  const bytes = b.bytes();
  const btf = Btf.parse(bytes);
  bytes.fill(0xff);
  assertEquals(btf.find("int")?.id, 1);
  const odd = new Uint8Array(b.bytes().length + 1);
  odd.set(b.bytes(), 1);
  assertEquals(Btf.parse(odd.subarray(1)).find("int")?.id, 1);
});

Deno.test("Btf.parse() refuses what is not BTF, with the offset", () => {
  const b = new Builder();
  b.int("int", 4);
  const good = b.bytes();

  function changed(at: number, ...values: number[]): BtfError {
    const bytes = good.slice();
    bytes.set(values, at);
    return failure(bytes);
  }
  assertEquals(failure(good.subarray(0, 23)).offset, 0);
  assert(failure(b.bytes(24, true)).message.includes("big-endian"));
  const elf = changed(0, 0x7f, 0x45, 0x4c, 0x46);
  assert(elf.message.includes(".BTF"), elf.message);
  assertEquals(changed(2, 9).offset, 2);
  assertEquals(changed(4, 20).offset, 4);
  assertEquals(changed(4, 255, 255, 255, 255).offset, 4);
  assertEquals(changed(12, 64).offset, 8); // types
  assertEquals(changed(12, 15).offset, 8);
  assertEquals(changed(20, 64).offset, 16); // names
  assertEquals(changed(good.length - 1, 65).offset, good.length - 1);
  assertEquals(changed(24 + 16, 65).offset, 24 + 16);
  const unknown = changed(24 + 7, 20); // its kind
  assertEquals(unknown.offset, 28);
  assert(unknown.message.includes("from 1 to 19"), unknown.message);
  assert(unknown.message.includes("is 20"), unknown.message);
  assertEquals(changed(24 + 7, 0).offset, 28);
  assertEquals(changed(24 + 7, 4, 0).offset, 24); // a struct
});

Deno.test("Btf refuses types and names that do not exist", () => {
  const b = new Builder();
  b.ptr(9);
  b.add(K.TYPEDEF, "t", 1);
  b.words[3] = 4000;
  const btf = Btf.parse(b.bytes());
  const id = assertThrows(() => btf.type(1), BtfError, "less than 3");
  assertEquals(id.offset, 24 + 8);
  const name = assertThrows(() => btf.type(2), BtfError, "4000");
  assertEquals(name.offset, 24 + 12);
  assertThrows(() => btf.type(3), RangeError, "from 0 to 2");
  assertThrows(() => btf.type(-1), RangeError);
  assertThrows(() => btf.type(0.5), RangeError);
});

Deno.test("Btf cannot be made but by parsing", () => {
  const Made = Btf as unknown as new (...args: unknown[]) => Btf;
  assertThrows(() => new Made(Symbol("Btf"), new Uint8Array(40)), TypeError);
  assertThrows(() => Btf.parse("x" as unknown as Uint8Array), TypeError);
  assertThrows(
    () => Btf.parse(new Uint8Array(40), { base: {} as Btf }),
    TypeError,
  );
});

Deno.test("importing the front door does not load btf", async () => {
  const { code, stdout, stderr } = await run(
    `const out = new Deno.Command(Deno.execPath(), {
       args: ["info", "--json", "mod.ts"],
     }).outputSync().stdout;
     const { modules } = JSON.parse(new TextDecoder().decode(out));
     console.log(modules.filter(({ specifier }) => specifier.endsWith("/btf/btf.ts")).length);
     console.log(modules.length > 10);`,
    { permissions: ["-A"] },
  );
  assertEquals({ code, stdout }, { code: 0, stdout: "0\ntrue\n" }, stderr);
});
