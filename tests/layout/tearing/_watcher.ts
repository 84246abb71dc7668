/**
 * Reads memory that a Worker stores to by every kind of pointer, and prints what
 * it saw: per store how many values, how many of them zero, and how many that
 * nobody ever stored. It reads by `Atomics`, whose loads are whole in every tier
 * of the engine.
 */

import { END, type Store, STORED, storesTo, WANTED } from "./_stores.ts";

interface Seen {
  zeros: number;
  full: number;
  torn: number;
}

const reads = Number(Deno.args[0]);
const shared = new SharedArrayBuffer(64);
const control = new Int32Array(shared);
const lanes = {
  16: new Uint16Array(shared, 0, 4),
  32: new Uint32Array(shared, 0, 2),
  64: new BigUint64Array(shared, 0, 1),
};

function laneOf({ width, offset }: Store): () => number | bigint {
  const lane = lanes[width] as Uint32Array;
  const index = offset / (width / 8);
  return () => Atomics.load(lane, index);
}

/** The bits that a store leaves, while nobody else stores. */
function bitsOf(it: Store): number | bigint {
  Atomics.store(lanes[64], 0, 0n);
  it.store(true);
  return laneOf(it)();
}

function look(
  load: () => number | bigint,
  ones: number | bigint,
  count: number,
): Seen {
  const seen = { zeros: 0, full: 0, torn: 0 };
  for (let index = 0; index < count; index++) {
    const bits = load();
    if (bits === ones) seen.full++;
    else if (bits === 0 || bits === 0n) seen.zeros++;
    else seen.torn++;
  }
  return seen;
}

const stores = Object.entries(storesTo(shared));
const patterns = stores.map(([, store]) => bitsOf(store));
const worker = new Worker(new URL("./_storer.ts", import.meta.url), {
  type: "module",
});
Atomics.store(control, STORED, END);
worker.postMessage(shared);
const result: Record<string, Seen> = {};
for (const [index, [name, store]] of stores.entries()) {
  Atomics.store(control, WANTED, index);
  while (Atomics.load(control, STORED) !== index) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const load = laneOf(store);
  const total = result[name] = look(load, patterns[index]!, reads);
  // Without a change there was nothing to tear: go on until there was one.
  const end = performance.now() + 20_000;
  while (total.zeros * total.full === 0 && performance.now() < end) {
    const { zeros, full, torn } = look(load, patterns[index]!, reads);
    total.zeros += zeros;
    total.full += full;
    total.torn += torn;
  }
}
const done = new Promise((resolve) => worker.onmessage = resolve);
Atomics.store(control, WANTED, END);
await done;
worker.terminate();
console.log(JSON.stringify(result));
