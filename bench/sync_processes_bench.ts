/**
 * A ring of 64-byte messages between two processes, beside the same ring in C on
 * both sides, a pipe and a Unix socket that are read in large pieces, and
 * `postMessage` from a Worker.
 *
 * Each figure is of a program that does nothing else, as users have it: where many
 * rings were filled by one function, the engine no longer inlines it.
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
import {
  compilePeer,
  fillFlat,
  type Flat,
  Flats,
  Lines,
  median,
  quick,
  Quotes,
  row,
  startPeer,
} from "./_sync.ts";

/** The messages of which no time is taken: the engine compiles what it runs. */
const WARM_UP = quick ? 10_000 : 4_000_000;
const COUNT = WARM_UP + (quick ? 100_000 : 10_000_000);
/** The size of the record of a message in a ring of bytes. */
const RECORD = 72;
const ROUNDS = quick ? 1 : 7;

/** Nanoseconds for each message, once all runs as fast as it will. */
type Way = (program: string) => Promise<number>;

/** Times what comes after the first messages. */
class Stopwatch {
  #since = 0;
  #from = 0;

  /** Takes note of how many messages there were so far. */
  note(count: number): void {
    if (this.#since > 0 || count < WARM_UP) return;
    this.#since = performance.now();
    this.#from = count;
  }

  /** The nanoseconds for each of the others, of which all are there now. */
  stop(): number {
    return (performance.now() - this.#since) * 1e6 / (COUNT - this.#from);
  }
}

async function cToC(program: string): Promise<number> {
  using memory = Memory.create(Quotes.size);
  const consumer = startPeer(program, memory, "consume");
  const { consumer: owner, head } = memory.pointer(Quotes);
  while (owner.load() === 0n) await new Promise((go) => setTimeout(go, 1));
  const producer = startPeer(program, memory, "produce", `${COUNT}`);
  const watch = new Stopwatch();
  while (head.load() < WARM_UP) await new Promise((go) => setTimeout(go, 0));
  watch.note(head.load());
  await Promise.all([producer.output(), consumer.output()]);
  return watch.stop();
}

async function cToDeno(program: string): Promise<number> {
  using memory = Memory.create(Flats.size);
  using consumer = RingConsumer.open(memory.pointer(Flats));
  const producer = startPeer(program, memory, "produce", `${COUNT}`);
  const watch = new Stopwatch();
  let count = 0;
  let sum = 0;
  const add = (quote: View<typeof Flat>) => {
    sum += quote.id + quote.price + quote.size5;
  };
  while (await consumer.ready()) watch.note(count += consumer.consume(add));
  const each = watch.stop();
  await producer.output();
  return each;
}

async function denoToC(program: string): Promise<number> {
  using memory = Memory.create(Flats.size);
  const ring = memory.pointer(Flats);
  const producer = RingProducer.open(ring);
  const consumer = startPeer(program, memory, "consume");
  while (ring.consumer.load() === 0n) {
    await new Promise((go) => setTimeout(go, 1));
  }
  const watch = new Stopwatch();
  let id = 0;
  const fill = (quote: Pointer<typeof Flat>) => fillFlat(quote, id++);
  while (id < COUNT) {
    await producer.ready();
    producer.produce(fill, { limit: COUNT - id });
    watch.note(id);
  }
  producer.close();
  await consumer.output();
  return watch.stop();
}

async function messagesCToC(program: string): Promise<number> {
  using memory = Memory.create(Lines.size);
  const consumer = startPeer(program, memory, "messages");
  const { consumer: owner, head } = memory.pointer(Lines);
  while (owner.load() === 0n) await new Promise((go) => setTimeout(go, 1));
  const producer = startPeer(program, memory, "lines", `${COUNT}`);
  const watch = new Stopwatch();
  const count = () => head.load() / RECORD;
  while (count() < WARM_UP) await new Promise((go) => setTimeout(go, 0));
  watch.note(count());
  await Promise.all([producer.output(), consumer.output()]);
  return watch.stop();
}

async function messagesCToDeno(program: string): Promise<number> {
  using memory = Memory.create(Lines.size);
  using consumer = ByteRingConsumer.open(memory.pointer(Lines));
  const producer = startPeer(program, memory, "lines", `${COUNT}`);
  const watch = new Stopwatch();
  let count = 0;
  let sum = 0;
  const add = (message: Uint8Array) => sum += message[0]! + message.length;
  while (await consumer.ready()) watch.note(count += consumer.consume(add));
  const each = watch.stop();
  await producer.output();
  return each;
}

async function messagesDenoToC(program: string): Promise<number> {
  using memory = Memory.create(Lines.size);
  const ring = memory.pointer(Lines);
  const producer = ByteRingProducer.open(ring);
  const consumer = startPeer(program, memory, "messages");
  while (ring.consumer.load() === 0n) {
    await new Promise((go) => setTimeout(go, 1));
  }
  const bytes = new Uint8Array(64);
  const watch = new Stopwatch();
  for (let id = 0; id < COUNT; id++) {
    let message: Uint8Array | undefined;
    while ((message = producer.reserve(64)) === undefined) {
      producer.submit();
      await producer.ready(64);
    }
    bytes[0] = id;
    message.set(bytes);
    if (id % 64 !== 63) continue;
    producer.submit();
    watch.note(id + 1);
  }
  producer.submit();
  producer.close();
  await consumer.output();
  return watch.stop();
}

/** Reads what comes in pieces of 64 KiB, and looks at none of it. */
async function drain(readable: ReadableStream<Uint8Array>): Promise<number> {
  const reader = readable.getReader();
  const watch = new Stopwatch();
  let bytes = 0;
  while (true) {
    const { value, done } = await reader.read();
    if (done) break;
    watch.note((bytes += value.length) / 64);
  }
  return bytes < COUNT * 64 ? NaN : watch.stop();
}

async function pipe(program: string): Promise<number> {
  const child = startPeer(program, undefined, "write", `${COUNT}`);
  const each = await drain(child.stdout);
  await child.status;
  return each;
}

async function socket(program: string): Promise<number> {
  using directory = new TemporaryDirectory();
  const path = directory.join("socket");
  using listener = Deno.listen({ transport: "unix", path });
  const child = startPeer(program, undefined, "socket", `${COUNT}`, path);
  using connection = await listener.accept();
  const watch = new Stopwatch();
  let bytes = 0;
  const piece = new Uint8Array(65536);
  for (let count; (count = await connection.read(piece)) !== null;) {
    watch.note((bytes += count) / 64);
  }
  const each = watch.stop();
  await child.output();
  return bytes < COUNT * 64 ? NaN : each;
}

async function postMessages(): Promise<number> {
  const few = (COUNT - WARM_UP) / 100;
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
/** Measures one way in a process of its own. */
async function measured(way: string, program: string): Promise<number> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", import.meta.url, way, program],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${way} failed`);
  return Number(new TextDecoder().decode(stdout));
}

async function compare(): Promise<void> {
  using directory = new TemporaryDirectory();
  const { program } = await compilePeer(directory);
  const times: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of Object.keys(ways)) {
      (times[way] ??= []).push(await measured(way, program));
    }
  }
  const baseline = times["C to C"]!;
  for (const [way, values] of Object.entries(times)) {
    const ratio = median(values.map((value, i) => value / baseline[i]!));
    const hasBar = way === "C to Deno" || way === "Deno to C";
    row("64 bytes, one process to another", way, values, ratio, {
      bar: hasBar ? 1.5 : undefined,
    });
  }
}

const [way, program] = Deno.args;
if (way === undefined) await compare();
else console.log(await ways[way]!(program!));
