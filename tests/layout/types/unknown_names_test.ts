/** Index and property syntax on everything that pointers and views hand out. */

import { assertEquals, assertThrows } from "@std/assert";
import { ReadOnlyError } from "../../../errors.ts";
import {
  array,
  atomic,
  be16,
  bool,
  enumeration,
  field,
  HostLayout,
  pointer,
  safe,
  struct,
  text,
  text16,
  type Type,
  u16,
  u32,
  u64,
  union,
  view,
} from "../../../layout/mod.ts";
import type { Loose } from "../_kinds.ts";

const Cell = struct("Cell", { _: HostLayout, x: u32, small: be16 });
const Either = union("Either", { _: HostLayout, word: u32, low: u16 });
const State = enumeration("State", { IDLE: 0, BUSY: 1 });
const All = struct("All", {
  _: HostLayout,
  cell: Cell,
  either: Either,
  hits: atomic(u32),
  cells: array(Cell, 2),
  atomics: array(atomic(u64), 2),
  grid: array(array(u16, 2), 2),
  ports: array(be16, 4),
  tail: array(be16),
});

type Elements = Record<number, unknown> & { at(index: number): unknown };

/** Arrays whose elements are values, with one that fits. */
const elements: [string, Type, unknown][] = [
  ["be16", be16, 443],
  ["bool", bool, true],
  ["safe", safe(u64), 2 ** 40],
  ["text", text(4), "abc"],
  ["text16", text16(4), "äbc"],
  ["enumeration", State, 1],
];

for (const [name, type, value] of elements) {
  for (const packed of [false, true]) {
    const Holder = struct("Holder", {
      _: HostLayout,
      ...(packed ? { odd: bool } : {}),
      list: array(type, 3),
    }, { packed });
    const title = `${packed ? "packed " : ""}array of ${name}`;
    Deno.test(`an index of an ${title} reads and stores the element`, () => {
      const bytes = new Uint8Array(Holder.size);
      const { list } = pointer(Holder, bytes) as unknown as { list: Elements };
      list[1] = value;
      assertEquals(list.at(1), value);
      assertEquals(list[1], value);
      const seen = view(Holder, bytes) as unknown as { list: Elements };
      assertEquals(seen.list[1], value);
      assertEquals(seen.list[3], undefined);
      assertThrows(() => list[3] = value, RangeError, "out of bounds");
      assertThrows(() => list[-1] = value, TypeError);
      assertThrows(() => list[1.5] = value, TypeError);
      assertThrows(() => list[0] = Symbol(), TypeError, "Holder.list[0]");
      assertThrows(() => seen.list[1] = value, ReadOnlyError);
      assertEquals(Object.keys(list), []);
      assertEquals(list[0], list.at(0));
    });
  }
}

Deno.test("an index of an array of scalars reads through a view, and cannot be stored", () => {
  const bytes = new Uint8Array([1, 0, 2, 0]);
  const seen = view(array(u16, 2), bytes) as unknown as Elements;
  assertEquals([seen[0], seen[1], seen[2]], [1, 2, undefined]);
  assertThrows(() => seen[0] = 5, ReadOnlyError);
  assertEquals([...bytes], [1, 0, 2, 0]);
});

Deno.test("an index of an array of objects reads as at() does, and cannot be stored", () => {
  const all = pointer(All, new ArrayBuffer(96));
  all.cells.at(1).x = 7;
  const cells = all.cells as unknown as Record<number, { x: number }>;
  assertEquals(cells[1]!.x, 7);
  cells[1]!.x = 8;
  assertEquals(all.cells.at(1).x, 8);
  assertThrows(() => cells[2], RangeError, "out of bounds");
  assertThrows(() => cells[0] = { x: 1 }, TypeError, "assign()");
  assertEquals(all.cells.at(0).x, 0);
});

Deno.test("an index of a column reads and stores the field", () => {
  const all = pointer(All, new ArrayBuffer(96));
  const column = all.cells.column("small") as unknown as Elements;
  column[1] = 443;
  assertEquals([column[1], all.cells.at(1).small], [443, 443]);
  assertThrows(() => column[2] = 1, RangeError);
  const seen = view(All, new ArrayBuffer(96)).cells.column("x");
  assertThrows(
    () => (seen as unknown as Elements)[0] = 1,
    ReadOnlyError,
  );
});

Deno.test("functions of Array see the elements of every array", () => {
  const all = pointer(All, new ArrayBuffer(96));
  all.ports.set(2, 443);
  const doubled = Array.prototype.map.call(
    all.ports,
    (port) => 2 * (port as number),
  );
  assertEquals(doubled, [0, 0, 886, 0]);
});

Deno.test("a property that no field has throws when it is stored, and reads undefined", () => {
  const buffer = new ArrayBuffer(96);
  const objects: Record<string, object> = {};
  for (const [how, it] of [["pointer", pointer], ["view", view]] as const) {
    const all = it(All, buffer) as ReturnType<typeof pointer<typeof All>>;
    Object.assign(objects, {
      [`${how} struct`]: all,
      [`${how} nested`]: all.cell,
      [`${how} union`]: all.either,
      [`${how} atomic`]: all.hits,
      [`${how} objects`]: all.cells,
      [`${how} element`]: all.cells.at(0),
      [`${how} atomics`]: all.atomics,
      [`${how} grid`]: all.grid,
      [`${how} elements`]: all.ports,
      [`${how} flexible`]: all.tail,
      [`${how} column`]: all.cells.column("x"),
      [`${how} root`]: it(u32, buffer),
      [`${how} field`]: field(All, "cell").of(all),
    });
  }
  for (const [name, object] of Object.entries(objects)) {
    const loose = object as Loose & Record<symbol, unknown>;
    assertThrows(() => loose["typo"] = 5, TypeError, '"typo"', name);
    assertThrows(() => loose["__proto__x"] = 5, TypeError, undefined, name);
    assertThrows(() => loose[Symbol.for("x")] = 5, TypeError, "Symbol", name);
    assertEquals(loose["typo"], undefined, name);
    assertEquals("typo" in loose, false, name);
    assertEquals(Reflect.ownKeys(object), [], name);
    if (!/array|elements|objects|grid|atomics|flexible|column/.test(name)) {
      assertThrows(() => loose["1"] = 5, TypeError, '"1"', name);
    }
  }
  assertEquals(new Uint8Array(buffer), new Uint8Array(96));
});

Deno.test("fields are found before unknown names: any name that a field may have", () => {
  const names = ["__proto__", "constructor", "toString", "then", "at", "set"];
  const Odd = struct("Odd", {
    _: HostLayout,
    ...Object.fromEntries(names.map((name) => [name, u32])),
    ["__proto__"]: u32,
  });
  const odd = pointer(Odd, new ArrayBuffer(Odd.size)) as unknown as Loose;
  names.forEach((name, index) => odd[name] = index + 1);
  assertEquals(names.map((name) => odd[name]), [1, 2, 3, 4, 5, 6]);
});
