/**
 * A ring of 64-byte messages beside the same ring in C on both sides, in one thread,
 * where nothing but the work counts. `sync_processes_bench.ts` has two processes.
 *
 * @module
 */

import type { Pointer, View } from "../layout/mod.ts";
import { Memory } from "../memory/mod.ts";
import { RingConsumer, RingProducer } from "../sync/mod.ts";
import { TemporaryDirectory } from "../tests/_support.ts";
import { measure } from "./_measure.ts";
import { compilePeer, fillFlat, type Flat, Flats } from "./_sync.ts";

const BATCH = 1024;

using directory = new TemporaryDirectory();
const { library } = await compilePeer(directory);
const peer = Deno.dlopen(library, {
  peer_open_producer: { parameters: ["buffer", "i32"], result: "i32" },
  peer_open_consumer: { parameters: ["buffer", "i32"], result: "i32" },
  peer_produce: { parameters: ["i32", "u32"], result: "void" },
  peer_consume: { parameters: ["i32", "u32"], result: "f64" },
}).symbols;

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
      producer.produce(fill, { limit: BATCH });
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
