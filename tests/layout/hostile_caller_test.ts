import { assertEquals, assertThrows } from "@std/assert";
import { InvalidTypeError } from "../../errors.ts";
import {
  array,
  assign,
  atomic,
  codeOf,
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
  union,
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
    // As values they are objects without a property of their own.
    assertThrows(() => assign(stats, forged), TypeError);
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

Deno.test("an option that is not known is an error that names the known ones", () => {
  const flexible = struct("Flexible", {
    _: HostLayout,
    tag: u8,
    rest: array(u8),
  });
  const bytes = new Uint8Array(8);
  for (
    const make of [
      () => pointer(flexible, bytes, 0, { lenght: 3 } as Loose),
      () => view(flexible, bytes, 0, { lenght: 3 } as Loose),
    ]
  ) {
    assertThrows(make, TypeError, `no option "lenght": the options are length`);
  }
  for (const make of [struct, union]) {
    assertThrows(
      () => make("Packed", { _: HostLayout, tag: u8 }, { pack: true } as Loose),
      InvalidTypeError,
      `Packed: There is no option "pack": the options are packed, align, size, offsets`,
    );
  }
  assertThrows(
    () => codeOf(flexible, { readonly: true } as Loose),
    TypeError,
    `no option "readonly"`,
  );
});
