import {
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { toFileUrl } from "@std/path";
import { InvalidTypeError } from "../../../errors.ts";
import {
  alignOf,
  array,
  atomic,
  bits,
  checkType,
  f32,
  f64,
  field,
  HostLayout,
  offsetOf,
  padding,
  pointer,
  safe,
  sizeOf,
  struct,
  text,
  text16,
  type Type,
  u32,
  u64,
  u8,
  union,
  view,
} from "../../../layout/mod.ts";
import { repository, TemporaryDirectory } from "../../_support.ts";
import { kinds } from "../_kinds.ts";

const everywhere: readonly [string, Type][] = [
  ...kinds.map(({ name, type }): [string, Type] => [name, type]),
  ...kinds.filter(({ atomic }) => atomic)
    .map(({ name, type }): [string, Type] => [
      `atomic(${name})`,
      atomic(type as typeof u32),
    ]),
  ["array", array(u32, 3)],
  ["array of arrays", array(array(u8, 2), 3)],
  ["struct", struct("Inner", { _: HostLayout, x: u32 })],
  ["union", union("Either", { _: HostLayout, x: u32, y: f32 })],
];

for (const [name, type] of everywhere) {
  Deno.test(`${name} is accepted at a root, in an array and in a struct`, () => {
    const buffer = new ArrayBuffer(64);
    const holder = struct("Holder", { _: HostLayout, it: type });
    for (const accepted of [type, array(type, 2), holder]) {
      checkType(accepted);
      pointer(accepted, buffer);
      view(accepted, buffer);
    }
  });
}

const marked = struct("Marked", { _: HostLayout, x: u32 });

class Lookalike {
  kind = "u32";
  name = "u32";
  size = 4;
  align = 4;
}

const noTypes: readonly [string, unknown][] = [
  ["null", null],
  ["undefined", undefined],
  ["a string", "u32"],
  ["a number", 4],
  ["a bigint", 4n],
  ["a boolean", true],
  ["a symbol", Symbol("u32")],
  ["a function", () => u32],
  ["a constructor", struct],
  ["a class", Lookalike],
  ["an instance", new Lookalike()],
  ["a look-alike of a scalar", { ...u32 }],
  ["a frozen look-alike of a struct", Object.freeze({ ...marked })],
  ["an heir of a type", Object.create(u32)],
  ["a type behind a Proxy", new Proxy(u32, {})],
  ["an array of types", [u32]],
  ["a pointer", pointer(marked, new ArrayBuffer(4))],
  ["the fields of a struct", { _: HostLayout, x: u32 }],
];

for (const [name, value] of noTypes) {
  Deno.test(`${name} is no type at a root, in an array or in a struct`, () => {
    const type = value as Type;
    const buffer = new ArrayBuffer(64);
    assertThrows(() => checkType(type), InvalidTypeError);
    assertThrows(() => pointer(type, buffer), InvalidTypeError);
    assertThrows(() => view(type, buffer), InvalidTypeError);
    assertThrows(() => array(type, 2), InvalidTypeError);
    assertThrows(() => array(type), InvalidTypeError);
    assertThrows(
      () => struct("Outer", { _: HostLayout, ["in"]: type }),
      InvalidTypeError,
      "Outer.in: ",
    );
    assertThrows(
      () => union("Outer", { _: HostLayout, ["in"]: type }),
      InvalidTypeError,
      "Outer.in: ",
    );
    assertThrows(() => sizeOf(type), InvalidTypeError);
    assertThrows(() => alignOf(type), InvalidTypeError);
    assertThrows(() => offsetOf(type, "x" as never), InvalidTypeError);
    assertThrows(() => field(type, "x" as never), InvalidTypeError);
    assertThrows(() => atomic(type as typeof u32), InvalidTypeError);
    assertThrows(() => safe(type as typeof u64), InvalidTypeError);
    assertThrows(() => bits(type as typeof u32, 1), InvalidTypeError);
  });
}

Deno.test("a struct without the marker is rejected at any depth, by its path", () => {
  const bare = struct("Bare", { next: u32 });
  const held = struct("Held", { _: HostLayout, bare });
  const outer = struct("Outer", { _: HostLayout, first: u8, inner: held });
  const listed = struct("Listed", { _: HostLayout, all: array(held, 2) });
  const either = union("Either", { _: HostLayout, a: u32, b: held });
  const buffer = new ArrayBuffer(64);
  const culprits: [Type, string][] = [
    [bare, "Bare: "],
    [held, "Held.bare: "],
    [outer, "Outer.inner.bare: "],
    [listed, "Listed.all[].bare: "],
    [either, "Either.b.bare: "],
    [array(bare, 2), "Bare[2][]: "],
  ];
  for (const [type, path] of culprits) {
    for (
      const rejects of [
        () => checkType(type),
        () => pointer(type, buffer),
        () => view(type, buffer),
      ]
    ) {
      const error = assertThrows(rejects, InvalidTypeError, "HostLayout");
      assertEquals(error.message.startsWith(path), true, error.message);
    }
    // Twice: a failed check must not be remembered as a success.
    assertThrows(() => checkType(type), InvalidTypeError, path);
  }
  // Sizes and offsets need no marker.
  assertEquals([sizeOf(outer), offsetOf(outer, "inner.bare.next")], [8, 4]);
});

Deno.test("a look-alike of the marker is no marker, and the marker counts under any name", () => {
  const fake = { ...HostLayout } as unknown as typeof HostLayout;
  assertThrows(() => struct("S", { _: fake, x: u32 }), InvalidTypeError, "S._");
  const heir = Object.create(HostLayout) as typeof HostLayout;
  assertThrows(() => struct("S", { _: heir, x: u32 }), InvalidTypeError, "S._");
  const named = struct("S", { layout: HostLayout, x: u32 });
  const last = struct("S", { x: u32, ["a long name"]: HostLayout });
  for (const type of [named, last]) {
    const one = pointer(type, new ArrayBuffer(4));
    assertEquals(Object.keys(JSON.parse(JSON.stringify(one))), ["x"]);
    assertEquals("layout" in one || "a long name" in one, false);
  }
});

Deno.test("what has no size is no root", () => {
  const buffer = new ArrayBuffer(16);
  const nothing = struct("Nothing", { _: HostLayout });
  const tail = struct("Tail", { _: HostLayout, all: array(u32) });
  for (
    const type of [nothing, array(u32, 0), array(nothing, 4), tail]
  ) {
    for (const make of [pointer, view]) {
      assertThrows(
        () => make<Type>(type, buffer),
        InvalidTypeError,
        `${type.name}: There is no pointer to a type of size zero`,
      );
    }
  }
  // As a field it is fine.
  const holder = struct("Holder", { _: HostLayout, nothing, x: u8 });
  assertEquals(
    Deno.inspect(view(holder, buffer)),
    "Holder { nothing: {}, x: 0 }",
  );
});

Deno.test("what can only be a field is no root and no element", () => {
  for (const type of [HostLayout, padding(4), bits(u32, 3)] as Type[]) {
    const buffer = new ArrayBuffer(16);
    assertThrows(() => checkType(type), InvalidTypeError, type.name);
    assertThrows(() => pointer(type, buffer), InvalidTypeError, type.name);
    assertThrows(() => view(type, buffer), InvalidTypeError, type.name);
    assertThrows(() => array(type, 2), InvalidTypeError, type.name);
  }
});

Deno.test("atomics are of integers, uintptr, bool and enumerations only", () => {
  const others: Type[] = [
    f32,
    f64,
    safe(u64),
    text(4),
    text16(2),
    marked,
    array(u32, 2),
    atomic(u32),
    padding(4),
    HostLayout,
    bits(u32, 3),
  ];
  for (const type of others) {
    assertThrows(
      () => atomic(type as typeof u32),
      InvalidTypeError,
      type.name,
    );
  }
});

Deno.test("an atomic at a misaligned offset is refused, at any depth", () => {
  const counter = struct("Counter", { _: HostLayout, hits: atomic(u64) });
  const refusals: [() => unknown, string][] = [
    [
      () =>
        struct("P", { _: HostLayout, a: u8, n: atomic(u64) }, { packed: true }),
      "P.n: ",
    ],
    [
      () => struct("P", { _: HostLayout, a: u8, c: counter }, { packed: true }),
      "P.c: ",
    ],
    [
      () =>
        struct("P", { _: HostLayout, a: u64, c: array(counter, 2) }, {
          packed: true,
        }),
      "P.c: ",
    ],
    [
      () =>
        struct("P", { _: HostLayout, a: u64, n: atomic(u32) }, {
          offsets: { n: 2 },
        }),
      "P.n: ",
    ],
  ];
  for (const [make, path] of refusals) {
    const error = assertThrows(make, InvalidTypeError, "aligned");
    assertEquals(error.message.startsWith(path), true, error.message);
  }
  struct("P", { _: HostLayout, a: u8, n: atomic(u8) }, { packed: true });
  struct("P", { _: HostLayout, n: atomic(u32) }, { packed: true, align: 4 });
});

Deno.test("arrays of negative, fractional or absurd length are refused", () => {
  const lengths: unknown[] = [
    -1,
    0.5,
    NaN,
    Infinity,
    2 ** 53,
    "3",
    3n,
    null,
    undefined,
    {},
    [3],
    true,
  ];
  for (const length of lengths) {
    assertThrows(() => array(u8, length as number), InvalidTypeError);
  }
  assertThrows(() => array(u64, 2 ** 50), InvalidTypeError, "2^53");
  assertThrows(() => array(array(u8, 2 ** 30), 2 ** 30), InvalidTypeError);
  assertEquals(sizeOf(array(u8, 2 ** 53 - 1)), 2 ** 53 - 1);
  assertEquals(sizeOf(array(u64, 2 ** 49)), 2 ** 52);
  assertThrows(() => text(0), InvalidTypeError);
  assertThrows(() => text(1.5), InvalidTypeError);
  assertThrows(() => text16(0), InvalidTypeError);
  assertThrows(() => padding(-1), InvalidTypeError);
  assertThrows(
    () => struct("S", { a: array(u8, 2 ** 52), b: array(u8, 2 ** 52) }),
    InvalidTypeError,
    "S.",
  );
});

Deno.test("cycles cannot be built, nor can types be changed once made", () => {
  const fields: Record<string, unknown> = { _: HostLayout, x: u32 };
  fields.self = fields;
  const cyclic = () => struct("Loop", fields as Record<string, Type>);
  assertThrows(cyclic, InvalidTypeError, "Loop.self: ");
  const made: Record<string, Type> = { _: HostLayout, x: u32 };
  const type = struct("Made", made);
  made.self = type;
  assertEquals(Object.keys(type.fields), ["_", "x"]);
  for (const [, each] of everywhere) {
    assertEquals(Object.isFrozen(each), true, each.name);
  }
  assertEquals(Object.isFrozen(type.fields), true);
  assertThrows(() => Object.assign(type, { size: 1 }), TypeError);
});

Deno.test("fields are read once, so that a getter cannot change its mind", () => {
  let reads = 0;
  const type = struct("Fickle", {
    _: HostLayout,
    get x(): typeof u32 {
      return reads++ === 0 ? u32 : null as unknown as typeof u32;
    },
  });
  pointer(type, new ArrayBuffer(4)).x = 7;
  assertEquals([reads, type.fields.x], [1, u32]);
});

Deno.test("types are what the contract says they are", () => {
  for (const { type, size, name } of kinds) {
    assertEquals(sizeOf(type), size, name);
    const align = { text: 1, text16: 2 }[type.kind as string] ?? size;
    assertEquals(alignOf(type), align, name);
    assertEquals([type.size, type.align], [sizeOf(type), alignOf(type)]);
  }
  assertEquals(marked.kind, "struct");
  assertEquals(marked.name, "Marked");
  assertInstanceOf(
    assertThrows(() => checkType(null), TypeError),
    InvalidTypeError,
  );
});

Deno.test("a type of another copy of the package is refused with that as the likely cause", async () => {
  using directory = new TemporaryDirectory();
  const copy = directory.join("copy");
  Deno.symlinkSync(repository, copy);
  const other = await import(toFileUrl(`${copy}/layout/mod.ts`).href);
  const Other = other.struct("Other", { _: other.HostLayout, x: other.u32 });
  const attempts: (() => unknown)[] = [
    () => pointer(Other, new ArrayBuffer(4)),
    () => array(other.u32, 2),
    () => struct("Outer", { _: HostLayout, inner: Other }),
    () => struct("Marked", { _: other.HostLayout, x: u32 }),
  ];
  for (const attempt of attempts) {
    const { message } = assertThrows(attempt, InvalidTypeError);
    assertStringIncludes(message, "another copy or version of the package");
  }
  const stranger = assertThrows(() => array({} as never, 2), InvalidTypeError);
  assertFalse(stranger.message.includes("copy"), stranger.message);
});
