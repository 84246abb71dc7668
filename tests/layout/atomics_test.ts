import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClosedError, NotSupportedError } from "../../errors.ts";
import {
  array,
  atomic,
  bool,
  enumeration,
  HostLayout,
  i16,
  i32,
  i64,
  i8,
  pointer,
  struct,
  type Type,
  u16,
  u32,
  u64,
  u8,
  uintptr,
  view,
} from "../../layout/mod.ts";
import { Random, seed } from "../_support.ts";

interface Cell {
  load(): number | bigint;
  store(value: unknown): void;
  [operation: string]: (...values: unknown[]) => unknown;
}

const integers: [string, Type, number, boolean][] = [
  ["u8", u8, 8, false],
  ["i8", i8, 8, true],
  ["u16", u16, 16, false],
  ["i16", i16, 16, true],
  ["u32", u32, 32, false],
  ["i32", i32, 32, true],
  ["u64", u64, 64, false],
  ["i64", i64, 64, true],
  ["uintptr", uintptr, 64, false],
  ["enumeration", enumeration("e", { A: 0 }), 32, false],
  ["enumeration over i64", enumeration("e", { A: 0n }, i64), 64, true],
];

const operations: Record<string, (a: bigint, b: bigint) => bigint> = {
  store: (_, b) => b,
  exchange: (_, b) => b,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

for (const [name, type, width, signed] of integers) {
  const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
  const value = (integer: bigint) => width === 64 ? integer : Number(integer);
  const edges = [
    0n,
    1n,
    signed ? -1n : 2n,
    wrap(width, 2n ** BigInt(width - 1)),
    wrap(width, 2n ** BigInt(width - 1) - 1n),
    wrap(width, 2n ** BigInt(width) - 1n),
  ];

  Deno.test(`atomic(${name}) does what C does, and wraps as C does`, () => {
    const Two = struct("Two", {
      _: HostLayout,
      before: u64,
      cells: array(atomic(type as typeof u32), 3),
    });
    for (const buffer of [new ArrayBuffer(64), new SharedArrayBuffer(64)]) {
      const cell = pointer(Two, buffer).cells.at(1) as unknown as Cell;
      const seen = view(Two, buffer).cells.at(1) as unknown as Cell;
      for (const a of edges) {
        for (const b of edges) {
          for (const [operation, expected] of Object.entries(operations)) {
            cell.store(value(a));
            const old = cell[operation]!(value(b));
            assertEquals(old, operation === "store" ? undefined : value(a));
            const now = value(wrap(width, expected(a, b)));
            assertEquals([cell.load(), seen.load()], [now, now], operation);
          }
          cell.store(value(a));
          assertEquals(cell.compareExchange!(value(b), value(0n)), value(a));
          assertEquals(cell.load(), a === b ? value(0n) : value(a));
        }
      }
      cell.store(value(0n));
      const bytes = new Uint8Array(buffer);
      assertEquals(bytes.every((byte) => byte === 0), true);
    }
  });

  Deno.test(`atomic(${name}) of a view only loads`, () => {
    const cell = view(atomic(type as typeof u32), new ArrayBuffer(8));
    const names = new Set<string>();
    for (
      let at: object = cell;
      at !== null && at !== Object.prototype;
      at = Object.getPrototypeOf(at)
    ) Object.getOwnPropertyNames(at).forEach((each) => names.add(each));
    assertEquals([...names].toSorted(), ["load", "toJSON"]);
  });

  Deno.test(`atomic(${name}) throws once its memory is detached`, () => {
    const buffer = new ArrayBuffer(8);
    const cell = pointer(
      atomic(type as typeof u32),
      buffer,
    ) as unknown as Cell;
    buffer.transfer();
    assertThrows(() => cell.load(), ClosedError);
    for (const operation of Object.keys(operations)) {
      assertThrows(() => cell[operation]!(value(1n)), ClosedError);
    }
    assertThrows(
      () => cell.compareExchange!(value(0n), value(1n)),
      ClosedError,
    );
    assert(Deno.inspect(cell).endsWith("[closed]"));
  });
}

Deno.test("atomic(bool) loads, stores and exchanges", () => {
  const bytes = new Uint8Array(1);
  const flag = pointer(atomic(bool), bytes);
  flag.store(true);
  assertEquals([flag.load(), bytes[0]], [true, 1]);
  assertEquals(flag.exchange(false), true);
  assertEquals(flag.compareExchange(false, true), false);
  assertEquals(flag.compareExchange(false, false), true);
  assertEquals(flag.load(), true);
  assertEquals("add" in flag, false);
  bytes[0] = 2;
  assertEquals(flag.load(), true);
});

Deno.test("only i32 and i64 can be waited for", () => {
  const buffer = new SharedArrayBuffer(8);
  for (const [name, type] of integers) {
    const cell = pointer(atomic(type as typeof u32), buffer);
    assertEquals("wait" in cell, name === "i32" || name === "i64");
    assertEquals("notify" in cell, name === "i32" || name === "i64");
  }
});

Deno.test("wait() is refused where no other thread can have the memory", () => {
  const futex = pointer(atomic(i32), new ArrayBuffer(8));
  assertThrows(() => futex.wait(0), NotSupportedError, "workers: true");
  const wide = pointer(atomic(i64), new ArrayBuffer(8));
  assertThrows(() => wide.wait(0n, 1), NotSupportedError, "workers: true");
});

Deno.test("wait() tells a changed value and a timeout, and checks its value", () => {
  const futex = pointer(atomic(i32), new SharedArrayBuffer(8));
  assertEquals(futex.wait(1), "not-equal");
  assertEquals(futex.wait(0, 1), "timed-out");
  assertThrows(() => futex.wait(2 ** 31), RangeError, "atomic(i32)");
  assertThrows(() => futex.wait(0n as unknown as number), TypeError);
  // The engine takes what is not a number for ever, or for none.
  for (const timeout of [NaN, "1", null, {}]) {
    assertThrows(() => futex.wait(0, timeout as number), TypeError, "timeout");
  }
  assertEquals(futex.wait(0, -1), "timed-out");
  for (const count of [NaN, "1", null, -1, 1.5]) {
    assertThrows(() => futex.notify(count as number), RangeError, "Count");
  }
  assertEquals(futex.notify(Infinity), 0);
  assertEquals(futex.notify(), 0);
  const wide = pointer(atomic(i64), new SharedArrayBuffer(8));
  assertEquals(wide.wait(1n), "not-equal");
  assertEquals(wide.wait(0n, 1), "timed-out");
  assertThrows(() => wide.wait(2n ** 63n), RangeError);
});

const WORKER = `
import { array, atomic, HostLayout, i32, i64, pointer, struct, u64 } from "${new URL(
  "../../layout/mod.ts",
  import.meta.url,
)}";
const Shared = struct("Shared", {
  _: HostLayout, ready: atomic(i32), go: atomic(i64), sum: atomic(u64), pad: array(i32, 2),
});
self.onmessage = ({ data }) => {
  const shared = pointer(Shared, data);
  shared.ready.add(1);
  shared.ready.notify();
  const woken = shared.go.wait(0n, 60_000);
  for (let index = 0; index < 50_000; index++) shared.sum.add(1n);
  self.postMessage(woken);
};
`;

Deno.test("a Worker waits, is notified, and no count is lost", async () => {
  const Shared = struct("Shared", {
    _: HostLayout,
    ready: atomic(i32),
    go: atomic(i64),
    sum: atomic(u64),
    pad: array(i32, 2),
  });
  const buffer = new SharedArrayBuffer(Shared.size);
  const shared = pointer(Shared, buffer);
  const url = URL.createObjectURL(
    new Blob([WORKER], { type: "application/typescript" }),
  );
  const worker = new Worker(url, { type: "module" });
  try {
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
    worker.postMessage(buffer);
    while (shared.ready.load() === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // It has said so before it sleeps: notify until it was asleep.
    while (shared.go.notify() === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (let index = 0; index < 50_000; index++) shared.sum.add(1n);
    assertEquals(await answer, "ok");
    assertEquals(shared.sum.load(), 100_000n);
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
});

Deno.test("random sequences of atomic operations agree with bigint arithmetic", () => {
  const random = new Random(seed());
  for (const [name, type, width, signed] of integers) {
    const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
    const value = (integer: bigint) => width === 64 ? integer : Number(integer);
    const cell = pointer(
      atomic(type as typeof u32),
      new ArrayBuffer(8),
    ) as unknown as Cell;
    let expected = 0n;
    for (let step = 0; step < 300; step++) {
      const [operation, model] = random.pick(Object.entries(operations));
      const operand = wrap(width, random.biguint64());
      cell[operation]!(value(operand));
      expected = wrap(width, model(expected, operand));
      assertEquals(cell.load(), value(expected), `${name}.${operation}`);
    }
  }
});
