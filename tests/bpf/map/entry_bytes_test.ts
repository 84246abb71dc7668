/** Keys and values of maps whose types nothing says: copies of their bytes. */

import { assert, assertEquals } from "@std/assert";
import { BpfMap } from "../../../bpf/mod.ts";
import {
  aligned,
  HostLayout,
  pointer,
  struct,
  u64,
} from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";

const ENTRIES = 2000;

type Bytes = Uint8Array<ArrayBuffer>;

/** A hash in which all bytes of an entry are made of its number. */
function numbered(keySize: number, valueSize: number, entries = ENTRIES) {
  const map = BpfMap.create({
    type: "hash",
    keySize,
    valueSize,
    maxEntries: entries,
  });
  map.table().setAll(
    Array.from({ length: entries }, (_, number) => {
      const key = new Uint8Array(keySize);
      new DataView(key.buffer).setUint16(0, number, true);
      return [key, new Uint8Array(valueSize).fill(number % 251)];
    }),
  );
  return map;
}

function numberOf(key: Bytes): number {
  return new DataView(key.buffer, key.byteOffset).getUint16(0, true);
}

/** Tests whether every byte is a given one. */
function isFilled(bytes: Bytes, byte: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== byte) return false;
  return true;
}

/** All entries that a loop gives; each is kept until the end. */
function entriesOf(map: BpfMap): [Bytes, Bytes][] {
  return [...map.entries()] as [Bytes, Bytes][];
}

for (const [keySize, valueSize] of [[2, 1], [7, 13], [40, 56], [512, 9000]]) {
  bpfTest(
    `Entries of ${keySize} and ${valueSize} bytes stay as they were read, and touch no other`,
    () => {
      using map = numbered(keySize!, valueSize!);
      const entries = entriesOf(map);
      assertEquals(entries.length, ENTRIES);
      const numbers = new Set<number>();
      for (const [key, value] of entries) {
        const number = numberOf(key);
        numbers.add(number);
        assertEquals([key.length, value.length], [keySize, valueSize]);
        assert(isFilled(value, number % 251));
        // Nobody else's bytes are written by this.
        value.fill(255);
        key.fill(255, 2);
      }
      assertEquals(numbers.size, ENTRIES);
      assertEquals(
        map.lookup(new Uint8Array(keySize!)),
        new Uint8Array(valueSize!),
      );
    },
  );
}

bpfTest("Bytes of an entry can be pointed to with every type that fits", () => {
  for (const align of [8, 16, 64, 512]) {
    const Wide = struct("Wide", { _: HostLayout, word: aligned(u64, align) });
    for (const valueSize of [Wide.size, Wide.size + 24]) {
      using map = numbered(5, valueSize, 64);
      for (const [key, value] of entriesOf(map)) {
        const byte = BigInt(numberOf(key) % 251);
        const bytes = value.subarray(0, Wide.size);
        assertEquals(pointer(Wide, bytes).word, byte * 0x0101010101010101n);
      }
    }
  }
});

bpfTest(
  "An entry whose bytes were transferred is gone alone from there on",
  () => {
    using map = numbered(2, 24);
    const numbers = new Set<number>();
    for (const [key, value] of map.entries() as Iterable<[Bytes, Bytes]>) {
      const number = numberOf(key);
      numbers.add(number);
      assert(value.every((byte) => byte === number % 251));
      structuredClone(value, { transfer: [value.buffer] });
    }
    assertEquals(numbers.size, ENTRIES);
  },
);

bpfTest("Few bytes keep few others: 8 KiB at the most", () => {
  using map = numbered(4, 32);
  for (const bytes of entriesOf(map).flat()) {
    assert(bytes.buffer.byteLength <= 8192);
  }
});

bpfTest("The bytes of one key are the only ones in their buffer", () => {
  using map = numbered(4, 32, 8);
  const table = map.table();
  for (const bytes of [table.get(3), table.take(3), map.lookup(4)]) {
    const { byteOffset, buffer } = bytes as Bytes;
    assertEquals([byteOffset, buffer.byteLength], [0, 32]);
  }
  for (const { byteOffset, buffer } of map.keyBytes()) {
    assertEquals([byteOffset, buffer.byteLength], [0, 4]);
  }
});
