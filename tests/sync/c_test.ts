import { assert, assertEquals } from "@std/assert";
import {
  f64,
  HostLayout,
  Memory,
  sizeOf,
  snapshot,
  struct,
} from "../../mod.ts";
import {
  ByteRingConsumer,
  ByteRingProducer,
  cHeader,
  LatestReader,
  LatestWriter,
  type Peer,
  RingConsumer,
  RingProducer,
  SeqlockReader,
  SeqlockWriter,
  SpscRing,
} from "../../sync/mod.ts";
import { sized } from "../_fire.ts";
import { command, compilerOfC, testWith } from "../_needs.ts";
import {
  compileC,
  eventually,
  kill,
  Random,
  repository,
  TemporaryDirectory,
} from "../_support.ts";
import {
  fillLine,
  fillMessage,
  lineLength,
  numberOf,
  numberOfLine,
} from "./_messages.ts";
import { anyCompiler, compilers, outputOfPeer, Peers } from "./_peer.ts";

const COUNT = sized(30_000, 20_000_000);
const LINES = sized(10_000, 2_000_000);
const FRAMES = sized(10_000, 2_000_000);
const VERSIONS = sized(20, 1000);
const EAGAIN = 11;
const EBADMSG = 74;
const EOWNERDEAD = 130;
const KILLS = sized(8, 200);

/** Consumes until the producer has closed; the number that comes next. */
async function consumeAll(
  consumer: RingConsumer<typeof import("./_types.ts").Message>,
): Promise<number> {
  let next = 0;
  while (await consumer.ready()) {
    consumer.consume((message) => {
      if (numberOf(message) !== next) {
        throw new Error(`Number ${next} is lost or torn`);
      }
      next = (next + 1) >>> 0;
    });
  }
  return next;
}

/** Fills the slots that there is room for, and submits them. */
function fill(
  producer: RingProducer<typeof import("./_types.ts").Message>,
  from: number,
  count: number,
): number {
  for (let i = 0; i < count; i++) {
    const message = producer.reserve();
    if (message === undefined) {
      count = i;
      break;
    }
    fillMessage(message, BigInt(from + i));
  }
  producer.submit();
  return count;
}

/** Waits until another has taken the side of one that is absent or died. */
async function tookOver(end: { readonly peer: Peer }): Promise<void> {
  while (end.peer !== "alive") await new Promise((go) => setTimeout(go, 1));
}

testWith(compilerOfC)(
  "Messages come from C whole and in sequence, though it takes no cache lines ahead",
  async () => {
    using peers = await Peers.compile(anyCompiler, "-DHOSTMEM_PIECE=0");
    using consumer = RingConsumer.open(peers.shared.messages);
    const child = peers.start("produce", "20000");
    assertEquals(await consumeAll(consumer), 20_000);
    await outputOfPeer(child);
  },
);

testWith(compilerOfC)(
  "A wait in C for room that this side has reserved itself ends by EDEADLK",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const EDEADLK = 35;
    assertEquals(
      await outputOfPeer(peers.start("all")),
      `${EDEADLK} ${EDEADLK}\n`,
    );
  },
);

testWith(compilerOfC)(
  "The producer in C of docs/sharing.md compiles, and its quotes come",
  async () => {
    const Quote = struct("Quote", { _: HostLayout, price: f64 });
    const Quotes = SpscRing(Quote, 1024);
    using directory = new TemporaryDirectory();
    const page = await Deno.readTextFile(`${repository}/docs/sharing.md`);
    const [, source] = /```c\n(.*?)```/s.exec(page)!;
    const name = `/hostmem-${Deno.pid}`;
    await Deno.writeTextFile(directory.join("quotes.h"), cHeader({ Quotes }));
    const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-lrt"];
    const program = await compileC(
      source!.replace("/quotes", name),
      directory,
      ["-I", directory.path, ...flags],
    );
    const path = `/dev/shm${name}`;
    const child = new Deno.Command(program).spawn();
    try {
      await eventually(() => {
        try {
          return Deno.statSync(path).size === sizeOf(Quotes);
        } catch {
          return false;
        }
      });
      using memory = Memory.open(path, { allowTruncatable: true });
      using consumer = RingConsumer.open(memory.pointer(Quotes));
      let count = 0;
      for await (const { price } of consumer) {
        assert(price === count++, `${price} came as number ${count}`);
      }
      assertEquals(count, 1_000_000);
      assertEquals((await child.status).code, 0);
    } finally {
      kill(child);
      Deno.removeSync(path);
    }
  },
);

for (const compiler of compilers) {
  testWith(command(compiler))(
    `Messages from C (${compiler}) come whole and in sequence`,
    async () => {
      using peers = await Peers.compile(compiler);
      using consumer = RingConsumer.open(peers.shared.messages);
      const child = peers.start("produce", `${COUNT}`);
      assertEquals(await consumeAll(consumer), COUNT);
      await outputOfPeer(child);
      assertEquals(consumer.peer, "absent");
    },
  );

  testWith(command(compiler))(
    `Messages go to C (${compiler}) whole and in sequence`,
    async () => {
      using peers = await Peers.compile(compiler);
      const child = peers.start("consume");
      const producer = RingProducer.open(peers.shared.messages);
      for (let sent = 0; sent < COUNT;) {
        await producer.ready();
        sent += fill(producer, sent, Math.min(64, COUNT - sent));
      }
      producer.close();
      assertEquals(await outputOfPeer(child), `${COUNT}\n`);
    },
  );

  testWith(command(compiler))(
    `Messages of any length go to C (${compiler}) and back whole and in sequence`,
    async () => {
      using peers = await Peers.compile(compiler);
      const { lines } = peers.shared;
      using consumer = ByteRingConsumer.open(lines);
      const sending = peers.start("lines to Deno", `${LINES}`);
      let next = 0;
      while (await consumer.ready()) {
        consumer.consume((line) => {
          const number = numberOfLine(line);
          if (number !== next) throw new Error(`${next} is lost or torn`);
          next++;
        });
      }
      assertEquals(await outputOfPeer(sending), `${next}\n`);
      consumer.close();

      // First, for the one before has closed its side: C would come to the end.
      const producer = ByteRingProducer.open(lines);
      const receiving = peers.start("messages from Deno", "0");
      for (let number = 0; number < LINES; number++) {
        const length = lineLength(number);
        let line: Uint8Array | undefined;
        while ((line = producer.reserve(length)) === undefined) {
          producer.submit();
          await producer.ready(length);
        }
        fillLine(line, number);
        if (number % 16 === 15) producer.submit();
      }
      producer.submit();
      producer.close();
      assertEquals(await outputOfPeer(receiving), `${LINES}\n`);
    },
  );

  testWith(command(compiler))(
    `The newest goes to C (${compiler}) and back whole, and none after a newer one`,
    async () => {
      using peers = await Peers.compile(compiler);
      const { frames } = peers.shared;
      using reader = LatestReader.open(frames);
      const writing = peers.start("frames", `${FRAMES}`);
      let last = 0;
      while (await reader.ready()) {
        const number = numberOf(reader.read()!);
        assert(number > last, `${number} after ${last}`);
        last = number;
      }
      assertEquals(last, FRAMES);
      await outputOfPeer(writing);
      reader.close();

      const writer = LatestWriter.open(frames);
      writer.draft.number = 0n;
      const reading = peers.start("get frames");
      await tookOver(writer);
      for (let number = 1; number <= FRAMES; number++) {
        fillMessage(writer.draft, BigInt(number));
        writer.submit();
      }
      writer.close();
      assertEquals(await outputOfPeer(reading), `${FRAMES}\n`);

      frames.state.store(1);
      const { code } = await peers.start("get frames").output();
      assertEquals(code, EBADMSG);
    },
  );

  testWith(command(compiler))(
    `A seqlock that C (${compiler}) writes is never read in part, as it is without, nor the other way round`,
    async () => {
      using peers = await Peers.compile(compiler);
      const { sample } = peers.shared;
      const reads = sized(5_000, 1_000_000);
      const child = peers.start("write", "0");
      const reader = SeqlockReader.open(sample);
      while (reader.version === 0) await new Promise((go) => setTimeout(go, 1));
      const versions = new Set<number>();
      // However the writer is scheduled: until it has written meanwhile. At full
      // speed few of its values are there for long enough to be read whole.
      for (let i = 0; i < reads || versions.size < VERSIONS; i++) {
        const number = numberOf(reader.read());
        assert(number >= 0, "It is mixed");
        if (versions.size < VERSIONS) versions.add(number);
      }
      // Beside the same writer, without the seqlock: it is what keeps them whole.
      let mixed = 0;
      for (let i = 0; i < reads || mixed === 0; i++) {
        if (numberOf(snapshot(sample.value)) < 0) mixed++;
      }
      child.kill("SIGKILL");
      await child.output();

      using writer = SeqlockWriter.open(sample);
      const write = (number: bigint) =>
        writer.write((draft) => fillMessage(draft, number));
      write(1n);
      const other = peers.start("read", `${reads}`);
      let ended = false;
      const output = outputOfPeer(other).finally(() => ended = true);
      for (let number = 2n; !ended;) {
        for (let i = 0; i < 1000; i++) write(number++);
        await new Promise((go) => setTimeout(go, 0));
      }
      assert(Number(await output) >= 100);
    },
  );
}

testWith(compilerOfC)(
  "A producer killed at any point leaves a ring that the next one goes on with",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const random = new Random();
    using consumer = RingConsumer.open(peers.shared.messages);
    let next = 0;
    const check = () =>
      consumer.consume((message) => {
        assertEquals(numberOf(message), next);
        next++;
      });
    for (let kill = 0; kill < KILLS; kill++) {
      const child = peers.start("produce", "0");
      await tookOver(consumer);
      const until = next + random.int(20_000);
      while (next <= until) {
        await consumer.ready();
        check();
      }
      child.kill("SIGKILL");
      await child.output();
      assertEquals(consumer.peer, "dead");
      check();
    }
    using producer = RingProducer.open(peers.shared.messages);
    assertEquals(fill(producer, next, 10), 10);
    assertEquals(check(), 10);
  },
);

testWith(compilerOfC)(
  "A consumer killed at any point leaves a ring that the next one goes on with",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const random = new Random();
    const producer = RingProducer.open(peers.shared.messages);
    let sent = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = peers.start("consume");
      await tookOver(producer);
      const until = sent + 1024 + random.int(20_000);
      while (sent < until) {
        await producer.ready();
        sent += fill(producer, sent, 64);
      }
      child.kill("SIGKILL");
      await child.output();
      assertEquals(producer.peer, "dead");
    }
    producer.close();
    // What was consumed and not given back comes once more; nothing is lost.
    const { messages } = peers.shared;
    const left = messages.head.load() - messages.tail.load();
    const output = await outputOfPeer(peers.start("consume"));
    assertEquals(output, `${left}\n`);
  },
);

testWith(compilerOfC)(
  "A seqlock's writer killed at any point is noticed, or leaves a whole value",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const random = new Random();
    const { sample } = peers.shared;
    const reader = SeqlockReader.open(sample);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = reader.version;
      const child = peers.start("write", "0");
      while (reader.version - before < random.int(5000) + 1) {
        await new Promise((go) => setTimeout(go, 1));
      }
      child.kill("SIGKILL");
      await child.output();
      assertEquals(reader.peer, "dead");
      if ((sample.sequence.load() & 1) === 0) {
        assert(numberOf(reader.read()) >= 0, "It is mixed");
      }
    }
  },
);

testWith(compilerOfC)(
  "C tries to read a seqlock without waiting for a living writer in its store",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const { sample } = peers.shared;
    const tried = () => outputOfPeer(peers.start("try"));
    const writer = SeqlockWriter.open(sample);
    assertEquals(await tried(), "0\n");
    sample.sequence.add(1); // as it is in the middle of a store
    assertEquals(await tried(), `${-EAGAIN}\n`);
    writer.close();
    assertEquals(await tried(), `${-EOWNERDEAD}\n`);
  },
);

testWith(compilerOfC)(
  "C, too, leaves a side that was taken over to the one who has it",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const { messages, lines, frames, sample } = peers.shared;
    const child = peers.start("keep");
    await eventually(() => sample.writer.load() !== 0n);
    const takeOver = { takeOver: true };
    using _producer = RingProducer.open(messages, takeOver);
    using _lineProducer = ByteRingProducer.open(lines, takeOver);
    using _frameWriter = LatestWriter.open(frames, takeOver);
    // The last: C closes all of its sides then.
    using _writer = SeqlockWriter.open(sample, takeOver);
    await outputOfPeer(child);
    const self = sample.writer.load();
    assert(self !== 0n);
    for (
      const { ended, owner } of [
        { ended: messages.ended, owner: messages.producer },
        { ended: lines.ended, owner: lines.producer },
        { ended: frames.ended, owner: frames.writer },
      ]
    ) assertEquals([ended.load(), owner.load()], [0, self]);
  },
);

testWith(compilerOfC)(
  "C refuses indices and lengths that cannot be, too",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const { lines, messages } = peers.shared;
    const words = new Uint32Array(lines.bytes.buffer, lines.bytes.byteOffset);
    const [message, rest] = [65536 / 2 - 8 + 1, 2 ** 32 - 1];
    for (
      const [tail, available, length, what] of [
        [0, 16, message, "consume"],
        [0, 16, 9, "consume"],
        [0, 65536, rest, "consume"],
        // Beyond what was submitted, and beyond the end of the ring.
        [65472, 16, rest, "consume"],
        [65472, 65536, 57, "consume"],
        [0, 65544, 8, "consume"],
        [0, 4, 0, "consume"],
        [0, 65544, 0, "produce"],
        [0, 4, 0, "produce"],
      ] as const
    ) {
      lines.tail.store(tail);
      lines.head.store(tail + available);
      words[tail / 4] = length;
      const { code } = await peers.start(
        what === "consume" ? "messages" : "lines",
        "0",
      ).output();
      assertEquals(code, EBADMSG, `${what}: ${tail}, ${available}, ${length}`);
    }
    messages.head.store(1025);
    for (const what of ["consume", "produce"]) {
      const { code } = await peers.start(what, "0").output();
      assertEquals(code, EBADMSG, what);
    }
  },
);
