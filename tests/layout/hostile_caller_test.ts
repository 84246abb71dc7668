import { assertEquals, assertThrows } from "@std/assert";
import { run } from "../_support.ts";
import {
  array,
  assign,
  atomic,
  field,
  HostLayout,
  pointer,
  snapshot,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
  view,
} from "../../layout/mod.ts";
import type { Loose } from "./_kinds.ts";

const Inner = struct("Inner", { _: HostLayout, x: u32 });
const Stats = struct("Stats", {
  _: HostLayout,
  bytes: u64,
  count: atomic(u32),
  name: text(4),
  ports: array(u16, 4),
  inner: Inner,
  cells: array(Inner, 2),
});

Deno.test("a setter taken from a pointer does not accept a view, nor a forged object", () => {
  const bytes = new Uint8Array(Stats.size);
  const stats = pointer(Stats, bytes);
  const seen = view(Stats, bytes);
  const prototype = Object.getPrototypeOf(stats) as object;
  const others: object[] = [
    seen,
    seen.inner,
    Object.create(prototype) as object,
    Object.create(stats) as object,
    Object.setPrototypeOf({}, prototype) as object,
    Object.setPrototypeOf(view(Stats, bytes), prototype) as object,
    new Proxy(stats, {}),
    pointer(u32, bytes),
    {},
  ];
  const { get, set } = Object.getOwnPropertyDescriptor(prototype, "bytes")!;
  for (const other of others) {
    assertThrows(() => Reflect.apply(set!, other, [1n]), TypeError);
  }
  for (const other of others) {
    assertThrows(() => Reflect.apply(get!, other, []), TypeError);
  }
  assertEquals(bytes.every((byte) => byte === 0), true);
});

Deno.test("a method taken from a pointer does not accept a view", () => {
  const bytes = new Uint8Array(Stats.size);
  const stats = pointer(Stats, bytes);
  const seen = view(Stats, bytes);
  const pairs: [object, object, string, unknown[]][] = [
    [stats.count, seen.count, "store", [1]],
    [stats.count, seen.count, "add", [1]],
    [stats.cells, seen.cells, "at", [0]],
    [stats.cells.column("x"), seen.cells.column("x"), "set", [0, 1]],
    [
      pointer(array(text(2), 2), bytes),
      view(array(text(2), 2), bytes),
      "set",
      [0, "a"],
    ],
  ];
  for (const [from, to, name, values] of pairs) {
    const method = (from as Loose)[name] as (...values: unknown[]) => unknown;
    assertThrows(() => Reflect.apply(method, to, values), TypeError);
  }
  const { set } = Object.getOwnPropertyDescriptor(
    Object.getPrototypeOf(pointer(u32, bytes)),
    "value",
  )!;
  assertThrows(() => Reflect.apply(set!, view(u32, bytes), [1]), TypeError);
  assertEquals(bytes.every((byte) => byte === 0), true);
});

Deno.test("forged pointers get errors from every function that takes one", () => {
  const bytes = new Uint8Array(Stats.size);
  const stats = pointer(Stats, bytes);
  const forgeries: object[] = [
    Object.create(Object.getPrototypeOf(stats)) as object,
    Object.setPrototypeOf({}, Object.getPrototypeOf(stats)) as object,
    Object.create(Object.getPrototypeOf(stats.cells)) as object,
    Object.create(Object.getPrototypeOf(stats.count)) as object,
    Object.getPrototypeOf(stats) as object,
    new Proxy(stats, {}),
  ];
  for (const forgery of forgeries) {
    const forged = forgery as Loose & typeof stats;
    assertThrows(() => snapshot(forged), TypeError);
    assertThrows(() => assign(forged, {}), TypeError);
    // As values they are objects without a property.
    assign(stats, forged);
    assertEquals(bytes.every((byte) => byte === 0), true);
    assertThrows(() => field(Stats, "bytes").of(forged), TypeError);
    assertThrows(() => JSON.stringify(forged), TypeError);
    assertEquals(typeof Deno.inspect(forged), "string");
    for (const name of ["column", "at", "load", "store"]) {
      const method = forged[name] as undefined | ((value: unknown) => unknown);
      if (method !== undefined) {
        assertThrows(() => Reflect.apply(method, forged, ["x"]), TypeError);
      }
    }
    if (Symbol.iterator in forged) {
      assertThrows(
        () => [...forged as unknown as Iterable<unknown>],
        TypeError,
      );
    }
  }
});

Deno.test("nothing that can be reached from a view has a buffer, a constructor or a region", () => {
  const seen = view(Stats, new Uint8Array(Stats.size));
  const reached = new Set<object>();
  const reach = (value: unknown) => {
    if (typeof value !== "object" || value === null || reached.has(value)) {
      return;
    }
    if (value === Object.prototype) return;
    reached.add(value);
    assertEquals(ArrayBuffer.isView(value), false);
    assertEquals(Object.prototype.toString.call(value), "[object Object]");
    for (const name of ["buffer", "region", "u8", "dv", "root"]) {
      assertEquals((value as Loose)[name], undefined);
    }
    assertEquals(
      (value as { constructor: unknown }).constructor,
      Object,
    );
    for (const key of Reflect.ownKeys(Object.getPrototypeOf(value))) {
      try {
        reach((value as Record<string | symbol, unknown>)[key]);
      } catch (error) {
        assertEquals(error instanceof TypeError, true);
      }
    }
    reach(Object.getPrototypeOf(value));
  };
  for (
    const value of [
      seen,
      seen.cells,
      seen.cells.at(0),
      seen.cells.column("x"),
      seen.ports,
      seen.count,
      view(u8, new ArrayBuffer(1)),
      field(Stats, "inner").of(seen),
    ]
  ) reach(value);
});

/**
 * After the module was loaded this replaces everything that a program can, and
 * notes each buffer, typed array, DataView or region that passes through.
 */
const SPY = String.raw`
const caught: string[] = [];
const mine = new WeakSet<object>();
const { apply, ownKeys, get: reflectGet } = Reflect;
const { getPrototypeOf, defineProperty, getOwnPropertyDescriptor } = Object;
const isView = ArrayBuffer.isView;
const has = WeakSet.prototype.has;
const ERRORS = Error;
let busy = false;

/** Looks for the size of the memory under test in all that can be reached. */
function look(value: unknown, where: string, depth: number): void {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
  if (apply(has, mine, [value])) return;
  if (isView(value)) {
    if (value.buffer.byteLength === 4096) caught[caught.length] = where;
    return;
  }
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    if (value.byteLength === 4096) caught[caught.length] = where;
    return;
  }
  if (depth === 0) return;
  const keys = ownKeys(value);
  for (let index = 0; index < keys.length && index < 50; index++) {
    let inner: unknown;
    try {
      inner = reflectGet(value, keys[index]!);
    } catch {
      continue;
    }
    // A key of the library opens any pointer that it is given.
    if (keys[index] === "region" && typeof inner === "function") {
      caught[caught.length] = where + " → key";
      continue;
    }
    if (typeof inner === "object") look(inner, where, depth - 1);
  }
}

function note(where: string, values: unknown[]): void {
  if (busy) return;
  busy = true;
  try {
    for (let index = 0; index < values.length; index++) look(values[index], where, 4);
  } finally {
    busy = false;
  }
}

function spyOn(object: object, key: string | symbol, name: string): void {
  const descriptor = getOwnPropertyDescriptor(object, key)!;
  const original = descriptor.value ?? descriptor.get;
  if (typeof original !== "function" || !descriptor.configurable) return;
  const spy = function (this: unknown, ...values: unknown[]): unknown {
    const result = new.target === undefined
      ? apply(original, this, values)
      : Reflect.construct(original, values, new.target);
    if (!busy) {
      note(name, [this, result]);
      note(name, values);
    }
    return result;
  };
  if (descriptor.get) defineProperty(object, key, { get: spy as () => unknown, configurable: true });
  else defineProperty(object, key, { value: spy, configurable: true, writable: true });
}
`;

const USE = `
function use(seen: ReturnType<typeof make>, own: ReturnType<typeof writable>): void {
for (const [it, writes] of [[seen, false], [own, true]] as const) {
  const p = it as typeof own;
  void p.bytes; void p.on; void p.name; void p.address; void p.small; void p.low;
  p.count.load();
  void p.inner.name;
  p.cells.at(1); p.cells.column("x").at(0); p.cells.column("x").copyTo([1, 2]);
  for (const cell of p.cells) void cell.x;
  p.flags.at(1); p.flags.slice(); for (const flag of p.flags) void flag;
  void p.packed.b; void p.packed.c;
  p.tail.at(0);
  void p.tail.length;
  snapshot(p);
  Deno.inspect(p);
  JSON.stringify(p);
  field(Stats, "inner").of(p); void field(Stats, "bytes").of(p).value;
  if (!writes) {
    p.ports.at(0); p.ports.slice(1);
  } else {
    p.bytes = 1n; p.on = true; p.name = "a"; p.address = 1; p.small = 1; p.low = 1;
    p.inner.name = "b"; p.packed.b = 2n; p.packed.c = 3n;
    p.count.add(1); p.count.store(2); p.count.notify();
    p.flags.set(0, true);
    p.cells.column("x").set(0, 1);
    assign(p, { bytes: 2n, inner: { x: 1 }, cells: [{ x: 1 }], name: "é", ports: [1, 2] });
    assign(p.inner, p.cells.at(0));
    assign(p, { inner: seen.inner });
  }
  try { (p as { on: unknown }).on = 3; } catch { /* refused */ }
  try { (p as { low: unknown }).low = 9; } catch { /* refused */ }
  try { (p.cells as { at(i: unknown): unknown }).at(5); } catch { /* refused */ }
}
}
`;

/** A program that uses everything, then plants spies, then uses it again. */
function program(spies: string): string {
  return `
import * as layout from "./layout/mod.ts";
const { array, assign, atomic, be32, bits, bool, field, HostLayout, i32, pointer, safe, snapshot,
  struct, text, u16, u32, u64, u8, view } = layout;
const Inner = struct("Inner", { _: HostLayout, x: u32, name: text(6) });
const Stats = struct("Stats", {
  _: HostLayout, bytes: u64, count: atomic(i32), on: bool, name: text(80),
  address: be32, small: safe(u64), low: bits(u32, 3), ports: array(u16, 4),
  inner: Inner, cells: array(Inner, 2), flags: array(bool, 3),
  packed: struct("Packed", { _: HostLayout, a: u8, b: u64, c: bits(u64, 60) }, { packed: true }),
  tail: array(Inner),
});
${SPY}
function make() {
  return view(Stats, new SharedArrayBuffer(4096));
}
function writable() {
  return pointer(Stats, new SharedArrayBuffer(4096));
}
${USE}
const seen = make();
const own = writable();
busy = true;
use(seen, own);
busy = false;
${spies}
use(seen, own);
await new Promise((resolve) => setTimeout(resolve, 1));
busy = true;
console.log(JSON.stringify([...new Set(caught)]));
`;
}

const targets: Record<string, string> = {
  "Array.prototype":
    `for (const key of ownKeys(Array.prototype)) spyOn(Array.prototype, key, "Array.prototype." + String(key));`,
  "Array":
    `for (const key of ["from", "of", "isArray"]) spyOn(Array, key, "Array." + key);`,
  "array iterators":
    `spyOn(getPrototypeOf([][Symbol.iterator]()), "next", "next");`,
  "Function.prototype":
    `for (const key of ["call", "bind", "apply"]) spyOn(Function.prototype, key, "Function.prototype." + key);`,
  "Reflect":
    `for (const key of ownKeys(Reflect)) if (typeof key === "string") spyOn(Reflect, key, "Reflect." + key);`,
  "typed arrays": `const typed = getPrototypeOf(Uint8Array.prototype);
    for (const key of ownKeys(typed)) spyOn(typed, key, "TypedArray.prototype." + String(key));
    spyOn(getPrototypeOf(Uint8Array), Symbol.species, "species"); spyOn(getPrototypeOf(Uint8Array), "from", "from");
    for (const name of ["Uint8Array", "Int8Array", "Uint16Array", "Int16Array", "Uint32Array", "Int32Array", "Float32Array", "Float64Array", "BigUint64Array", "BigInt64Array", "DataView"]) spyOn(globalThis, name, name);`,
  "buffers": `for (const of of [ArrayBuffer, SharedArrayBuffer]) {
      for (const key of ownKeys(of.prototype)) if (key !== "byteLength" && key !== "constructor") spyOn(of.prototype, key, "buffer." + String(key));
      spyOn(of, Symbol.species, "species");
    }
    spyOn(ArrayBuffer, "isView", "isView");`,
  "DataView.prototype":
    `for (const key of ownKeys(DataView.prototype)) spyOn(DataView.prototype, key, "DataView.prototype." + String(key));`,
  "Atomics":
    `for (const key of ownKeys(Atomics)) spyOn(Atomics, key, "Atomics." + String(key));`,
  "maps":
    `for (const of of [Map, WeakMap, Set, WeakSet]) for (const key of ownKeys(of.prototype)) if (key !== "constructor") spyOn(of.prototype, key, of.name + "." + String(key));`,
  "Object":
    `for (const key of ownKeys(Object)) if (typeof key === "string" && key !== "prototype") spyOn(Object, key, "Object." + key);`,
  "text":
    `for (const [of, key] of [[TextDecoder, "decode"], [TextEncoder, "encode"], [TextEncoder, "encodeInto"]] as const) spyOn(of.prototype, key, key);`,
  "numbers":
    `for (const of of [Number, Math, BigInt, String, Symbol, JSON]) for (const key of ownKeys(of)) if (typeof key === "string" && key !== "prototype") spyOn(of, key, key);
    for (const of of [String, Number, BigInt]) for (const key of ownKeys(of.prototype)) if (key !== "constructor") spyOn(of.prototype, key, String(key));`,
  "errors":
    `(Error as unknown as { prepareStackTrace: unknown }).prepareStackTrace = (error: unknown, sites: { getThis?(): unknown; getFunction?(): unknown }[]) => {
      for (const site of sites) {
        note("prepareStackTrace", [site.getThis?.(), site.getFunction?.()]);
      }
      return "";
    };`,
  "setters of Object.prototype":
    `for (const key of ["buffer", "start", "size", "noun", "root", "u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64", "u64", "i64", "dv", "windows", "region", "offset", "length", "path", "extent", "owns", "keys", "made", "type", "style", "0", "1", "2", "3", "7", "value_"]) {
      defineProperty(Object.prototype, key, { configurable: true, set(value) {
        if (key === "region" || key === "owns" || key === "length") note("set " + key, [this, value]);
        note("set " + key, [this, value]);
        defineProperty(this, key, { value, writable: true, configurable: true, enumerable: true });
      } });
    }`,
};

for (const [name, spies] of Object.entries(targets)) {
  for (const v8Flags of [[], ["disallow-code-generation-from-strings"]]) {
    const how = v8Flags.length === 0 ? "" : ", with closures";
    Deno.test(`no memory passes through what a program replaced: ${name}${how}`, async () => {
      const { code, stdout, stderr } = await run(program(spies), {
        permissions: [],
        v8Flags,
      });
      assertEquals(code, 0, stderr);
      assertEquals(JSON.parse(stdout), []);
    });
  }
}
