import { assert, assertEquals } from "@std/assert";
import { BpfMap, type MapType } from "../../../bpf/mod.ts";
import { HostLayout, struct, u32 } from "../../../layout/mod.ts";
import { sized } from "../../_fire.ts";
import { bpfTest } from "../../_needs.ts";

const STABLE = 500;
const LIMIT = 2000;
/** The number of reads of all: each while thousands of entries change. */
const ROUNDS = sized(15, 200);
const Prefix = struct("Prefix", { _: HostLayout, bits: u32, data: u32 });

/** Runs `use` while a Worker stores and deletes entries. */
async function whileWritten(
  map: BpfMap,
  bits: boolean,
  use: () => void,
): Promise<void> {
  const worker = new Worker(new URL("./_writing_worker.ts", import.meta.url), {
    type: "module",
  });
  const next = () =>
    new Promise<unknown>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  try {
    await next();
    const writing = next();
    worker.postMessage({
      fd: map.fd,
      stable: STABLE,
      limit: LIMIT,
      bits,
      stop,
    });
    await writing;
    const stopped = next();
    use();
    Atomics.store(stop, 0, 1);
    assert(await stopped as number > 1000);
  } finally {
    worker.terminate();
  }
}

for (const type of ["hash", "lru_hash", "lpm_trie"] as MapType[]) {
  bpfTest(
    `BpfMap.entries() of a ${type} ends and gives whole entries while another writes`,
    async () => {
      const bits = type === "lpm_trie";
      using map = BpfMap.create({
        type,
        keySize: bits ? 8 : 4,
        valueSize: 4,
        maxEntries: type === "lru_hash" ? 4 * LIMIT : LIMIT,
        flags: bits ? ["no_prealloc"] : [],
      });
      const table = map.table({ keyType: bits ? Prefix : u32, valueType: u32 });
      const keyOf = (data: number) =>
        (bits ? { bits: 32, data } : data) as never;
      table.setAll(
        Array.from({ length: STABLE }, (_, i) => [keyOf(i), i + 1]),
      );
      await whileWritten(map, bits, () => {
        for (let round = 0; round < ROUNDS; round++) {
          const stable: number[] = [];
          let count = 0;
          for (const [key, value] of table) {
            const number = typeof key === "number" ? key : key.data;
            // Without assertEquals, which would take most of the time.
            assert(number < LIMIT);
            assert(value === (number < STABLE ? number + 1 : 0), `${value}`);
            if (number < STABLE) stable.push(number);
            count++;
          }
          if (bits) assert(count <= LIMIT);
          else {
            // What stays is given, and once.
            assertEquals(stable.length, STABLE);
            assertEquals(new Set(stable).size, STABLE);
          }
          for (const key of map.keyBytes()) {
            assert(key.length === (bits ? 8 : 4), `${key.length}`);
          }
        }
      });
    },
  );
}

bpfTest(
  "MapTable.takeAll() while another writes loses nothing that stays",
  async () => {
    using map = BpfMap.create({
      type: "hash",
      keySize: 4,
      valueSize: 4,
      maxEntries: LIMIT,
    });
    const table = map.table({ keyType: u32, valueType: u32 });
    await whileWritten(map, false, () => {
      for (let round = 0; round < ROUNDS / 2; round++) {
        table.setAll(Array.from({ length: STABLE }, (_, i) => [i, i]));
        const keys = table.takeAll().map(([key]) => key);
        assertEquals(keys.filter((key) => key < STABLE).length, STABLE);
        assertEquals(new Set(keys.filter((key) => key < STABLE)).size, STABLE);
      }
    });
  },
);
