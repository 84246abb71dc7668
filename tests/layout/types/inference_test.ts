/**
 * The verdicts of the type checker: `deno test` checks this file, and each
 * `@ts-expect-error` fails that where the line below it compiles.
 */

import { assertEquals } from "@std/assert";
import {
  aligned,
  alignOf,
  array,
  type ArrayType,
  assign,
  type At,
  type Atomic,
  atomic,
  type AtomicBoolean,
  type AtomicType,
  be16,
  be64,
  bef64,
  bei32,
  bei64,
  type Bits,
  bits,
  bool,
  type Bytes,
  bytes,
  type Elements,
  type Enumeration,
  enumeration,
  f16,
  f32,
  f64,
  field,
  HostLayout,
  i128,
  i32,
  i64,
  type Marked,
  type NativeElements,
  offsetOf,
  padding,
  type Pointer,
  pointer,
  type Safe,
  safe,
  sizeOf,
  snapshot,
  struct,
  type StructType,
  type Text,
  text,
  text16,
  type Type,
  type U128,
  u128,
  u16,
  type U32,
  u32,
  u64,
  u8,
  uintptr,
  union,
  type UnionType,
  type Value,
  type View,
  view,
  type WaitableAtomic,
} from "../../../layout/mod.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles where two types are one and the same. */
function is<A, B>(_same: Equal<A, B>): void {}

const State = enumeration("state", { IDLE: 0, BUSY: 1 });
const Big = enumeration("big", { A: 1n }, u64);
const Deep = struct("Deep", { _: HostLayout, z: u8, c: atomic(u32) });
const Inner = struct("Inner", { _: HostLayout, x: i32, deep: Deep });
const Num = union("Num", { _: HostLayout, i: u32, f: f32 });
const Stats = struct("Stats", {
  _: HostLayout,
  packets: atomic(u64),
  bytes: u64,
  ports: array(u16, 8),
  on: bool,
  pad: padding(3),
  comm: text(16),
  state: State,
  big: Big,
  port: be16,
  far: be64,
  wide: u128,
  delta: i128,
  half: f16,
  late: bei32,
  later: bei64,
  load: bef64,
  mac: bytes(6),
  macs: array(bytes(6), 2),
  small: safe(u64),
  flag: bits(u32, 3),
  bflag: bits(bool, 1),
  sflag: bits(State, 2),
  ratio: f64,
  at: uintptr,
  line: aligned(u32, 64),
  inner: Inner,
  num: Num,
  cells: array(Inner, 4),
  flags: array(bool, 4),
  names: array(text(4), 2),
  states: array(State, 2),
  counts: array(atomic(u64), 4),
  grid: array(array(u16, 4), 2),
  futex: atomic(i32),
  f6: atomic(i64),
  ab: atomic(bool),
  as: atomic(State),
  tail: array(u32),
});
interface Stats extends Pointer<typeof Stats> {}

function make(): [Stats, View<typeof Stats>] {
  const buffer = new ArrayBuffer(1024);
  return [pointer(Stats, buffer), view(Stats, buffer)];
}

Deno.test("the values of a pointer have the types of the contract", () => {
  const [stats] = make();
  is<typeof stats.bytes, bigint>(true);
  is<typeof stats.ports, Uint16Array>(true);
  is<typeof stats.on, boolean>(true);
  is<typeof stats.comm, string>(true);
  is<typeof stats.state, number>(true);
  is<typeof stats.big, bigint>(true);
  is<typeof stats.port, number>(true);
  is<typeof stats.far, bigint>(true);
  is<typeof stats.small, number>(true);
  is<typeof stats.wide, bigint>(true);
  is<typeof stats.delta, bigint>(true);
  is<typeof stats.half, number>(true);
  is<typeof stats.late, number>(true);
  is<typeof stats.later, bigint>(true);
  is<typeof stats.load, number>(true);
  is<typeof stats.mac, Uint8Array>(true);
  is<ReturnType<typeof stats.macs.at>, Uint8Array>(true);
  is<Pointer<Bytes<6>>["value"], Uint8Array>(true);
  is<View<Bytes<6>>["value"], Uint8Array>(true);
  is<Value<Bytes>, Uint8Array<ArrayBuffer>>(true);
  is<Pointer<U128>["value"], bigint>(true);
  is<typeof stats.flag, number>(true);
  is<typeof stats.bflag, boolean>(true);
  is<typeof stats.sflag, number>(true);
  is<typeof stats.ratio, number>(true);
  is<typeof stats.at, bigint>(true);
  is<typeof stats.line, number>(true);
  is<typeof stats.inner.deep.z, number>(true);
  is<typeof stats.num.f, number>(true);
  is<typeof stats.packets, Atomic<bigint>>(true);
  is<typeof stats.futex, WaitableAtomic<number>>(true);
  is<typeof stats.f6, WaitableAtomic<bigint>>(true);
  is<typeof stats.ab, AtomicBoolean>(true);
  is<typeof stats.as, Atomic<number>>(true);
  is<typeof stats.flags, Elements<boolean>>(true);
  is<typeof stats.names, Elements<string>>(true);
  is<typeof stats.states, Elements<number>>(true);
  is<typeof stats.tail, Uint32Array>(true);
  const [port] = stats.grid;
  is<typeof port, Uint16Array | undefined>(true);
  stats.packets.add(1n);
  stats.bytes += 64n;
  stats.ports[3] = 443;
  stats.inner.deep.c.add(1);
  stats.cells.at(1).deep.z = 3;
  stats.flags.set(1, true);
  stats.names.set(1, "ab");
  stats.counts.at(1).add(1n);
  stats.grid.at(1)[2] = 3;
  for (const cell of stats.cells) cell.x = 1;
  stats.cells.column("deep.z").set(1, 3);
  assertEquals(stats.cells.column("deep.z").at(1), 3);
});

Deno.test("wrong stores do not compile", () => {
  function wrong([stats]: [Stats, View<typeof Stats>]): void {
    // @ts-expect-error the marker is no property
    stats._;
    // @ts-expect-error padding is no property
    stats.pad;
    // @ts-expect-error a number for a bigint
    stats.bytes = 1;
    // @ts-expect-error a bigint for a number
    stats.flag = 1n;
    // @ts-expect-error a number for a boolean
    stats.on = 1;
    // @ts-expect-error a number for a text
    stats.comm = 1;
    // @ts-expect-error an atomic is not stored to
    stats.packets = 1n;
    // @ts-expect-error a nested struct is not replaced
    stats.inner = { x: 1 };
    // @ts-expect-error nor an array
    stats.ports = new Uint16Array(8);
    // @ts-expect-error nor a union
    stats.num = { i: 1 };
    // @ts-expect-error no wait on u64
    stats.packets.wait(0n);
    // @ts-expect-error no add on bool
    stats.ab.add(1);
    // @ts-expect-error a number for an atomic of 64 bits
    stats.packets.add(1);
    // @ts-expect-error no such column
    stats.cells.column("deep.q");
    // @ts-expect-error a column of structs
    stats.cells.column("deep").at(0).z;
    // @ts-expect-error a bigint in a column of numbers
    stats.cells.column("deep.z").set(0, 1n);
    // @ts-expect-error no such field
    stats.byte;
  }
  assertEquals(typeof wrong, "function");
});

Deno.test("views have no setters, at any depth", () => {
  function wrong([, seen]: [Stats, View<typeof Stats>]): void {
    // @ts-expect-error a field
    seen.bytes = 1n;
    // @ts-expect-error a nested field
    seen.inner.deep.z = 1;
    // @ts-expect-error a union's member
    seen.num.i = 1;
    // @ts-expect-error an array is no typed array
    seen.ports[3];
    // @ts-expect-error an array's element
    seen.flags.set(0, true);
    // @ts-expect-error an element's field
    seen.cells.at(0).x = 1;
    // @ts-expect-error a column
    seen.cells.column("x").set(0, 1);
    // @ts-expect-error an atomic only loads
    seen.packets.add(1n);
    // @ts-expect-error nor waits
    seen.futex.wait(0);
    // @ts-expect-error an element of an array of arrays
    seen.grid.at(0).set(0, 1);
    // @ts-expect-error a root
    view(u32, new ArrayBuffer(4)).value = 1;
  }
  assertEquals(typeof wrong, "function");
  const [, seen] = make();
  is<typeof seen.ports, NativeElements<number, Uint16Array>>(true);
  is<typeof seen.tail, NativeElements<number, Uint32Array>>(true);
  is<typeof seen.bytes, bigint>(true);
  const load: bigint = seen.packets.load();
  const z: number = seen.cells.column("deep.z").at(0);
  const port: number | undefined = seen.ports.at(-1);
  assertEquals([load, z, port], [0n, 0, 0]);
});

Deno.test("a pointer is a view, never the reverse", () => {
  function reads(seen: View<typeof Stats>): bigint {
    return seen.bytes;
  }
  function writes(stats: Pointer<typeof Stats>): void {
    stats.bytes = 1n;
  }
  function readsInner(seen: View<typeof Inner>): number {
    return seen.x;
  }
  function writesInner(inner: Pointer<typeof Inner>): void {
    inner.x = 1;
  }
  function wrong(seen: View<typeof Stats>, x: View<typeof u32>): void {
    // @ts-expect-error a view
    writes(seen);
    // @ts-expect-error a nested view
    writesInner(seen.inner);
    // @ts-expect-error an element of a view
    writesInner(seen.cells.at(0));
    // @ts-expect-error a view for a named pointer
    const stats: Stats = seen;
    // @ts-expect-error a view of a scalar
    const one: Pointer<typeof u32> = x;
    // @ts-expect-error a pointer to another struct
    reads(stats.inner);
    // @ts-expect-error assign to a view
    assign(seen, { bytes: 1n });
    // @ts-expect-error assign to an array of a view
    assign(seen.cells, [{ x: 1 }]);
    void one;
  }
  const [stats, seen] = make();
  writes(stats);
  writesInner(stats.inner);
  writesInner(stats.cells.at(0));
  assertEquals([reads(stats), reads(seen)], [1n, 1n]);
  assertEquals([readsInner(stats.inner), readsInner(seen.cells.at(0))], [1, 1]);
  assertEquals(typeof wrong, "function");
});

Deno.test("plain data has plain types", () => {
  const [stats] = make();
  const plain = snapshot(stats);
  is<typeof plain, Value<typeof Stats>>(true);
  is<typeof plain.packets, bigint>(true);
  is<typeof plain.ports, number[]>(true);
  is<typeof plain.cells[0]["deep"]["c"], number>(true);
  is<typeof plain.names, string[]>(true);
  is<typeof plain.grid, number[][]>(true);
  is<typeof plain.num, { i: number; f: number }>(true);
  is<Value<typeof u64>, bigint>(true);
  is<Value<typeof Deep>, { z: number; c: number }>(true);
  plain.bytes = 2n;
  assign(stats, { bytes: 1n, inner: { deep: { z: 1 } }, ports: [1, 2] });
  assign(stats, { ports: new Uint16Array(8), packets: 5n, num: { i: 1 } });
  assign(stats, stats);
  function wrong(): void {
    // @ts-expect-error a wrong type
    assign(stats, { bytes: 1 });
    // @ts-expect-error an unknown name
    assign(stats, { byte: 1n });
    // @ts-expect-error an unknown name further in
    assign(stats, { inner: { deep: { zz: 1 } } });
    // @ts-expect-error numbers for bigints
    assign(stats, { counts: [1, 2] });
    // @ts-expect-error a marker has no value
    plain._;
    // @ts-expect-error padding has no value
    plain.pad;
    // @ts-expect-error another struct
    assign(stats, stats.inner);
  }
  assertEquals([plain.bytes, typeof wrong], [2n, "function"]);
});

Deno.test("a root of one value is an object with a value", () => {
  const number = pointer(u32, new ArrayBuffer(8));
  const name = pointer(text(8), new ArrayBuffer(8));
  const title = pointer(text16(8), new ArrayBuffer(16));
  const words = pointer(array(u64, 2), new ArrayBuffer(16));
  const state = pointer(State, new ArrayBuffer(16));
  const counter = pointer(atomic(u64), new ArrayBuffer(16));
  is<typeof number.value, number>(true);
  is<typeof name.value, string>(true);
  is<typeof title.value, string>(true);
  is<typeof state.value, number>(true);
  is<typeof words, BigUint64Array>(true);
  is<typeof counter, Atomic<bigint>>(true);
  number.value = 3;
  name.value = "x";
  assertEquals([number.value, name.value, counter.add(1n)], [3, "x", 0n]);
});

Deno.test("paths are checked, and typos do not compile", () => {
  const deep = field(Stats, "inner.deep.z");
  const [stats, seen] = make();
  const z = deep.of(stats);
  is<typeof z.value, number>(true);
  is<At<typeof Stats, "inner.deep.z">, typeof u8>(true);
  is<At<typeof Stats, "cells">, ArrayType<typeof Inner, 4>>(true);
  z.value = 3;
  assertEquals(deep.of(seen).value, 3);
  offsetOf(Stats, "inner");
  offsetOf(Stats, "inner.deep.c");
  field(Stats, "inner").of(stats).x = 4;
  field(Stats, "packets").of(stats).add(1n);
  assertEquals(field(Stats, "ports").of(stats).length, 8);
  function wrong(): void {
    // @ts-expect-error in the middle
    offsetOf(Stats, "inner.deeep.z");
    // @ts-expect-error at the end
    offsetOf(Stats, "inner.deep.zz");
    // @ts-expect-error the marker
    offsetOf(Stats, "_");
    // @ts-expect-error padding
    offsetOf(Stats, "pad");
    // @ts-expect-error a scalar has no fields
    offsetOf(Stats, "bytes.x");
    // @ts-expect-error nor has an array
    offsetOf(Stats, "cells.x");
    // @ts-expect-error a field's typo
    field(Stats, "inner.y");
    // @ts-expect-error a view's field has no setter
    deep.of(seen).value = 1;
    // @ts-expect-error a pointer to another struct
    deep.of(stats.inner);
  }
  assertEquals(typeof wrong, "function");
});

Deno.test("a struct without the marker is no root at compile time", () => {
  const bare = struct("Bare", { x: u32 });
  const either = union("Either", { x: u32 });
  function wrong(): void {
    // @ts-expect-error no marker
    pointer(bare, new ArrayBuffer(4));
    // @ts-expect-error no marker
    view(bare, new ArrayBuffer(4));
    // @ts-expect-error no marker
    pointer(either, new ArrayBuffer(4));
    const fake = { kind: "u32", name: "u32", size: 4, align: 4 };
    // @ts-expect-error a look-alike
    pointer(fake, new ArrayBuffer(4));
  }
  assertEquals([typeof wrong, sizeOf(bare), alignOf(bare)], ["function", 4, 4]);
  // A helper for any type takes the marked ones.
  function generic<T extends Type>(type: T & Marked<T>): Pointer<T> {
    return pointer<T>(type, new ArrayBuffer(type.size));
  }
  assertEquals(generic(Deep).z, 0);
});

Deno.test("constructors take the right types only", () => {
  function wrong(): void {
    // @ts-expect-error an atomic float
    atomic(f32);
    // @ts-expect-error an atomic struct
    atomic(Deep);
    // @ts-expect-error safe of 32 bits
    safe(u32);
    // @ts-expect-error bits of a float
    bits(f64, 3);
    // @ts-expect-error bits without a width
    bits(u32);
    // @ts-expect-error members that do not match the base
    enumeration("x", { A: 1n }, u32);
    // @ts-expect-error numbers over 64 bits
    enumeration("x", { A: 1 }, u64);
    // @ts-expect-error a base that is no integer
    enumeration("x", { A: 1 }, f32);
    // @ts-expect-error no type
    struct("x", { a: 4 });
    // @ts-expect-error no fields
    struct("x");
    // @ts-expect-error an unknown option
    struct("x", { a: u8 }, { pack: true });
    // @ts-expect-error a length that is no number
    array(u8, "4");
    // @ts-expect-error a text without a size
    text();
    // @ts-expect-error no alignment
    aligned(u8);
  }
  assertEquals(typeof wrong, "function");
  is<typeof State.members.BUSY, 1>(true);
  is<ReturnType<typeof State.nameOf>, "IDLE" | "BUSY" | undefined>(true);
  is<typeof Stats.fields.comm, Text<16>>(true);
  is<typeof Stats.fields.small, Safe<typeof u64>>(true);
  is<typeof Stats.fields.packets, AtomicType<typeof u64>>(true);
  const annotated: StructType<
    { _: HostLayout; x: U32; flag: Bits<U32>; list: ArrayType<U32, 2> }
  > = struct("Annotated", {
    _: HostLayout,
    x: u32,
    flag: bits(u32, 1),
    list: array(u32, 2),
  });
  const it = pointer(annotated, new ArrayBuffer(16));
  is<typeof it.x, number>(true);
  is<typeof it.list, Uint32Array>(true);
});

Deno.test("a bare name is the upper bound of its kind", () => {
  const Cell = struct("Cell", { _: HostLayout, x: u32 });
  const State = enumeration("State", { IDLE: 0 });
  const structs: StructType[] = [
    Cell,
    struct("Other", { _: HostLayout, all: array(Cell, 2), n: atomic(u64) }),
  ];
  const unions: UnionType[] = [union("U", { _: HostLayout, x: u32, y: u8 })];
  const arrays: ArrayType[] = [
    array(u16, 4),
    array(Cell, 2),
    array(be16, 4),
    array(atomic(u32), 3),
    array(array(u8, 2), 2),
    array(u32),
  ];
  const enumerations: Enumeration[] = [
    State,
    enumeration("Wide", { A: 0n }, u64),
  ];
  const atomics: AtomicType[] = [atomic(u64), atomic(bool), atomic(State)];
  const types: Type[] = [
    ...structs,
    ...unions,
    ...arrays,
    ...enumerations,
    ...atomics,
    bits(u32, 3),
    text(4),
    u32,
    HostLayout,
  ];
  assertEquals(types.length, 18);
});

Deno.test("the kind of a type tells what else it has", () => {
  const describe = (type: Type): string => {
    switch (type.kind) {
      case "struct":
      case "union":
        return Object.keys(type.fields).join();
      case "array":
        return `${type.element.name} ${type.length}`;
      case "enumeration":
        return Object.keys(type.members).join();
      case "bits":
        return `${type.width}`;
      case "atomic":
        return type.base.name;
      default:
        return type.kind;
    }
  };
  assertEquals(
    [
      struct("S", { _: HostLayout, x: u32 }),
      array(u16, 4),
      enumeration("E", { A: 0 }),
      atomic(u64),
      u8,
    ].map(describe),
    ["_,x", "u16 4", "A", "u64", "u8"],
  );
});

Deno.test("any path may be right in a type that is known at run time only", () => {
  const known = struct("Known", { _: HostLayout, at: array(u8, 3), x: u32 });
  const some: StructType = known;
  const any: Type = known as Type;
  const name: string = "x";
  assertEquals([offsetOf(some, name), offsetOf(any, name)], [4, 4]);
  assertEquals(field(any, "x").offset, 4);
  // @ts-expect-error of a known type only the paths that there are
  const wrong = () => offsetOf(known, "y");
  assertEquals(typeof wrong, "function");
  const value: unknown = snapshot(view(any as StructType, new Uint8Array(8)));
  assertEquals(value, { at: [0, 0, 0], x: 0 });
});

Deno.test("a slice of a view's array is a typed array, to the checker and in fact", () => {
  const seen = view(array(u8, 4), new Uint8Array([97, 98, 99, 0]));
  assertEquals(new TextDecoder().decode(seen.slice(0, 3)), "abc");
  const wide: BigUint64Array = view(array(u64, 2), new ArrayBuffer(16)).slice(
    1,
  );
  assertEquals(wide, new BigUint64Array(1));
  assertEquals(seen.slice(3, 1).length, 0);
});
