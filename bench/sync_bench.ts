/**
 * A ring of 64-byte messages beside the same ring in C on both sides: in one
 * thread, where nothing but the work counts; then between two processes, beside a
 * pipe and a Unix socket that are read in large pieces, and `postMessage` from a
 * Worker.
 *
 * @module
 */

import type { Pointer, View } from "../layout/mod.ts";
import { Memory } from "../memory/mod.ts";
import {
  ByteRingConsumer,
  ByteRingProducer,
  RingConsumer,
  RingProducer,
} from "../sync/mod.ts";
import { TemporaryDirectory } from "../tests/_support.ts";
import { measure } from "./_measure.ts";
import {
  compilePeer,
  type Flat,
  Flats,
  Lines,
  median,
  quick,
  Quotes,
  row,
} from "./_sync.ts";

const BATCH = 1024;

using directory = new TemporaryDirectory();
const { library, start } = await compilePeer(directory);
const peer = Deno.dlopen(library, {
  peer_open_producer: { parameters: ["buffer", "i32"], result: "i32" },
  peer_open_consumer: { parameters: ["buffer", "i32"], result: "i32" },
  peer_produce: { parameters: ["i32", "u32"], result: "void" },
  peer_consume: { parameters: ["i32", "u32"], result: "f64" },
}).symbols;

function fillFlat(quote: Pointer<typeof Flat>, id: number): void {
  quote.id = id;
  quote.flags = 1;
  quote.price = id;
  quote.size0 = 0;
  quote.size1 = 1;
  quote.size2 = 2;
  quote.size3 = 3;
  quote.size4 = 4;
  quote.size5 = 5;
}

/**
 * The same for pointers of `reserve`, which are of another class than the one that
 * `produce` moves: with both, the engine would not inline all of it.
 */
function fillReserved(quote: Pointer<typeof Flat>, id: number): void {
  quote.id = id;
  quote.flags = 1;
  quote.price = id;
  quote.size0 = 0;
  quote.size1 = 1;
  quote.size2 = 2;
  quote.size3 = 3;
  quote.size4 = 4;
  quote.size5 = 5;
}

/** A ring, and which of its ends are written in C. */
function ends(
  index: number,
  ourProducer: boolean,
  ourConsumer: boolean,
  reserves = false,
) {
  const memory = Memory.create(Flats.size);
  const ring = memory.pointer(Flats);
  const bytes = new Uint8Array(memory.webAssembly.buffer);
  const producer = ourProducer ? RingProducer.open(ring) : undefined;
  const consumer = ourConsumer ? RingConsumer.open(ring) : undefined;
  if (!ourProducer) peer.peer_open_producer(bytes, index);
  if (!ourConsumer) peer.peer_open_consumer(bytes, index);
  let sum = 0;
  const add = (quote: View<typeof Flat>) => {
    sum += quote.id + quote.price + quote.size5;
  };
  let id = 0;
  const fill = (quote: Pointer<typeof Flat>) => fillFlat(quote, id++);
  return (): number => {
    if (producer === undefined) peer.peer_produce(index, BATCH);
    else if (reserves) {
      for (let i = 0; i < BATCH; i++) fillReserved(producer.reserve()!, i);
      producer.submit();
    } else {
      id = 0;
      producer.produce(fill, BATCH);
    }
    if (consumer === undefined) return peer.peer_consume(index, BATCH);
    sum = 0;
    consumer.consume(add);
    return sum;
  };
}

measure({
  name: "64 bytes through a ring, one thread",
  operations: BATCH,
  kernels: {
    "C to C": ends(0, false, false),
    "C to Deno": ends(1, false, true),
    "Deno to C": ends(1, true, false),
    "Deno to Deno": ends(3, true, true),
    "reserve(), to C": ends(2, true, false, true),
  },
});

const COUNT = quick ? 100_000 : 2_000_000;
const ROUNDS = quick ? 1 : 7;

/** Nanoseconds for each message, from when the first is there. */
type Way = () => Promise<number>;

function perMessage(since: number): number {
  return (performance.now() - since) * 1e6 / COUNT;
}

async function cToC(): Promise<number> {
  using memory = Memory.create(Quotes.size);
  const consumer = start(memory, "consume");
  const { consumer: owner, head } = memory.pointer(Quotes);
  while (owner.load() === 0n) await new Promise((go) => setTimeout(go, 1));
  const producer = start(memory, "produce", `${COUNT}`);
  while (head.load() === 0) await new Promise((go) => setTimeout(go, 0));
  const since = performance.now();
  await Promise.all([producer.output(), consumer.output()]);
  return perMessage(since);
}

async function cToDeno(): Promise<number> {
  using memory = Memory.create(Flats.size);
  using consumer = RingConsumer.open(memory.pointer(Flats));
  const producer = start(memory, "produce", `${COUNT}`);
  await consumer.ready();
  const since = performance.now();
  let sum = 0;
  while (await consumer.ready()) {
    consumer.consume((quote) => {
      sum += quote.id + quote.price + quote.size5;
    });
  }
  const each = perMessage(since);
  await producer.output();
  return each;
}

async function denoToC(): Promise<number> {
  using memory = Memory.create(Flats.size);
  const ring = memory.pointer(Flats);
  const producer = RingProducer.open(ring);
  const consumer = start(memory, "consume");
  while (ring.consumer.load() === 0n) {
    await new Promise((go) => setTimeout(go, 1));
  }
  const since = performance.now();
  let id = 0;
  while (id < COUNT) {
    await producer.ready();
    producer.produce((quote) => fillFlat(quote, id++), COUNT - id);
  }
  producer.close();
  await consumer.output();
  return perMessage(since);
}

async function messagesCToC(): Promise<number> {
  using memory = Memory.create(Lines.size);
  const consumer = start(memory, "messages");
  const { consumer: owner, head } = memory.pointer(Lines);
  while (owner.load() === 0n) await new Promise((go) => setTimeout(go, 1));
  const producer = start(memory, "lines", `${COUNT}`);
  while (head.load() === 0) await new Promise((go) => setTimeout(go, 0));
  const since = performance.now();
  await Promise.all([producer.output(), consumer.output()]);
  return perMessage(since);
}

async function messagesCToDeno(): Promise<number> {
  using memory = Memory.create(Lines.size);
  using consumer = ByteRingConsumer.open(memory.pointer(Lines));
  const producer = start(memory, "lines", `${COUNT}`);
  await consumer.ready();
  const since = performance.now();
  let sum = 0;
  while (await consumer.ready()) {
    consumer.consume((message) => sum += message[0]! + message.length);
  }
  const each = perMessage(since);
  await producer.output();
  return each;
}

async function messagesDenoToC(): Promise<number> {
  using memory = Memory.create(Lines.size);
  const ring = memory.pointer(Lines);
  const producer = ByteRingProducer.open(ring);
  const consumer = start(memory, "messages");
  while (ring.consumer.load() === 0n) {
    await new Promise((go) => setTimeout(go, 1));
  }
  const bytes = new Uint8Array(64);
  const since = performance.now();
  for (let id = 0; id < COUNT; id++) {
    let message: Uint8Array | undefined;
    while ((message = producer.reserve(64)) === undefined) {
      producer.submit();
      await producer.ready(64);
    }
    bytes[0] = id;
    message.set(bytes);
    if (id % 64 === 63) producer.submit();
  }
  producer.submit();
  producer.close();
  await consumer.output();
  return perMessage(since);
}

/** Reads what comes in pieces of 64 KiB, and looks at none of it. */
async function drain(readable: ReadableStream<Uint8Array>): Promise<number> {
  const reader = readable.getReader();
  let bytes = (await reader.read()).value!.length;
  const since = performance.now();
  while (true) {
    const { value, done } = await reader.read();
    if (done) break;
    bytes += value.length;
  }
  return bytes < COUNT * 64 ? NaN : perMessage(since);
}

async function pipe(): Promise<number> {
  const child = start(undefined, "write", `${COUNT}`);
  const each = await drain(child.stdout);
  await child.status;
  return each;
}

async function socket(): Promise<number> {
  const path = directory.join("socket");
  using listener = Deno.listen({ transport: "unix", path });
  const child = start(undefined, "socket", `${COUNT}`, path);
  using connection = await listener.accept();
  let bytes = 0;
  const piece = new Uint8Array(65536);
  const since = performance.now();
  for (let count; (count = await connection.read(piece)) !== null;) {
    bytes += count;
  }
  const each = perMessage(since);
  await child.output();
  Deno.removeSync(path);
  return bytes < COUNT * 64 ? NaN : each;
}

async function postMessages(): Promise<number> {
  const few = COUNT / 20;
  const code = `onmessage = () => {
    for (let i = 0; i < ${few}; i++) postMessage({ id: i, flags: 1, price: i,
      sizes: [0, 1, 2, 3, 4, 5] });
  };`;
  const url = `data:application/javascript,${encodeURIComponent(code)}`;
  const worker = new Worker(url, { type: "module" });
  let since = 0;
  let left = few;
  await new Promise<void>((resolve) => {
    worker.onmessage = () => {
      if (since === 0) since = performance.now();
      if (--left === 0) resolve();
    };
    worker.postMessage(0);
  });
  const each = (performance.now() - since) * 1e6 / few;
  worker.terminate();
  return each;
}

const ways: Readonly<Record<string, Way>> = {
  "C to C": cToC,
  "C to Deno": cToDeno,
  "Deno to C": denoToC,
  "ByteRing, C to C": messagesCToC,
  "ByteRing, C to Deno": messagesCToDeno,
  "ByteRing, Deno to C": messagesDenoToC,
  "a pipe from C, bytes only": pipe,
  "a socket from C, bytes only": socket,
  "postMessage": postMessages,
};
const times: Record<string, number[]> = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, way] of Object.entries(ways)) {
    (times[name] ??= []).push(await way());
  }
}
for (const [name, values] of Object.entries(times)) {
  const ratio = median(values.map((value, i) => value / times["C to C"]![i]!));
  const hasBar = name === "C to Deno" || name === "Deno to C";
  row("64 bytes, one process to another", name, values, ratio, {
    bar: hasBar ? 1.5 : undefined,
  });
}
