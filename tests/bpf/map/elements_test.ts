import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap, type UpdateMode } from "../../../bpf/mod.ts";
import { possibleCpus } from "../../../ffi/calls/cpus.ts";
import {
  ClosedError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import { pageSize } from "../../../memory/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { bytes, mappable, number } from "../_maps.ts";

function hash(keySize: number, valueSize: number): BpfMap {
  return BpfMap.create({ type: "hash", keySize, valueSize, maxEntries: 4 });
}

bpfTest("BpfMap.lookup(), update() and delete() keep a table", () => {
  using map = hash(6, 3);
  const key = new TextEncoder().encode("abcdef");
  const other = new TextEncoder().encode("abcdeg");
  assertEquals(map.lookup(key), undefined);
  map.update(key, new Uint8Array([1, 2, 3]));
  map.update(other, new Uint8Array([4, 5, 6]));
  assertEquals(map.lookup(key), new Uint8Array([1, 2, 3]));
  assertEquals(map.lookup(other), new Uint8Array([4, 5, 6]));
  assertEquals(map.delete(key), true);
  assertEquals(map.delete(key), false);
  assertEquals(map.lookup(key), undefined);
  assertEquals(map.lookup(other), new Uint8Array([4, 5, 6]));
});

bpfTest("BpfMap.lookup() gives a copy with a buffer of its own", () => {
  using map = mappable();
  map.update(1, bytes(5n));
  const value = map.lookup(1)!;
  assertEquals([value.byteOffset, value.buffer.byteLength], [0, 8]);
  value.fill(9);
  assertEquals(number(map.lookup(1)), 5n);
});

bpfTest("BpfMap takes a number for a key of 4 bytes, and for no other", () => {
  using map = mappable();
  map.update(2, bytes(7n));
  assertEquals(number(map.lookup(new Uint8Array([2, 0, 0, 0]))), 7n);
  for (const index of [-1, 0.5, NaN, 2 ** 32, Infinity]) {
    assertThrows(() => map.lookup(index), RangeError, "Key must be");
  }
  using wide = hash(8, 8);
  assertThrows(() => wide.lookup(2), TypeError, "Key must be a Uint8Array");
});

bpfTest("BpfMap refuses keys and values that are not of their size", () => {
  using map = hash(4, 8);
  const key = new Uint8Array(4);
  const value = new Uint8Array(8);
  map.update(key, value);
  for (const length of [0, 3, 5, 4096]) {
    const wrong = new Uint8Array(length);
    const message = `must have 4 bytes: it has ${length}`;
    assertThrows(() => map.lookup(wrong), RangeError, message);
    assertThrows(() => map.update(wrong, value), RangeError, message);
    assertThrows(() => map.delete(wrong), RangeError, message);
  }
  for (const length of [0, 7, 9, 65536]) {
    assertThrows(
      () => map.update(key, new Uint8Array(length)),
      RangeError,
      `Value must have 8 bytes: it has ${length}`,
    );
  }
  const detached = new Uint8Array(8);
  detached.buffer.transfer();
  assertThrows(() => map.update(key, detached), RangeError, "it has 0");
  const lookAlike = { length: 4, __proto__: Uint8Array.prototype };
  for (
    const wrong of [null, undefined, "abcd", [0, 0, 0, 0], lookAlike, 0n]
      .concat([new Uint16Array(2), new DataView(new ArrayBuffer(4))] as never)
  ) {
    assertThrows(() => map.lookup(wrong as never), TypeError, "Key must be");
    assertThrows(
      () => map.update(key, wrong as never),
      TypeError,
      "Value must be a Uint8Array",
    );
  }
});

bpfTest(
  "BpfMap takes keys and values from shared and from offset buffers",
  () => {
    using map = hash(4, 8);
    const shared = new Uint8Array(new SharedArrayBuffer(16), 3, 8).fill(6);
    const key = new Uint8Array([9, 9, 1, 2, 3, 4, 9]).subarray(2, 6);
    map.update(key, shared);
    assertEquals(
      map.lookup(new Uint8Array([1, 2, 3, 4])),
      new Uint8Array(8).fill(6),
    );
  },
);

bpfTest(
  `BpfMap.update() creates with "create" and changes with "replace" alone`,
  () => {
    using map = hash(4, 8);
    const missing = assertThrows(
      () => map.update(1, bytes(1n), "replace"),
      SystemError,
      "there is no such entry",
    );
    assertEquals(missing.code, "ENOENT");
    map.update(1, bytes(1n), "create");
    const present = assertThrows(
      () => map.update(1, bytes(2n), "create"),
      SystemError,
      "there is such an entry",
    );
    assertEquals(present.code, "EEXIST");
    assertEquals(number(map.lookup(1)), 1n);
    map.update(1, bytes(3n), "replace");
    assertEquals(number(map.lookup(1)), 3n);
    map.update(1, bytes(4n), "any");
    assertEquals(number(map.lookup(1)), 4n);
    for (const mode of ["ANY", "", 1, null, "toString"]) {
      assertThrows(
        () => map.update(1, bytes(5n), mode as UpdateMode),
        TypeError,
        `Mode must be "any", "create" or "replace"`,
      );
    }
  },
);

bpfTest("BpfMap says what is wrong with an entry outside an array", () => {
  using map = mappable();
  assertEquals(map.lookup(4), undefined);
  assertEquals(
    assertThrows(() => map.update(4, bytes(0n)), SystemError, "the end").code,
    "E2BIG",
  );
  assertEquals(
    assertThrows(() => map.delete(0), SystemError, "cannot be deleted").code,
    "EINVAL",
  );
});

bpfTest("BpfMap.keyBytes() gives every key once", () => {
  using map = hash(2, 1);
  assertEquals([...map.keyBytes()], []);
  for (const key of [[1, 2], [3, 4], [5, 6]]) {
    map.update(new Uint8Array(key), new Uint8Array(1));
  }
  const keys = [...map.keyBytes()].map((key) => key.join()).sort();
  assertEquals(keys, ["1,2", "3,4", "5,6"]);
  using array = mappable();
  assertEquals([...array.keyBytes()].map((key) => key[0]), [0, 1, 2, 3]);
});

bpfTest(
  "BpfMap.keyBytes() is not disturbed by what a program does with the keys",
  () => {
    using map = mappable();
    let count = 0;
    for (const key of map.keyBytes()) {
      key.fill(255);
      key.buffer.transfer();
      count++;
    }
    assertEquals(count, 4);
  },
);

bpfTest(
  "BpfMap.keyBytes() ends although the kernel begins anew for ever",
  () => {
    using map = hash(4, 1);
    for (let i = 0; i < 4; i++) map.update(i, new Uint8Array(1));
    let count = 0;
    for (const key of map.keyBytes()) {
      // After a key that is gone the next one is the first.
      map.delete(key);
      map.update(100 + count, new Uint8Array(1));
      if (++count === 1000) break;
    }
    assertEquals(count, 4);
  },
);

for (
  const type of ["percpu_array", "percpu_hash", "lru_percpu_hash"] as const
) {
  bpfTest(
    `A value of a ${type} has 8 bytes or a multiple for each possible CPU`,
    () => {
      using map = BpfMap.create({ type, valueSize: 5, maxEntries: 64 });
      const size = 8 * possibleCpus().length;
      assertThrows(
        () => map.update(0, new Uint8Array(5)),
        RangeError,
        `Value must have ${size} bytes: it has 5`,
      );
      const value = Uint8Array.from(
        { length: size },
        (_, i) => i % 8 < 5 ? i : 0,
      );
      map.update(0, value);
      const found = map.lookup(0)!;
      assertEquals(found.length, size);
      for (let i = 0; i < size; i++) {
        if (i % 8 < 5) assertEquals(found[i], value[i]);
      }
    },
  );
}

bpfTest("BpfMap peeks, pushes and pops without a key", () => {
  using map = BpfMap.create({ type: "queue", valueSize: 8, maxEntries: 2 });
  const none = new Uint8Array(0);
  assertEquals(map.lookup(none), undefined);
  map.update(none, bytes(1n));
  map.update(none, bytes(2n));
  assertEquals(number(map.lookup(none)), 1n);
  const full = assertThrows(
    () => map.update(none, bytes(3n)),
    SystemError,
    "there is no room",
  );
  assertEquals(full.code, "E2BIG");
});

bpfTest("BpfMap says of maps without entries that they have none", () => {
  const none = new Uint8Array(0);
  using ring = BpfMap.create({ type: "ringbuf", maxEntries: pageSize() });
  assertThrows(
    () => ring.lookup(none),
    NotSupportedError,
    "ringbuf: it has none",
  );
  assertThrows(
    () => ring.update(none, none),
    NotSupportedError,
    "it has none",
  );
  using bloom = BpfMap.create({
    type: "bloom_filter",
    valueSize: 8,
    maxEntries: 2,
  });
  assertThrows(() => bloom.lookup(none), NotSupportedError, "it has no keys");
  bloom.update(none, bytes(1n));
});

bpfTest("BpfMap moves values of megabytes", () => {
  const size = 3 * 2 ** 20;
  using map = BpfMap.create({
    type: "array",
    valueSize: size,
    maxEntries: 1,
  });
  const value = new Uint8Array(size).map((_, i) => i * 7);
  map.update(0, value);
  assertEquals(map.lookup(0), value);
  using small = mappable();
  small.update(0, bytes(1n));
  assertEquals(number(small.lookup(0)), 1n);
});

bpfTest("BpfMap refuses everything but info once it is closed", () => {
  const map = mappable();
  const { id } = map.info;
  map.close();
  map.close();
  map[Symbol.dispose]();
  assertEquals([map.closed, map.info.id], [true, id]);
  for (
    const use of [
      () => map.fd,
      () => map.lookup(0),
      () => map.update(0, bytes(0n)),
      () => map.delete(0),
      () => [...map.keyBytes()],
      () => map.freeze(),
      () => map.pin("/nowhere"),
      () => map.memory(),
      () =>
        BpfMap.create({
          type: "array_of_maps",
          valueSize: 4,
          maxEntries: 1,
          innerMap: map,
        }),
    ]
  ) {
    assertThrows(use, ClosedError, "The BPF map is closed");
  }
});
