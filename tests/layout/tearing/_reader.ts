/**
 * Reads memory that a Worker writes to all the while, through every kind of
 * pointer of 16, 32 and 64 bits, and prints what it saw: per reader how many
 * values, how many of them zero, and how many that nobody ever wrote.
 */

import {
  array,
  atomic,
  be16,
  be32,
  be64,
  bits,
  enumeration,
  f32,
  f64,
  field,
  HostLayout,
  i16,
  i32,
  i64,
  pointer,
  safe,
  snapshot,
  struct,
  u16,
  u32,
  u64,
  union,
  view,
} from "../../../layout/mod.ts";

const reads = Number(Deno.args[0]);
const shared = new SharedArrayBuffer(64);

const ones64 = 2n ** 64n - 1n;
const all = { _: HostLayout };
const Tail = struct("Tail", { ...all, a: u32, b: u32 });
const Wide = union("Wide", {
  ...all,
  u64,
  i64,
  be64,
  f64,
  big: enumeration("big", { A: 0n }, u64),
  atomic: atomic(u64),
  half: u32,
  signed: i32,
  be32,
  f32,
  state: enumeration("state", { A: 0 }),
  quarter: u16,
  short: i16,
  be16,
  tail: Tail,
  words: array(u64, 1),
  halves: array(be32, 2),
  cells: array(struct("Cell", { ...all, pad: u32, it: u32 }), 1),
  low: struct("Low", { ...all, below: bits(u64, 12), it: bits(u64, 40) }),
  mid: struct("Mid", { ...all, below: bits(u32, 5), it: bits(u32, 20) }),
  minus: struct("Minus", { ...all, below: bits(i16, 3), it: bits(i16, 11) }),
});
const p = pointer(Wide, shared);
const v = view(Wide, shared);
const column = v.cells.column("it");
const scalar = field(Wide, "tail.b").of(p);
const small = pointer(safe(u64), shared, 8);
const signed = pointer(safe(i64), shared, 8);

type Reader = readonly [get: () => unknown, ones: unknown];

const readers: Record<string, Reader> = {
  u64: [() => p.u64, ones64],
  i64: [() => p.i64, -1n],
  be64: [() => p.be64, ones64],
  f64: [() => p.f64, NaN],
  "enumeration over u64": [() => p.big, ones64],
  "atomic(u64)": [() => p.atomic.load(), ones64],
  "safe(u64)": [() => small.value, 2 ** 53 - 1],
  "safe(i64)": [() => signed.value, 2 ** 53 - 1],
  "u64 of a view": [() => v.u64, ones64],
  "array(u64) of a view": [() => v.words.at(0), ones64],
  "u64[]": [() => p.words[0], ones64],
  "bits(u64, 40)": [() => p.low.it, 2n ** 40n - 1n],
  u32: [() => p.half, 2 ** 32 - 1],
  i32: [() => p.signed, -1],
  be32: [() => p.be32, 2 ** 32 - 1],
  f32: [() => p.f32, NaN],
  enumeration: [() => p.state, 2 ** 32 - 1],
  "array(be32)": [() => p.halves.at(1), 2 ** 32 - 1],
  "nested u32": [() => p.tail.b, 2 ** 32 - 1],
  "scalar pointer": [() => scalar.value, 2 ** 32 - 1],
  column: [() => column.at(0), 2 ** 32 - 1],
  "bits(u32, 20)": [() => p.mid.it, 2 ** 20 - 1],
  u16: [() => p.quarter, 65535],
  i16: [() => p.short, -1],
  be16: [() => p.be16, 65535],
  "bits(i16, 11)": [() => p.minus.it, -1],
  "snapshot, u64": [() => snapshot(p.low).it, 2n ** 40n - 1n],
  "snapshot, u32": [() => snapshot(p.tail).b, 2 ** 32 - 1],
};

interface Seen {
  zeros: number;
  full: number;
  torn: number;
}

function look(get: () => unknown, ones: unknown, count: number): Seen {
  const seen = { zeros: 0, full: 0, torn: 0 };
  for (let index = 0; index < count; index++) {
    const value = get();
    if (value === ones || (value !== value && ones !== ones)) seen.full++;
    else if (value === 0 || value === 0n) seen.zeros++;
    else seen.torn++;
  }
  return seen;
}

// Before the Worker begins, which keeps a CPU busy: code is made at first use.
for (const [get] of Object.values(readers)) get();
const worker = new Worker(new URL("./_writer.ts", import.meta.url), {
  type: "module",
});
worker.postMessage(shared);
const words = new BigUint64Array(shared);
while (Atomics.load(words, 0) === 0n) {
  await new Promise((resolve) => setTimeout(resolve, 1));
}

const slow = new Set(["snapshot, u64", "snapshot, u32"]);
const result: Record<string, Seen> = {};
for (const [name, [get, ones]] of Object.entries(readers)) {
  const share = Math.ceil(reads / (slow.has(name) ? 20 : 1));
  const total = result[name] = look(get, ones, share);
  // Without a change there was nothing to tear: go on until there was one.
  const end = performance.now() + 20_000;
  while (total.zeros * total.full === 0 && performance.now() < end) {
    const { zeros, full, torn } = look(get, ones, share);
    total.zeros += zeros;
    total.full += full;
    total.torn += torn;
  }
}
console.log(JSON.stringify(result));
// A Worker that never leaves its loop need not hear of `terminate`.
Deno.exit();
