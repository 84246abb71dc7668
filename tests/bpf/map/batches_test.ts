/** Entries in batches, and cursors that are kept between them. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfMap, type MapBatch, MapCursor } from "../../../bpf/mod.ts";
import { ClosedError, NotSupportedError } from "../../../errors.ts";
import { array, u32, u64 } from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";

const COUNT = 1000;

/** A hash whose values are the keys, twice. */
function filled(): BpfMap {
  const map = BpfMap.create({
    type: "hash",
    valueType: array(u64, 2),
    maxEntries: COUNT,
  });
  map.table().setAll(
    Array.from({ length: COUNT }, (_, i) => [i, [BigInt(i), BigInt(i)]]),
  );
  return map;
}

function keysIn({ keys }: MapBatch): number[] {
  return [...new Uint32Array(keys.buffer)];
}

const all = Array.from({ length: COUNT }, (_, i) => i);
const ascending = (one: number, other: number) => one - other;

bpfTest("BpfMap.batches() gives each entry once, whatever their size", () => {
  using map = filled();
  for (const size of [undefined, COUNT, 64]) {
    const found: number[] = [];
    for (const batch of map.batches({ size })) {
      const { keys, values, length } = batch;
      assertEquals([keys.length, values.length], [length * 4, length * 16]);
      const numbers = new BigUint64Array(values.buffer);
      keysIn(batch).forEach((key, i) => {
        assertEquals(numbers[i * 2 + 1], BigInt(key));
        found.push(key);
      });
    }
    assertEquals(found.sort(ascending), all, `${size}`);
  }
});

bpfTest(
  "A cursor goes on where its batch ended, now or later, and again",
  () => {
    using map = filled();
    const found: number[] = [];
    let from: MapCursor | undefined;
    let rounds = 0;
    do {
      const [batch] = map.batches({ from, size: 300 });
      const [again] = map.batches({ from, size: 300 });
      assertEquals(batch && keysIn(batch), again && keysIn(again));
      found.push(...batch === undefined ? [] : keysIn(batch));
      from = batch?.cursor;
      assert(rounds++ < COUNT);
    } while (from !== undefined);
    assert(rounds > 3);
    assertEquals(found.sort(ascending), all);
  },
);

bpfTest("Cursors of arrays, and of maps without batches, do the same", () => {
  using list = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 100 });
  // The kernel has no batches of it; 1 is the loopback interface.
  using devices = BpfMap.create({
    type: "devmap_hash",
    valueSize: 4,
    maxEntries: 100,
  });
  devices.table({ keyType: u32, valueType: u32 }).setAll(
    all.slice(0, 100).map((i) => [i, 1]),
  );
  for (const map of [list, devices]) {
    const found: number[] = [];
    let from: MapCursor | undefined;
    do {
      const { value } = map.batches({ from, size: 30 }).next();
      const batch = value as MapBatch | undefined;
      if (batch !== undefined) {
        assert(batch.length <= 30);
        found.push(...keysIn(batch));
      }
      assert(found.length <= 100);
      from = batch?.cursor;
    } while (from !== undefined);
    assertEquals(found.sort(ascending), all.slice(0, 100), map.info.type);
  }
});

bpfTest("Cursors come to an end although the kernel begins anew", () => {
  using map = BpfMap.create({
    type: "devmap_hash",
    valueSize: 4,
    maxEntries: 100,
  });
  // It goes from key to key; 1 is the loopback interface.
  const table = map.table({ keyType: u32, valueType: u32 });
  table.setAll(all.slice(0, 100).map((i) => [i, 1]));
  let from: MapCursor | undefined;
  let count = 0;
  do {
    const { value } = map.batches({ from, size: 30 }).next();
    const batch = value as MapBatch | undefined;
    // After a key that is gone the next one is the first.
    if (batch !== undefined) table.delete(keysIn(batch).at(-1)!);
    count += batch?.length ?? 0;
    assert(count <= 100);
    from = batch?.cursor;
  } while (from !== undefined);
  assertEquals(count, 100);
});

bpfTest("A batch stays as it is when the map changes, and closes", () => {
  const map = filled();
  const batches = map.batches({ size: 100 });
  const batch = batches.next().value as MapBatch;
  const keys = keysIn(batch);
  batches.next();
  map.table().takeAll();
  map.close();
  assertEquals(keysIn(batch), keys);
  assertThrows(() => batches.next(), ClosedError);
  assertThrows(() => map.batches(), ClosedError);
});

bpfTest(
  "BpfMap.batches() refuses cursors of other maps, and no cursors",
  () => {
    using map = filled();
    using other = filled();
    const { cursor } = map.batches({ size: 10 }).next().value as MapBatch;
    assert(cursor instanceof MapCursor);
    const { id } = map.info;
    const cases: [object, ErrorConstructor, string][] = [
      [{ from: cursor }, TypeError, `it is one of the map of id ${id}`],
      [{ from: {} }, TypeError, "must be the cursor of a batch"],
      [{ from: Object.create(cursor) }, TypeError, "must be the cursor"],
      [{ size: 0 }, RangeError, "Option size must be an integer from 1"],
      [{ after: cursor }, TypeError, 'no option "after"'],
    ];
    for (const [options, type, message] of cases) {
      assertThrows(() => other.batches(options), type, message);
    }
    using queue = BpfMap.create({ type: "queue", valueSize: 4, maxEntries: 1 });
    assertThrows(() => queue.batches(), NotSupportedError, "it has none");
  },
);
