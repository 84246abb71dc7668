import { assert, assertEquals } from "@std/assert";
import { drainOf } from "../../../bpf/ring/drain.ts";
import { committedOn } from "../../../bpf/ring/memory_order.ts";
import {
  aarch64,
  type Access,
  explore,
  fence,
  type Keeps,
  load,
  store,
  x86,
} from "./_memory_model.ts";

const OLD = 16;
const BUSY = 16 | 1 << 31;
const NEW = 24;

/**
 * `__bpf_ringbuf_reserve` and `bpf_ringbuf_commit`, and the program between the
 * two. There is an old record where the new one comes to lie, a lap before.
 */
const producer: Access[] = [
  store("header", BUSY),
  store("position", 1, "ordered"),
  store("record", 1),
  store("header", NEW, "full"),
];
const initial = { header: OLD };

/**
 * Lists what our own code reads of one record, in its order: the code runs on
 * an array that writes down what is read of it.
 */
function consumerOn(arch: string, barrier?: () => void): Access[] {
  const accesses: Access[] = [load("position", "ordered")];
  const data = new Proxy({} as Record<number, number>, {
    get(_, index) {
      accesses.push(load(index === "0" ? "header" : "record"));
      return index === "0" ? NEW : 1;
    },
  });
  const consumed = new Int32Array(2);
  const committed = committedOn(
    arch,
    barrier ?? (() => accesses.push(fence)),
  );
  const budget = committed(data, 4095, 0, 32, 32);
  const drain = drainOf({
    data,
    mask: 4095,
    record: {},
    move: () => {},
    minimum: 24,
    consumed,
  });
  assertEquals(drain(0, 32, budget, 1, () => data[2]), 1);
  return accesses;
}

interface Found {
  /** Executions in which a record was taken for committed. */
  read: number;
  /** Of them, those in which its bytes were not there yet. */
  torn: number;
  /** Of them, those that took the header of a lap before for the new one. */
  stale: number;
}

function tryAll(consumer: Access[], keeps: Keeps): Found {
  const found = { read: 0, torn: 0, stale: 0 };
  const loads = consumer.filter(({ kind }) => kind === "load");
  explore([producer, consumer], keeps, initial, (_, seen) => {
    const of = (place: string) =>
      seen.filter((_, index) => loads[index]!.place === place);
    const headers = of("header");
    if (of("position")[0] !== 1 || headers.some((header) => header < 0)) return;
    found.read++;
    if (headers.some((header) => header !== NEW)) found.stale++;
    else if (of("record").some((value) => value !== 1)) found.torn++;
  });
  assert(found.read > 0, "No record was ever read, which shows nothing");
  return found;
}

Deno.test("The reads of a ring buffer are those that the model is of", () => {
  assertEquals(consumerOn("x86_64"), [
    load("position", "ordered"),
    load("header"),
    load("record"),
  ]);
  assertEquals(consumerOn("aarch64"), [
    load("position", "ordered"),
    load("header"),
    fence,
    load("header"),
    load("record"),
  ]);
});

Deno.test("No record is torn on x86-64, in any order that it allows", () => {
  const { torn, stale } = tryAll(consumerOn("x86_64"), x86);
  assertEquals({ torn, stale }, { torn: 0, stale: 0 });
});

Deno.test("No record is torn on aarch64, in any order that it allows", () => {
  const { torn, stale } = tryAll(consumerOn("aarch64"), aarch64);
  assertEquals({ torn, stale }, { torn: 0, stale: 0 });
});

Deno.test("Without the fence records would be torn on aarch64", () => {
  const unfenced = consumerOn("aarch64", () => {});
  assertEquals(unfenced.includes(fence), false);
  assert(tryAll(unfenced, aarch64).torn > 0);
  assert(tryAll(consumerOn("x86_64"), aarch64).torn > 0);
});

Deno.test("Were the position read plainly, old headers would be read on aarch64", () => {
  const [, ...rest] = consumerOn("aarch64");
  assert(tryAll([load("position"), ...rest], aarch64).stale > 0);
});

/**
 * Before it sleeps the consumer publishes its position, and looks once more. The
 * producer commits, and wakes who has consumed all before.
 */
function lostWakeUps(publishing: Access[], keeps: Keeps): number {
  const commit = [store("header", NEW, "full"), load("consumer")];
  let lost = 0;
  explore([commit, publishing], keeps, { header: BUSY }, (first, second) => {
    const sleeps = second.at(-1)! < 0;
    const wakes = first[0] === 1;
    if (sleeps && !wakes) lost++;
  });
  return lost;
}

Deno.test("No wake-up is lost, in any order that either processor allows", () => {
  // Atomics.store is an exchange on x86-64, and STLR on aarch64, which plain
  // loads may overtake; but not Atomics.load, which no later load overtakes.
  const look = [load("position", "ordered"), load("header")];
  assertEquals(lostWakeUps([store("consumer", 1, "full"), ...look], x86), 0);
  const release = store("consumer", 1, "ordered");
  assertEquals(lostWakeUps([release, ...look], aarch64), 0);
  assert(lostWakeUps([release, load("header")], aarch64) > 0);
  assert(lostWakeUps([store("consumer", 1), ...look], x86) > 0);
});

Deno.test("Headers that are no records do not lead the scan astray", () => {
  const scan = committedOn("aarch64");
  const words = new Int32Array(64);
  // Three records of 8 bytes, then a busy one.
  for (let i = 0; i < 3; i++) words[i * 4] = 8;
  words[12] = BUSY;
  assertEquals(scan(words, 127, 0, 64, 64), 48);
  assertEquals(scan(words, 127, 0, 64, 1), 16);
  // One that claims more than there is: whoever reads it is to find out.
  words[8] = 1 << 20;
  assertEquals(scan(words, 127, 0, 64, 64) >= 64, true);
  // Memory that was closed.
  assertEquals(scan(new Int32Array(0), 127, 0, 64, 64), 0);
});
