import { assertEquals, assertThrows } from "@std/assert";
import { ClosedError } from "../../errors.ts";
import {
  type MovingView,
  movingView,
} from "../../layout/access/moving_view.ts";
import { Region } from "../../layout/region/region.ts";
import type { AnyType } from "../../layout/model/types.ts";
import {
  array,
  atomic,
  HostLayout,
  snapshot,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
  union,
  view,
} from "../../layout/mod.ts";
import { Memory } from "../../memory/mod.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import { run } from "../_support.ts";

const Inner = struct("Inner", { _: HostLayout, a: u16, b: u32 });
const Outer = struct("Outer", {
  _: HostLayout,
  inner: Inner,
  hits: atomic(u32),
  list: array(u16, 2),
});
const Tail = struct("Tail", { _: HostLayout, n: u32, rest: array(u8) });
const Either = union("Either", { _: HostLayout, half: u32, whole: u64 });
const types: Type[] = [
  u32,
  atomic(u64),
  Inner,
  Outer,
  Either,
  Tail,
  array(u16, 3),
  array(Inner, 2),
  array(atomic(u32), 2),
];

/** Bytes of which no two stretches are alike. */
const bytes = Uint8Array.from({ length: 256 }, (_, i) => (i * 167 + 13) & 255);

function movingTo(type: Type, region: Region): MovingView {
  return movingView(type as AnyType, region);
}

for (const type of types) {
  Deno.test(`A view of ${type.name} shows what it is pointed to`, () => {
    const region = new Region(bytes.buffer, 0, bytes.length, "buffer");
    const moving = movingTo(type, region);
    for (const offset of [0, 8, 64, 128, 8]) {
      const extent = 24;
      moving.move(moving.view, offset, extent);
      const options = type === Tail ? { length: extent - 4 } : {};
      const fixed = view(type, bytes, offset, options);
      assertEquals(
        snapshot(moving.view as never),
        snapshot(fixed as never),
        `${offset}`,
      );
      assertEquals(Deno.inspect(moving.view), Deno.inspect(fixed));
      assertEquals(JSON.stringify(moving.view), JSON.stringify(fixed));
    }
  });
}

Deno.test("What is taken out of a view that moves on stays where it was", () => {
  const region = new Region(bytes.buffer, 0, bytes.length, "buffer");
  const { view: outer, move } = movingTo(Outer, region);
  move(outer, 64, 0);
  const { inner } = outer as { inner: { b: number } };
  const { b } = inner;
  move(outer, 8, 0);
  assertEquals(inner.b, b);
  assertEquals(
    (outer as typeof inner & { inner: typeof inner }).inner.b !== b,
    true,
  );
});

Deno.test("A released region throws, and reads again through another", () => {
  const region = new Region(bytes.buffer, 0, bytes.length, "buffer");
  const other = new Region(bytes.slice().buffer, 0, bytes.length, "buffer");
  const { view: outer } = movingTo(Outer, region);
  const { inner } = outer as { inner: { b: number } };
  const { b } = inner;
  region.release();
  assertThrows(() => inner.b, ClosedError);
  assertThrows(() => snapshot(outer as never), ClosedError);
  region.useViewsOf(other);
  assertEquals(inner.b, b);
});

Deno.test("Nobody can move a view but who made it", () => {
  const region = new Region(bytes.buffer, 0, bytes.length, "buffer");
  const { view: moving, move } = movingTo(Inner, region);
  assertEquals(Reflect.ownKeys(moving), []);
  assertEquals("move" in moving, false);
  assertThrows(() => move({}, 0, 0), TypeError);
  assertThrows(() => move(view(Inner, bytes), 0, 0), TypeError);
});

Deno.test("A view moves over more than 2 GiB", () => {
  const size = 2 ** 32;
  using memory = Memory.create(size);
  const { root } = whereIs(memory.view(u8))!;
  const region = new Region(root.buffer, root.start, size, "record");
  const last = size - 16;
  for (const type of [Inner, Tail]) {
    const { view: moving, move } = movingTo(type, region);
    for (const offset of [0, 2 ** 30 - 8, 2 ** 31 - 8, 2 ** 31, last, 8]) {
      const field = type === Inner ? "b" : "n";
      memory.pointer(u32, offset + (type === Inner ? 4 : 0)).value = offset / 8;
      move(moving, offset, 12);
      assertEquals((moving as Record<string, unknown>)[field], offset / 8);
      if (type === Tail) {
        assertEquals((moving as { rest: { length: number } }).rest.length, 8);
      }
    }
    region.release();
    assertThrows(() => snapshot(moving as never), ClosedError);
    region.useViewsOf(root);
    move(moving, 8, 12);
    assertEquals(snapshot(moving as never) !== undefined, true);
  }
});

Deno.test("Views move where code cannot be generated", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { movingView } from "./layout/access/moving_view.ts";
    import { Region } from "./layout/region/region.ts";
    import { array, HostLayout, snapshot, struct, u32, u8 } from "@hostmem/hostmem";
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
    const region = new Region(bytes.buffer, 0, 64, "buffer");
    const Tail = struct("Tail", { _: HostLayout, n: u8, rest: array(u8) });
    const { view, move } = movingView(Tail, region);
    move(view, 8, 4);
    console.log(JSON.stringify(snapshot(view)));
    move(view, 32, 2);
    console.log(JSON.stringify(snapshot(view)));
    `,
    {
      permissions: [],
      v8Flags: ["disallow-code-generation-from-strings"],
    },
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trim().split("\n"), [
    '{"n":8,"rest":[9,10,11]}',
    '{"n":32,"rest":[33]}',
  ]);
});
