/**
 * The time that a message of 64 bytes takes to another process and back:
 * through two rings, by waiting and by polling, with C on both sides and with
 * Deno on one; beside a Unix socket, and `postMessage` to a Worker. The median
 * of the round trips, and the time that 99 of 100 stay below.
 *
 * Polling takes a processor; where there are fewer than two at rest the figures
 * tell of the scheduler.
 *
 * @module
 */

import { Memory } from "../memory/mod.ts";
import { RingConsumer, RingProducer } from "../sync/mod.ts";
import { TemporaryDirectory } from "../tests/_support.ts";
import { compilePeer, Flats, median, quick, row, startPeer } from "./_sync.ts";

const TRIPS = quick ? 200 : 20_000;
const ROUNDS = quick ? 1 : 5;

using directory = new TemporaryDirectory();
const { program } = await compilePeer(directory);

/** The times of all trips of a round, in nanoseconds, in rising order. */
type Way = () => Promise<Float64Array>;

/** Times each trip. */
async function time(trip: (i: number) => Promise<void>): Promise<Float64Array> {
  const times = new Float64Array(TRIPS);
  for (let i = 0; i < TRIPS; i++) {
    const since = performance.now();
    await trip(i);
    times[i] = (performance.now() - since) * 1e6;
  }
  return times.sort();
}

/** The ring that a message goes through, and that by which it comes back. */
function rings(memory: Memory) {
  return [
    memory.pointer(Flats),
    memory.pointer(Flats, Flats.size),
  ] as const;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((go) => setTimeout(go, 1));
}

async function inC(how: "wait" | "poll"): Promise<Float64Array> {
  using memory = Memory.create(2 * Flats.size);
  const [there] = rings(memory);
  const echo = startPeer(program, memory, "echo", "0", how);
  await until(() => there.consumer.load() !== 0n);
  const { stdout } = await startPeer(program, memory, "round", `${TRIPS}`, how)
    .output();
  await echo.output();
  return new Float64Array(stdout.buffer as ArrayBuffer, 0, TRIPS).sort();
}

async function inDeno(how: "wait" | "poll"): Promise<Float64Array> {
  using memory = Memory.create(2 * Flats.size);
  const [there, back] = rings(memory);
  const echo = startPeer(program, memory, "echo", "0", how);
  await until(() => back.producer.load() !== 0n);
  const producer = RingProducer.open(there);
  using consumer = RingConsumer.open(back);
  let id = 0;
  const send = () => producer.produce((quote) => quote.id = id, { limit: 1 });
  const receive = () => {
    consumer.consume((quote) => {
      if (quote.id !== id) throw new Error(`${quote.id} came for ${id}`);
    });
  };
  const times = how === "wait"
    ? await time(async (i) => {
      id = i;
      send();
      await consumer.ready();
      receive();
    })
    : polled((i) => {
      id = i;
      send();
      while (consumer.available === 0);
      receive();
    });
  producer.close();
  await echo.output();
  return times;
}

function polled(trip: (i: number) => void): Float64Array {
  const times = new Float64Array(TRIPS);
  for (let i = 0; i < TRIPS; i++) {
    const since = performance.now();
    trip(i);
    times[i] = (performance.now() - since) * 1e6;
  }
  return times.sort();
}

async function socket(): Promise<Float64Array> {
  const path = directory.join("socket");
  using listener = Deno.listen({ transport: "unix", path });
  const echo = startPeer(program, undefined, "unix", "0", path);
  using connection = await listener.accept();
  const message = new Uint8Array(64);
  const times = await time(async () => {
    await connection.write(message);
    for (let got = 0; got < 64;) got += (await connection.read(message))!;
  });
  connection.close();
  await echo.output();
  Deno.removeSync(path);
  return times;
}

async function postMessages(): Promise<Float64Array> {
  const code = "onmessage = ({ data }) => postMessage(data);";
  const url = `data:application/javascript,${encodeURIComponent(code)}`;
  const worker = new Worker(url, { type: "module" });
  const times = await time((id) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.onmessage = () => resolve();
    worker.postMessage({ id, flags: 1, price: id, sizes: [0, 1, 2, 3, 4, 5] });
    return promise;
  });
  worker.terminate();
  return times;
}

const ways: Readonly<Record<string, Way>> = {
  "C and C, waiting": () => inC("wait"),
  "Deno and C, waiting": () => inDeno("wait"),
  "C and C, polling": () => inC("poll"),
  "Deno and C, polling": () => inDeno("poll"),
  "a socket, Deno and C": socket,
  "postMessage": postMessages,
};
const trips: Record<string, Float64Array[]> = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, way] of Object.entries(ways)) {
    (trips[name] ??= []).push(await way());
  }
}
for (const [title, share] of [["median", 0.5], ["99 of 100", 0.99]] as const) {
  const at = (times: Float64Array) => times[Math.floor(times.length * share)]!;
  const base = trips["C and C, waiting"]!.map(at);
  for (const [name, rounds] of Object.entries(trips)) {
    const values = rounds.map(at);
    const ratio = median(values.map((value, i) => value / base[i]!));
    row(`64 bytes there and back, ${title}`, name, values, ratio);
  }
}
