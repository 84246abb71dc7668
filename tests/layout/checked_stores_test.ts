import { assertEquals, assertThrows } from "@std/assert";
import { ClosedError } from "../../errors.ts";
import {
  array,
  atomic,
  bits,
  bool,
  enumeration,
  HostLayout,
  i16,
  i32,
  i64,
  i8,
  pointer,
  sizeOf,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
} from "../../layout/mod.ts";
import { holdsOnly, kinds, type Loose, readBack, strangers } from "./_kinds.ts";

/** A way to reach one stored value: where it lies, and how to set and get it. */
interface Place {
  readonly path: string;
  set(value: unknown): void;
  get(): unknown;
}

const FILL = 0xa5;

/** Every way to store a value of a type, over memory that is filled. */
function placesOf(type: Type): { places: Place[]; bytes: Uint8Array } {
  const bytes = new Uint8Array(1024).fill(FILL);
  let end = 0;
  const at = <T extends Type>(made: T): Loose => {
    const offset = Math.ceil(end / 16) * 16;
    end = offset + made.size;
    return pointer<Type>(made, bytes, offset) as unknown as Loose;
  };
  const property = (owner: Loose, name: string, path: string): Place => ({
    path,
    set: (value) => owner[name] = value,
    get: () => owner[name],
  });
  const inner = struct("Inner", { _: HostLayout, tag: u8, it: type });
  const outer = struct("Outer", { _: HostLayout, tag: u8, inner });
  const packed = struct("Packed", { _: HostLayout, tag: u8, it: type }, {
    packed: true,
  });
  const either = union("Either", { _: HostLayout, it: type, other: u8 });
  const list = struct("List", { _: HostLayout, cells: array(inner, 3) });
  const nested = at(outer).inner as Loose;
  const cells = at(list).cells as unknown as {
    at(index: number): Loose;
    column(path: string): Elements;
  };
  const column = cells.column("it");
  const places = [
    property(at(type), "value", type.name),
    property(at(inner), "it", "Inner.it"),
    property(nested, "it", "Inner.it"),
    property(at(packed), "it", "Packed.it"),
    property(at(either), "it", "Either.it"),
    property(cells.at(1), "it", "Inner.it"),
    element(column, 2, "List.cells[].it[2]"),
  ];
  const elements = at(array(type, 3)) as unknown as Elements;
  if (!ArrayBuffer.isView(elements)) {
    places.push(element(elements, 1, `${type.name}[3][1]`));
  }
  const crooked = struct("Crooked", {
    _: HostLayout,
    tag: u8,
    all: array(type, 3),
  }, { packed: true });
  const misaligned = at(crooked).all as unknown as Elements;
  if (!ArrayBuffer.isView(misaligned)) {
    places.push(element(misaligned, 2, "Crooked.all[2]"));
  }
  return { places, bytes };
}

interface Elements {
  readonly length: number;
  at(index: number): unknown;
  set(index: number, value: unknown): void;
}

function element(elements: Elements, index: number, path: string): Place {
  return {
    path,
    set: (value) => elements.set(index, value),
    get: () => elements.at(index),
  };
}

for (const { name, type, fits, outside, kind } of kinds) {
  Deno.test(`${name} stores and reads every value that fits, wherever it lies`, () => {
    const { places } = placesOf(type);
    for (const place of places) {
      for (const value of fits) {
        place.set(value);
        assertEquals(place.get(), readBack(name, value), place.path);
      }
    }
  });

  Deno.test(`${name} refuses what does not fit, wherever it lies, and stores nothing`, () => {
    const { places, bytes } = placesOf(type);
    for (const place of places) {
      for (const value of outside) {
        const error = assertThrows(() => place.set(value), RangeError);
        assertEquals(error.constructor, RangeError);
        assertEquals(error.message.includes(place.path), true, error.message);
        assertEquals(error.message.includes(": must "), true, error.message);
      }
      for (const value of strangers(kind)) {
        const error = assertThrows(() => place.set(value), TypeError);
        assertEquals(error.constructor, TypeError);
        assertEquals(error.message.includes(place.path), true, error.message);
      }
    }
    assertEquals(holdsOnly(bytes, FILL), true);
  });

  Deno.test(`${name} stores touch no byte but its own`, () => {
    const size = type.size;
    const around = struct("Around", { _: HostLayout, before: u8, it: type }, {
      packed: true,
    });
    for (const offset of [0, 7, 8]) {
      const bytes = new Uint8Array(64).fill(FILL);
      (pointer(around, bytes, offset) as unknown as Loose).it = fits[1];
      const others = [
        ...bytes.subarray(0, offset + 1),
        ...bytes.subarray(offset + 1 + size),
      ];
      assertEquals(others.every((byte) => byte === FILL), true);
    }
  });
}

for (
  const { name, type, fits, outside, kind } of kinds.filter((k) => k.atomic)
) {
  Deno.test(`atomic(${name}) refuses what does not fit, in every operation`, () => {
    const bytes = new Uint8Array(16).fill(FILL);
    const cell = struct("Cell", {
      _: HostLayout,
      n: atomic(type as typeof u32),
    });
    const { n } = pointer(cell, bytes);
    const before = n.load();
    const loose = n as unknown as Record<string, (...a: unknown[]) => unknown>;
    const operations = kind === "boolean"
      ? ["store", "exchange"]
      : ["store", "add", "sub", "and", "or", "xor", "exchange"];
    for (
      const [values, error] of [
        [outside, RangeError],
        [strangers(kind), TypeError],
      ] as const
    ) {
      for (const value of values) {
        for (const operation of operations) {
          assertThrows(() => loose[operation]!(value), error, "Cell.n");
        }
        const exchange = loose["compareExchange"]!.bind(n);
        assertThrows(() => exchange(value, fits[0]), error, "Cell.n");
        assertThrows(() => exchange(fits[0], value), error, "Cell.n");
      }
    }
    assertEquals(n.load(), before);
    assertEquals(holdsOnly(bytes, FILL), true);
  });
}

const bitBases: readonly [typeof u32, boolean][] = ([u8, u16, u32, u64] as (
  typeof u32
)[]).map((type): [typeof u32, boolean] => [type, false]).concat(
  ([i8, i16, i32, i64] as unknown as (typeof u32)[]).map((
    type,
  ) => [type, true]),
);

for (const [base, signed] of bitBases) {
  Deno.test(`bits of ${base.name} refuse what does not fit any width, and store nothing`, () => {
    const wide = base.size === 8;
    for (let width = 1; width <= base.size * 8; width++) {
      const least = signed ? -(2n ** BigInt(width - 1)) : 0n;
      const most = (signed ? 2n ** BigInt(width - 1) : 2n ** BigInt(width)) -
        1n;
      const value = (integer: bigint) => wide ? integer : Number(integer);
      for (const packed of [false, true]) {
        const type = struct("Flags", {
          _: HostLayout,
          before: bits(base, Math.min(3, base.size * 8)),
          it: bits(base, width),
          after: bits(u8, 2),
        }, { packed });
        const bytes = new Uint8Array(32).fill(FILL);
        const flags = pointer(type, bytes) as unknown as Loose;
        const outside: unknown[] = [value(least - 1n), value(most + 1n)];
        if (!wide) outside.push(NaN, 0.5, Infinity, 2 ** 53);
        for (const each of outside) {
          assertThrows(() => flags.it = each, RangeError, "Flags.it");
        }
        for (const each of strangers(wide ? "bigint" : "number")) {
          assertThrows(() => flags.it = each, TypeError, "Flags.it");
        }
        assertEquals(holdsOnly(bytes, FILL), true);
        for (const integer of [least, most, 0n]) {
          const { before, after } = flags;
          flags.it = value(integer);
          assertEquals(flags.it, value(integer));
          assertEquals([flags.before, flags.after], [before, after]);
        }
      }
    }
  });
}

Deno.test("bits of bool and of enumerations take what these take", () => {
  const State = enumeration("state", { IDLE: 0, BUSY: 1 });
  const type = struct("Flags", {
    _: HostLayout,
    on: bits(bool, 1),
    state: bits(State, 3),
    delta: bits(enumeration("delta", { DOWN: -1 }), 4),
  });
  const flags = pointer(type, new ArrayBuffer(4)) as unknown as Loose;
  for (const value of [0, 1, 1n, "true", undefined]) {
    assertThrows(() => flags.on = value, TypeError, "Flags.on");
  }
  assertThrows(() => flags.state = 8, RangeError, "from 0 to 7");
  assertThrows(() => flags.delta = 8, RangeError, "from -8 to 7");
  assertThrows(() => flags.state = true, TypeError, "Flags.state");
  flags.on = true;
  flags.state = 7;
  flags.delta = -8;
  assertEquals([flags.on, flags.state, flags.delta], [true, 7, -8]);
  flags.on = false;
  assertEquals([flags.on, flags.state, flags.delta], [false, 7, -8]);
});

Deno.test("an enumeration that is given a name tells the numbers of its members", () => {
  const State = enumeration("state", { IDLE: 0, BUSY: 1 });
  const Wide = enumeration("wide", { FAR: 1n }, u64);
  const Many = enumeration(
    "many",
    Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`M${i}`, i])),
  );
  const Task = struct("task", {
    _: HostLayout,
    state: State,
    low: bits(State, 4),
    wide: Wide,
    many: Many,
  });
  const task = pointer(Task, new ArrayBuffer(sizeOf(Task)));
  const stores: [store: () => void, said: string][] = [
    [() => task.state = "BUSY" as never, "task.state: must be the number of"],
    [
      () => task.state = "" as never,
      "of a member of state: IDLE = 0, BUSY = 1",
    ],
    [() => task.low = "BUSY" as never, "must be a number"],
    [() => task.wide = "FAR" as never, "of wide: FAR = 1n"],
    [() => task.many = "M8" as never, "M7 = 7 and so on"],
  ];
  for (const [store, said] of stores) assertThrows(store, TypeError, said);
  assertThrows(() => task.state = null as never, TypeError, "must be a number");
  assertThrows(() => task.state = -1, RangeError, "from 0 to 4294967295");
});

Deno.test("an index is checked before a value is stored", () => {
  const type = struct("Names", {
    _: HostLayout,
    on: array(bool, 4),
    after: u8,
  });
  const bytes = new Uint8Array(8).fill(FILL);
  const { on } = pointer(type, bytes);
  for (const index of [4, 5, -1, -4, 2 ** 31, 2 ** 32, 2 ** 53]) {
    const error = assertThrows(() => on.set(index, true), RangeError);
    assertEquals(
      error.message,
      `Index ${index} is out of bounds: Names.on has 4 elements`,
    );
  }
  for (const index of [0.5, NaN, "0", null, undefined, 0n, Symbol("0"), {}]) {
    assertThrows(
      () => on.set(index as number, true),
      RangeError,
      "An index of Names.on must be an integer",
    );
  }
  assertEquals(holdsOnly(bytes, FILL), true);
  bytes[0] = 0;
  on.set(-0, true);
  assertEquals(bytes[0], 1);
});

Deno.test("a value whose conversion detaches the memory stores nothing", () => {
  const type = struct("S", { _: HostLayout, a: u32, b: u64 });
  for (const name of ["a", "b"]) {
    let buffer = new ArrayBuffer(16);
    const one = pointer(type, buffer) as unknown as Loose;
    // It need not be called.
    const sly = {
      valueOf() {
        buffer = buffer.transfer();
        return name === "a" ? 1 : 1n;
      },
    };
    assertThrows(() => one[name] = sly, TypeError, `S.${name}`);
    assertEquals(holdsOnly(new Uint8Array(buffer), 0), true);
  }
});

Deno.test("a store to detached memory throws, for every kind", () => {
  for (const { name, type, fits } of kinds) {
    const buffer = new ArrayBuffer(48);
    const packed = struct("P", { _: HostLayout, tag: u8, it: type }, {
      packed: true,
    });
    const aligned = pointer<Type>(type, buffer) as unknown as Loose;
    const crooked = pointer(packed, buffer, 16) as unknown as Loose;
    buffer.transfer();
    for (const value of fits) {
      assertThrows(() => aligned.value = value, ClosedError, "closed", name);
      assertThrows(() => crooked.it = value, ClosedError, "closed", name);
    }
    assertThrows(() => aligned.value, ClosedError, "closed", name);
    assertThrows(() => crooked.it, ClosedError, "closed", name);
  }
});
