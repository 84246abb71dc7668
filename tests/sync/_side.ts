/**
 * A process that has one side of a ring in memory that it is told of, and goes on
 * until it is killed: `_side.ts <file> produce|consume messages|lines <number>`.
 *
 * @module
 */

import { Memory } from "../../mod.ts";
import {
  ByteRingConsumer,
  ByteRingProducer,
  RingConsumer,
  RingProducer,
} from "../../sync/mod.ts";
import {
  fillLine,
  fillMessage,
  lineLength,
  numberOf,
  numberOfLine,
} from "./_messages.ts";
import { Shared } from "./_types.ts";

const [path, ...what] = Deno.args;
using memory = Memory.open(path!);
const { messages, lines } = memory.pointer(Shared);

function requireNext(number: number, expected: number): void {
  if (number === expected) return;
  console.error(`${expected} is lost or torn`);
  Deno.exit(1);
}

/** Waits for what comes, also from the next producer after one that has closed. */
async function more(
  consumer: { ready(): Promise<boolean> },
): Promise<void> {
  while (!await consumer.ready()) await new Promise((go) => setTimeout(go, 1));
}

async function produceMessages(): Promise<void> {
  // A message's number is the index of its slot.
  let next = messages.head.load();
  using producer = RingProducer.open(messages);
  while (true) {
    await producer.ready();
    producer.produce((message) => fillMessage(message, BigInt(next++)), {
      limit: 64,
    });
  }
}

async function consumeMessages(): Promise<void> {
  let next = messages.tail.load();
  using consumer = RingConsumer.open(messages);
  while (true) {
    await more(consumer);
    consumer.consume((message) => requireNext(numberOf(message), next++));
  }
}

async function produceLines(number: number): Promise<void> {
  using producer = ByteRingProducer.open(lines);
  for (let next = number;; next++) {
    const length = lineLength(next);
    let line: Uint8Array | undefined;
    while ((line = producer.reserve(length)) === undefined) {
      producer.submit();
      await producer.ready(length);
    }
    fillLine(line, next);
    if (next % 7 === 0) producer.submit();
  }
}

async function consumeLines(): Promise<void> {
  let next: number | undefined;
  using consumer = ByteRingConsumer.open(lines);
  while (true) {
    await more(consumer);
    consumer.consume((line) => {
      const number = numberOfLine(line);
      requireNext(number, next ?? number);
      next = number + 1;
    });
  }
}

switch (`${what[0]} ${what[1]}`) {
  case "produce messages":
    await produceMessages();
    break;
  case "consume messages":
    await consumeMessages();
    break;
  case "produce lines":
    await produceLines(Number(what[2]));
    break;
  case "consume lines":
    await consumeLines();
}
