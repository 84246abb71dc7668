/**
 * Threads that live, and of which the other side is told otherwise or not at all.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Memory, sizeOf, u64 } from "../../mod.ts";
import { RingProducer, SpscRing } from "../../sync/mod.ts";
import {
  asNobody,
  compilerOfC,
  mounts,
  type Needs,
  nobody,
  testWith,
  timeNamespaces,
} from "../_needs.ts";
import { kill, run, TemporaryDirectory } from "../_support.ts";
import { anyCompiler, Peers } from "./_peer.ts";

const EBUSY = 16;
const EOWNERDEAD = 130;

/** Commands under which `/proc` tells less, or other things, than it does here. */
const places: readonly {
  readonly name: string;
  readonly needs: readonly Needs[];
  readonly under: readonly string[];
}[] = [
  {
    name: "/proc hides from this user",
    needs: [mounts, nobody],
    under: [
      ...["unshare", "--mount", "sh", "-c"],
      'mount -t proc -o hidepid=invisible proc /proc && exec "$0" "$@"',
      ...asNobody,
    ],
  },
  {
    name: "has begun at another time in this namespace",
    needs: [timeNamespaces],
    under: ["unshare", "--time", "--boottime=100000", "--fork"],
  },
];

const Numbers = SpscRing(u64, 2);

/** Looks at the producer's side, and takes it where it may. */
const look = `
  import { Memory, u64 } from "@hostmem/hostmem";
  import { RingConsumer, RingProducer, SpscRing } from "@hostmem/hostmem/sync";
  const [path, takesDescriptors] = Deno.args;
  using memory = Memory.open(path, { allowTruncatable: true });
  const ring = memory.pointer(SpscRing(u64, 2));
  using consumer = RingConsumer.open(ring);
  if (takesDescriptors) {
    try {
      while (true) Deno.openSync("/dev/null");
    } catch {
      // There are no more.
    }
  }
  console.log(consumer.peer);
  try {
    RingProducer.open(ring);
    console.log("taken");
  } catch (error) {
    console.log(error.name);
  }
  Deno.exit();
`;

/** The output of what looks at a ring whose producer this thread is. */
async function looked(
  under: readonly string[],
  ...args: string[]
): Promise<string> {
  using directory = new TemporaryDirectory();
  Deno.chmodSync(directory.path, 0o755);
  const path = directory.join("ring");
  Deno.writeFileSync(path, new Uint8Array(sizeOf(Numbers)));
  Deno.chmodSync(path, 0o666);
  using memory = Memory.open(path, { allowTruncatable: true });
  using _producer = RingProducer.open(memory.pointer(Numbers));
  const { stdout, stderr } = await run(look, {
    under: [...under],
    args: [path, ...args],
    permissions: ["-A"],
  });
  return stdout || stderr;
}

for (const { name, needs, under } of places) {
  testWith(...needs)(`A thread that ${name} keeps its side`, async () => {
    assertEquals(await looked(under), "alive\nOwnedError\n");
  });

  testWith(compilerOfC, ...needs)(
    `A thread that ${name} keeps its side in C`,
    async () => {
      using peers = await Peers.compile(anyCompiler);
      using _producer = RingProducer.open(peers.shared.messages);
      const child = peers.startUnder(under, "produce", "1");
      const { code, stderr } = await child.output();
      assertEquals(code, EBUSY, new TextDecoder().decode(stderr));
    },
  );
}

Deno.test("Who has no descriptor left takes no side from a thread that lives", async () => {
  const limited = ["sh", "-c", 'ulimit -n 100 && exec "$0" "$@"'];
  assertEquals(await looked(limited, "all"), "alive\nOwnedError\n");
});

testWith(compilerOfC)(
  "A program in C that signals keep waking notices that the other side died",
  async () => {
    using peers = await Peers.compile(anyCompiler);
    const keeper = peers.start("keep");
    const ticking = ["env", "TICKS=1", "timeout", "20"];
    const children = ["consume", "messages", "g: frames"].map((what) =>
      peers.startUnder(ticking, what)
    );
    try {
      await new Promise((go) => setTimeout(go, 300));
      kill(keeper);
      await keeper.output();
      for (const child of children) {
        const { code, stderr } = await child.output();
        assertEquals(code, EOWNERDEAD, new TextDecoder().decode(stderr));
      }
    } finally {
      children.forEach((child) => kill(child));
    }
  },
);
