import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../../bpf/mod.ts";
import { inTurn } from "../../../memory/map/turn.ts";
import { sized } from "../../_fire.ts";
import { run } from "../../_support.ts";
import { arenaMap, arenaTest } from "./_arenas.ts";

/** A program that does something many times, beside a Worker that maps. */
function beside(body: string): string {
  return `
    import { Arena, BpfMap, NotSupportedError, SystemError } from "./bpf/mod.ts";
    import { placeArena, reserveArenaPages } from "./memory/map/map_arena.ts";
    import { pageSize, u64 } from "./mod.ts";
    import { addressSpace, collect, lastingDescriptors, mappings } from "./tests/_support.ts";
    import { arenaMap } from "./tests/bpf/arena/_arenas.ts";
    import { isMapped, mapAnonymous } from "./tests/memory/_kernel.ts";
    const worker = new Worker(
      new URL("./tests/memory/_mapping_worker.ts", import.meta.url),
      { type: "module" },
    );
    const answer = () =>
      new Promise<number>((resolve) => worker.onmessage = ({ data }) => resolve(data));
    await answer();
    const canaries: bigint[] = [];
    const left = () => {
      collect();
      return [mappings("anon_inode:bpf-map").length, lastingDescriptors(), addressSpace()];
    };
    const refusals = new Map<string, number>();
    const note = (what: string) => refusals.set(what, (refusals.get(what) ?? 0) + 1);
    function round(i: number): void {${body}}
    const rounds = Number(Deno.args[0]);
    for (let i = 0; i < rounds / 5; i++) round(i);
    const before = left();
    for (let i = 0; i < rounds; i++) {
      round(i);
      // Where there is a hole this lands in it, and is lost when the engine
      // unmaps what it takes for its own.
      if (i % 10 === 0) canaries.push(mapAnonymous(16 * pageSize()));
    }
    const after = left();
    worker.postMessage("how many");
    const worked = await answer();
    worker.terminate();
    collect();
    const lost = canaries.filter((address) => !isMapped(address)).length;
    // The engine's memory is used, and written, all over.
    const kept: Uint8Array[] = [];
    for (let i = 0; i < 1000; i++) {
      kept.push(new Uint8Array(65536).fill(i));
      kept.push(new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer).fill(i));
    }
    collect();
    const whole = kept.every((bytes, i) => bytes[65535] === (i >> 1) % 256);
    console.log(JSON.stringify({ before, after, worked, lost, whole, refusals: [...refusals] }));
    // At its end the engine unmaps all its pages, what is foreign in them included
    // (docs/safety.md, Arenas).
    Deno.exit();
  `;
}

/** Rounds. A hole in a hundred arenas shows in a hundred rounds. */
const ROUNDS = sized(250, 10_000);
/** Rounds that take sixteen attempts each, where the other thread is faster. */
const AIMED = sized(25, 1000);
const REFUSED = sized(120, 2000);
/** Arenas that each of several threads aims. */
const TOGETHER = sized(12, 100);

interface Outcome {
  before: number[];
  after: number[];
  worked: number;
  lost: number;
  whole: boolean;
  refusals: [string, number][];
}

async function outcomeOf(body: string, rounds: number): Promise<Outcome> {
  const { code, signal, stdout, stderr } = await run(beside(body), {
    permissions: ["-A"],
    v8Flags: ["expose-gc"],
    args: [`${rounds}`],
    timeout: 300_000,
  });
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  const outcome: Outcome = JSON.parse(stdout);
  assertEquals(outcome.after[0], 0, stdout);
  assert(outcome.after[1]! <= outcome.before[1]!, stdout);
  assert(outcome.after[2]! < outcome.before[2]! + 2 ** 28, stdout);
  assert(outcome.worked > 10, stdout);
  assertEquals(outcome.lost, 0);
  assert(outcome.whole);
  return outcome;
}

arenaTest(
  "Arenas are mapped, used and closed beside a Worker that maps all the while",
  async () => {
    const { refusals } = await outcomeOf(
      `
      using map = arenaMap();
      using arena = new Arena(map);
      arena.pointer(u64, arena.size - 8).value = BigInt(i);
      if (arena.at(u64, arena.base + BigInt(arena.size - 8)).value !== BigInt(i)) {
        throw new Error("another value");
      }
    `,
      ROUNDS,
    );
    assertEquals(refusals, []);
  },
);

arenaTest(
  "Refusals of arenas leave nothing beside a Worker that maps all the while",
  async () => {
    await outcomeOf(
      `
      using map = arenaMap();
      using arena = i % 2 ? new Arena(map) : undefined;
      using other = i % 2 ? BpfMap.fromFd(map.fd) : arenaMap({ mapExtra: 1n << 20n });
      try {
        new Arena(other);
      } catch (error) {
        if (error instanceof NotSupportedError) return;
        throw error;
      }
      throw new Error("mapped");
    `,
      ROUNDS,
    );
  },
);

arenaTest(
  "Arenas are mapped where they must lie beside a Worker that maps all the while",
  async () => {
    const { refusals } = await outcomeOf(
      `
      const address = (1n << 44n) + (BigInt(i) << 20n);
      using map = arenaMap({ mapExtra: address });
      using arena = new Arena(map);
      arena.pointer(u64, arena.size - 8).value = BigInt(i);
      if (arena.at(u64, address + BigInt(arena.size - 8)).value !== BigInt(i)) {
        throw new Error("another value");
      }
    `,
      AIMED,
    );
    assertEquals(refusals, []);
  },
);

arenaTest(
  "Several threads map arenas where they must lie, all at once",
  async () => {
    // Each keeps from the others for a moment what they want.
    const { code, signal, stdout, stderr } = await run(
      `
      const answerOf = (worker: Worker) =>
        new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
      const workers = [1n, 2n, 3n, 4n].map(() =>
        new Worker(
          new URL("./tests/bpf/arena/_aiming_worker.ts", import.meta.url),
          { type: "module" },
        )
      );
      await Promise.all(workers.map(answerOf));
      const answers = workers.map(async (worker, i) => {
        worker.postMessage([BigInt(i + 1) << 44n, ${TOGETHER}n]);
        const right = await answerOf(worker);
        worker.terminate();
        return right;
      });
      console.log(...await Promise.all(answers));
    `,
      { permissions: ["-A"] },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
    assertEquals(stdout, `${Array(4).fill(`${TOGETHER}n`).join(" ")}\n`);
  },
);

arenaTest(
  "A turn that is never given back keeps no arena from its address",
  () => {
    // As by a Worker that was terminated in the middle of it.
    const base = inTurn(() => {
      using map = arenaMap({ mapExtra: 1n << 44n });
      using arena = new Arena(map);
      return arena.base;
    });
    assertEquals(base, 1n << 44n);
  },
);

arenaTest(
  "What the kernel refuses when it is too late leaves no hole",
  async () => {
    const { refusals } = await outcomeOf(
      `
      // Frozen after it was looked at, as it were: a driver's refusal, after what
      // lay there is gone.
      using map = arenaMap();
      map.freeze();
      const pages = reserveArenaPages(16 * pageSize());
      try {
        placeArena(pages, map.fd, false);
      } catch (error) {
        if (error instanceof SystemError && error.code === "EPERM") {
          // They can be used once more, unless the Worker has been faster.
          using readable = arenaMap();
          try {
            placeArena(pages, readable.fd, true).release();
            note("mended");
          } catch (error) {
            if (!(error instanceof SystemError && error.code === "EBUSY")) throw error;
            note("taken");
          }
          return;
        }
        throw error;
      }
      throw new Error("mapped");
    `,
      REFUSED,
    );
    const counts = new Map(refusals);
    assert(counts.get("mended")! > REFUSED / 2, JSON.stringify(refusals));
  },
);
