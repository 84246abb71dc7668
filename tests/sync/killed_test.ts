/**
 * Deno's side of a ring, killed while a program in C has the other. `c_test.ts`
 * kills the programs in C.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  ByteRingConsumer,
  ByteRingProducer,
  RingConsumer,
  RingProducer,
} from "../../sync/mod.ts";
import { sized } from "../_fire.ts";
import { compilerOfC, testWith } from "../_needs.ts";
import { eventually, Random, run } from "../_support.ts";
import { fillLine, lineLength, numberOf, numberOfLine } from "./_messages.ts";
import { anyCompiler, outputOfPeer, Peers } from "./_peer.ts";

/** The number of kills of each side: one kind of ring and another in turns. */
const KILLS = sized(2, 30);
const EOWNERDEAD = 130;

type Kind = "messages" | "lines";

/**
 * Has a process of Deno's take a side, starts the one in C that has the other, and
 * kills Deno's once its index has gone on, at some point.
 *
 * @returns The output of the one in C, which has noticed.
 */
async function killOne(
  peers: Peers,
  { kind, role, number, distance }: {
    readonly kind: Kind;
    readonly role: "producer" | "consumer";
    readonly number: number;
    readonly distance: number;
  },
): Promise<string> {
  const ring = peers.shared[kind];
  const owner = ring[role].load();
  const kill = new AbortController();
  const path = `/proc/${Deno.pid}/fd/${peers.memory.fd}`;
  const verb = role === "producer" ? "produce" : "consume";
  let ended = false;
  const side = run(new URL("_side.ts", import.meta.url), {
    args: [path, verb, kind, `${number}`],
    permissions: ["-A"],
    signal: kill.signal,
    timeout: 600_000,
  }).finally(() => ended = true);
  await eventually(() => ended || ring[role].load() !== owner, 60_000);
  const child = peers.start(...programs[role][kind], `${number}`);
  const index = role === "producer" ? ring.head : ring.tail;
  const from = index.load();
  await eventually(
    () => ended || (index.load() - from) >>> 0 >= distance,
    60_000,
  );
  kill.abort();
  const { signal, stderr } = await side;
  assertEquals(signal, "SIGKILL", stderr);
  return await outputAtDeath(child);
}

/** The programs in C that have the other side, see `_peer.c`. */
const programs = {
  producer: { messages: ["consume"], lines: ["messages of any length"] },
  consumer: { messages: ["produce", "0"], lines: ["lines", "0"] },
} as const;

/** Returns the output of C that ended as the other side had died. */
async function outputAtDeath(child: Deno.ChildProcess): Promise<string> {
  const { code, stdout, stderr } = await child.output();
  assertEquals(code, EOWNERDEAD, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Kills one side over and over; the number of the next line. */
async function killMany(
  peers: Peers,
  role: "producer" | "consumer",
): Promise<number> {
  const random = new Random();
  let number = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const kind = kill % 2 === 0 ? "messages" : "lines";
    const distance = 1 + random.int(kind === "lines" ? 3e5 : 2e4);
    const output = await killOne(peers, { kind, role, number, distance });
    if (kind === "lines") number = Number(output);
  }
  return number;
}

testWith(compilerOfC)(
  "A producer of Deno's killed at any point is noticed in C, and the next one goes on",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const { messages, lines } = peers.shared;
    const line = await killMany(peers, "producer");
    RingProducer.open(messages).close();
    await outputOfPeer(peers.start("consume"));
    const next = ByteRingProducer.open(lines);
    fillLine(next.reserve(lineLength(line))!, line);
    next.submit();
    next.close();
    const output = await outputOfPeer(peers.start("messages", `${line}`));
    assertEquals(output, `${line + 1}\n`);
  },
);

testWith(compilerOfC)(
  "A consumer of Deno's killed at any point is noticed in C, and the next one goes on",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const { messages, lines } = peers.shared;
    const line = await killMany(peers, "consumer");
    // What was consumed and not given back comes once more; nothing is lost.
    using consumer = RingConsumer.open(messages);
    let index = messages.tail.load();
    consumer.consume((message) => assertEquals(numberOf(message), index++));
    assertEquals(index, messages.head.load());
    assertEquals(await consumer.ready(), false);
    using rest = ByteRingConsumer.open(lines);
    let last = -1;
    rest.consume((bytes) => {
      const number = numberOfLine(bytes);
      assert(last < 0 || number === last + 1, `${last}, then ${number}`);
      last = number;
    });
    assertEquals(last, line - 1);
    assertEquals(await rest.ready(), false);
  },
);
