import { assertEquals, assertThrows } from "@std/assert";
import { InvalidTypeError } from "../../../errors.ts";
import {
  array,
  assign,
  bits,
  enumeration,
  field,
  type Fields,
  HostLayout,
  offsetOf,
  pointer,
  snapshot,
  struct,
  text,
  type Type,
  u32,
  u8,
  union,
  view,
} from "../../../layout/mod.ts";
import { Random, seed } from "../../_support.ts";
import type { Loose } from "../_kinds.ts";

const names = [
  "constructor",
  "__proto__",
  "prototype",
  "toString",
  "toJSON",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
  "then",
  "length",
  "name",
  "value",
  "at",
  "o",
  "v",
  "f32",
  "u8",
  "u32",
  "#v",
  "#o",
  "this",
  "class",
  "static",
  "get",
  "set",
  "new",
  "arguments",
  "eval",
  "library",
  "constants",
  "expose",
  "refuse",
  "c0",
  "closed",
  "a",
  "r",
  "k",
  "quote'",
  'quote"',
  "quote`",
  "back\\slash",
  "line\nfeed",
  "carriage\rreturn",
  "tab\tnul\0",
  "${globalThis[`injected`] = true}",
  "`; globalThis[`injected`] = true; `",
  "*/ globalThis[`injected`] = true; /*",
  "// globalThis[`injected`] = true",
  "\n}; globalThis[`injected`] = true; ({",
  '"]() {} }; globalThis[`injected`] = true; class { get ["x',
  "]; globalThis[`injected`] = true; [",
  "</script>",
  "<!-- globalThis[`injected`] = true -->",
  "\u2028globalThis[`injected`] = true\u2029",
  "ünï€ødé",
  "变量",
  "👩‍👩‍👧",
  "\ud800",
  "e\u0301",
  "\ufeff",
  " ",
  "two words",
  "1st",
  "-1",
  "01",
  "1e3",
  "4294967295",
  "[0]",
  "$&",
  "$1",
];

function loose(type: Type, bytes: ArrayBuffer | Uint8Array): Loose {
  return pointer<Type>(type, bytes) as unknown as Loose;
}

function typed(entries: readonly (readonly [string, Type])[]) {
  return Object.fromEntries([["marker", HostLayout], ...entries]) as Record<
    string,
    Type
  >;
}

Deno.test("any name works as a field: read, write, nested, array, path, JSON", () => {
  const Names = struct("Names", typed(names.map((name) => [name, u32])));
  const buffer = new ArrayBuffer(Names.size);
  const all = loose(Names, buffer);
  const words = new Uint32Array(buffer);
  names.forEach((name, index) => {
    all[name] = index + 1;
    assertEquals(words[index], index + 1, name);
    assertEquals(all[name], index + 1, name);
    assertEquals(offsetOf(Names, name as never), index * 4);
    const of = field<Type, string>(Names, name).of(
      all as never,
    ) as unknown as Loose;
    of.value = index + 2;
    assertEquals(all[name], index + 2);
    const error = assertThrows(() => all[name] = -1, RangeError);
    assertEquals(error.message.includes(`Names.${name}`), true);
  });
  const plain = snapshot(all as never) as Record<string, number>;
  assertEquals(Object.keys(plain), names);
  assertEquals(Object.getPrototypeOf(plain), Object.prototype);
  const again = loose(Names, new ArrayBuffer(Names.size));
  assign(again as never, plain as never);
  assertEquals(Deno.inspect(again), Deno.inspect(all));
  assertEquals("injected" in globalThis, false);
});

for (const name of names) {
  Deno.test(`a field named ${JSON.stringify(name)} is an ordinary field`, () => {
    const Inner = struct(`I${name}`, typed([[name, u8], ["z", text(3)]]));
    const Outer = struct(
      name,
      typed([
        [name, Inner],
        [`${name}[]`, array(Inner, 2)],
        [`${name}|`, union(name, typed([[name, u8], ["y", u8]]))],
        [`${name}:`, bits(u8, 3)],
      ]),
    );
    const outer = loose(Outer, new ArrayBuffer(Outer.size));
    const inner = outer[name] as Loose;
    inner[name] = 7;
    const cells = outer[`${name}[]`] as {
      at(index: number): Loose;
      column(path: string): { set(index: number, value: number): void };
    };
    cells.at(1)[name] = 8;
    cells.column(name).set(0, 9);
    (outer[`${name}|`] as Loose)[name] = 10;
    outer[`${name}:`] = 5;
    const seen = view<Type>(Inner, new ArrayBuffer(4)) as unknown as Loose;
    assertEquals(seen[name], 0);
    assertThrows(() => seen[name] = 1, TypeError);
    if (name !== "toJSON") {
      const json = JSON.parse(JSON.stringify(outer)) as Record<string, Loose>;
      assertEquals(json[name]![name], 7);
      assertEquals(json[`${name}|`]!["y"], 10);
    }
    const plain = snapshot(outer as never) as Record<string, unknown>;
    assertEquals(Object.hasOwn(plain, name), true);
    const list = plain[`${name}[]`] as Loose[];
    assertEquals(list.map((each) => each[name]), [9, 8]);
    assertEquals(typeof Deno.inspect(outer), "string");
    assertEquals(enumeration(name, { [name]: 1 }).nameOf(1), name);
    assertEquals("injected" in globalThis, false);
  });
}

Deno.test("no name, names with a dot and array indices are refused", () => {
  for (
    const name of ["", ".", "a.b", ".a", "a.", "0", "1", "17", "4294967294"]
  ) {
    for (const make of [struct, union]) {
      assertThrows(
        () => make("S", typed([[name, u8]])),
        InvalidTypeError,
        "S: A field name must not",
      );
    }
  }
});

Deno.test("symbol keys are refused", () => {
  const fields = { _: HostLayout, [Symbol("x")]: u8 };
  assertThrows(() => struct("S", fields), InvalidTypeError, "Symbol(x)");
  const wellKnown = { _: HostLayout, [Symbol.iterator]: u8 };
  assertThrows(
    () => union("S", wellKnown),
    InvalidTypeError,
    "Symbol.iterator",
  );
});

Deno.test("a struct needs a name, and any name will do", () => {
  for (const name of ["", null, undefined, 1, Symbol("S"), {}]) {
    assertThrows(
      () => struct(name as string, { _: HostLayout, x: u8 }),
      InvalidTypeError,
      "must be a string",
    );
  }
});

Deno.test("names of random characters are ordinary, too", () => {
  const random = new Random(seed());
  const fields = new Map<string, Type>();
  while (fields.size < 300) {
    const length = 1 + random.int(12);
    const codes = Array.from(
      { length },
      () => random.boolean() ? random.int(128) : random.int(65536),
    );
    const name = String.fromCharCode(...codes).replaceAll(".", "");
    if (name !== "" && !/^\d+$/.test(name)) fields.set(name, u8);
  }
  const Random_ = struct("Random", typed([...fields]));
  const bytes = new Uint8Array(fields.size);
  const one = loose(Random_, bytes);
  [...fields.keys()].forEach((name, index) => {
    one[name] = index % 251;
    assertEquals(bytes[index], index % 251, JSON.stringify(name));
  });
});

Deno.test("a struct of 5 000 fields works", () => {
  const count = 5000;
  const Many = struct(
    "Many",
    typed(Array.from({ length: count }, (_, i) => [`f${i}`, i % 2 ? u8 : u32])),
  );
  const many = loose(Many, new ArrayBuffer(Many.size));
  for (let index = 0; index < count; index++) many[`f${index}`] = index % 256;
  for (let index = 0; index < count; index++) {
    assertEquals(many[`f${index}`], index % 256);
  }
  assertThrows(() => many["f4999"] = 256, RangeError, "Many.f4999");
  assertEquals(Object.keys(snapshot(many as never) as Loose).length, count);
});

Deno.test("more fields than the engine takes are refused, not a stack overflow", () => {
  const most = 10_000 - 1;
  const widest = typed(Array.from({ length: most }, (_, i) => [`f${i}`, u8]));
  const wide = loose(struct("Wide", widest), new ArrayBuffer(most));
  wide[`f${most - 1}`] = 7;
  assertEquals((snapshot(wide as never) as Loose)[`f${most - 1}`], 7);
  const count = 200_000;
  const fields = typed(Array.from({ length: count }, (_, i) => [`f${i}`, u8]));
  const make = () => loose(struct("Huge", fields), new ArrayBuffer(count));
  const error = assertThrows(make, InvalidTypeError, "Huge");
  assertEquals(error.message.includes("200001"), true, error.message);
});

Deno.test("200 levels of nesting work, in structs, unions and arrays", () => {
  let deep: Type = u32;
  for (let level = 0; level < 200; level++) {
    const fields: Fields = { _: HostLayout, a: deep };
    deep = level % 3 === 0
      ? struct(`L${level}`, fields)
      : level % 3 === 1
      ? union(`L${level}`, fields)
      : array(deep, 1);
  }
  const bytes = new Uint8Array(4);
  let at = pointer<Type>(deep, bytes) as unknown as Loose & {
    at(index: number): typeof at;
  };
  for (let level = 199; level > 0; level--) {
    at = level % 3 === 2 ? at.at(0) : at.a as typeof at;
  }
  at.a = 7;
  assertEquals(bytes[0], 7);
  const root = pointer<Type>(deep, bytes);
  assertEquals(JSON.stringify(root).includes("7"), true);
  assertEquals(typeof Deno.inspect(root, { depth: 1000 }), "string");
  assign(root as never, snapshot(root as never) as never);
  assertEquals(bytes[0], 7);
});

Deno.test("nesting without end is refused, not a stack overflow", () => {
  let deep: Type = u8;
  const nest = (make: (inner: Type) => Type) => {
    deep = u8;
    for (let level = 0; level < 100_000; level++) deep = make(deep);
  };
  for (
    const make of [
      (inner: Type) => struct("S", { _: HostLayout, a: inner }),
      (inner: Type) => union("U", { _: HostLayout, a: inner }),
      (inner: Type) => array(inner, 1),
    ]
  ) {
    assertThrows(() => nest(make), InvalidTypeError, "nest deeper than");
    // What was still allowed can be used.
    pointer<Type>(deep, new ArrayBuffer(8));
    JSON.stringify(
      pointer<Type>(struct("T", { _: HostLayout, x: u8 }), new ArrayBuffer(8)),
    );
  }
});
