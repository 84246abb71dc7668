/**
 * All entries of a hash with a million, as plain data, against libbpf's
 * `bpf_map_lookup_batch` in C on the same map; and what single calls cost.
 *
 * @module
 */

import { BpfMap } from "../bpf/mod.ts";
import { array, HostLayout, struct, u32, u64, view } from "../layout/mod.ts";
import { bpfMaps } from "../tests/_needs.ts";
import { compileC, TemporaryDirectory } from "../tests/_support.ts";
import { measure } from "./_measure.ts";

const ENTRIES = 1_000_000;
/** The number of them for single calls, which take ten times as long. */
const SINGLES = 50_000;

const Stats = struct("Stats", {
  _: HostLayout,
  packets: u64,
  bytes: u64,
  drops: u32,
  queue: u32,
  sizes: array(u32, 2),
});

function native(path: string) {
  return Deno.dlopen(path, {
    sum_batches: { parameters: ["i32", "u32"], result: "i64" },
    sum_singles: { parameters: ["i32", "u32"], result: "i64" },
  });
}

/** A hash whose values begin with 8 bytes that count. */
function hash(valueSize: number, entries: number): BpfMap {
  const map = BpfMap.create({
    type: "hash",
    keySize: 4,
    valueSize,
    maxEntries: entries,
  });
  const table = map.table({
    keyType: u32,
    valueType: array(u64, valueSize / 8),
  });
  for (let start = 0; start < entries; start += 10_000) {
    const count = Math.min(10_000, entries - start);
    table.setAll(
      Array.from({ length: count }, (_, i) => [start + i, [BigInt(i)]]),
    );
  }
  return map;
}

if (!bpfMaps.met) {
  console.log("  not measured: bpf(2) needs root");
  Deno.exit();
}

using directory = new TemporaryDirectory();
const source = new URL("programs/entries.c", import.meta.url);
const flags = ["-O2", "-shared", "-fPIC", "-lbpf"];
const library = await compileC(source, directory, flags).catch(() => {
  console.log("  not measured: needs a C compiler and libbpf-dev");
  directory[Symbol.dispose]();
  Deno.exit();
});
const c = native(library);
const { sum_batches: sumInC, sum_singles: sumSingles } = c.symbols;

function sumNumbers(map: BpfMap<"hash">): number {
  let sum = 0n;
  for (const [key, value] of map.entries({ keyType: u32, valueType: u64 })) {
    sum += BigInt(key) + value;
  }
  return Number(sum);
}

function sumStructs(map: BpfMap<"hash">): number {
  let sum = 0n;
  for (const [key, value] of map.entries({ keyType: u32, valueType: Stats })) {
    sum += BigInt(key) + value.packets;
  }
  return Number(sum);
}

function sumBytes(map: BpfMap): number {
  let sum = 0;
  for (const [key, value] of map.table()) {
    const bytes = value as Uint8Array;
    sum += (key as Uint8Array).length + bytes.length;
  }
  return sum;
}

function sumBatches(map: BpfMap): number {
  let sum = 0n;
  for (const { keys, values, length } of map.batches()) {
    const numbers = new Uint32Array(keys.buffer);
    const packets = view(array(Stats, length), values).column("packets");
    for (let i = 0; i < length; i++) sum += BigInt(numbers[i]!) + packets.at(i);
  }
  return Number(sum);
}

function sumLookups(map: BpfMap): number {
  let sum = 0n;
  for (const key of map.keyBytes()) {
    const view = new DataView(map.lookup(key)!.buffer);
    const number = new DataView(key.buffer).getUint32(0, true);
    sum += BigInt(number) + view.getBigUint64(0, true);
  }
  return Number(sum);
}

{
  using map = hash(8, ENTRIES);
  measure({
    name: "1 M entries of u32 → u64",
    operations: ENTRIES,
    rounds: 5,
    warmUp: 1500,
    kernels: {
      "C, batches": () => Number(sumInC(map.fd, 8)),
      "entries()": () => sumNumbers(map),
    },
  });
}
{
  using map = hash(32, ENTRIES);
  measure({
    name: "1 M entries of u32 → struct of 32 bytes",
    operations: ENTRIES,
    rounds: 5,
    warmUp: 1500,
    kernels: {
      "C, batches": () => Number(sumInC(map.fd, 32)),
      "entries()": () => sumStructs(map),
      "batches()": () => sumBatches(map),
    },
    bars: { "batches()": 2 },
  });
  measure({
    name: "the same, as bytes",
    operations: ENTRIES,
    rounds: 3,
    warmUp: 1500,
    compare: false,
    kernels: {
      "C, batches": () => Number(sumInC(map.fd, 32)),
      "entries()": () => sumBytes(map),
    },
    bars: { "entries()": 2 },
  });
}
{
  using map = hash(8, SINGLES);
  measure({
    name: "50 000 entries, a call for each",
    operations: SINGLES,
    rounds: 5,
    kernels: {
      "C, next + lookup": () => Number(sumSingles(map.fd, 8)),
      "keys + lookup": () => sumLookups(map),
      "entries()": () => sumNumbers(map),
    },
  });
}
