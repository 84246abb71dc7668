import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  array,
  ClosedError,
  HostLayout,
  Memory,
  sizeOf,
  struct,
  u32,
  u64,
} from "../../mod.ts";
import {
  CorruptError,
  Latest,
  LatestReader,
  LatestWriter,
  OwnedError,
  PeerDiedError,
} from "../../sync/mod.ts";
import { sized } from "../_fire.ts";
import { run } from "../_support.ts";

const Frame = struct("Frame", {
  _: HostLayout,
  number: u32,
  pixels: array(u64, 64),
});
const Frames = Latest(Frame);

function open() {
  const memory = Memory.create(sizeOf(Frames));
  const latest = memory.pointer(Frames);
  const writer = LatestWriter.open(latest);
  const reader = LatestReader.open(latest);
  return { memory, latest, writer, reader };
}

Deno.test("LatestReader reads the newest, and the same until there is a newer", () => {
  const { memory, writer, reader } = open();
  using _ = memory;
  assertEquals([reader.read(), reader.fresh], [undefined, false]);
  for (let number = 1; number <= 100; number++) {
    writer.draft.number = number;
    writer.submit();
    if (number % 7 !== 0) continue;
    assertEquals(reader.fresh, true);
    assertEquals(reader.read()!.number, number);
    assertEquals([reader.fresh, reader.read()!.number], [false, number]);
  }
});

Deno.test("What is read stays as it is however much is written", () => {
  const { memory, writer, reader } = open();
  using _ = memory;
  writer.draft.number = 1;
  writer.submit();
  const frame = reader.read()!;
  for (let number = 2; number < 20; number++) {
    writer.draft.number = number;
    writer.submit();
    assertEquals(frame.number, 1);
  }
  assertEquals(reader.read()!.number, 19);
});

Deno.test("LatestReader.ready() waits for the next, and ends with its writer", async () => {
  const { memory, latest, writer, reader } = open();
  using _ = memory;
  const waiting = reader.ready();
  writer.submit();
  assertEquals(await waiting, true);
  reader.read();
  const ending = reader.ready();
  writer.close();
  assertEquals(await ending, false);
  assertThrows(() => writer.submit(), ClosedError);
  assertEquals(reader.peer, "absent");
  using next = LatestWriter.open(latest);
  assertThrows(() => LatestWriter.open(latest), OwnedError);
  next.submit();
  assertEquals(await reader.ready(), true);
});

Deno.test("console.log() tells the sides of a Latest, and whether they are closed", () => {
  const { memory, writer, reader } = open();
  using _ = memory;
  reader.close();
  assertEquals(
    Deno.inspect([writer, reader]).split("\n").map((s) => s.trim()),
    [
      "[",
      "LatestWriter { Latest<Frame> },",
      "LatestReader { Latest<Frame>, closed }",
      "]",
    ],
  );
});

Deno.test("Buffers that are in two hands are refused", () => {
  const { memory, latest, writer, reader } = open();
  using _ = memory;
  latest.state.store(1);
  assertThrows(() => reader.fresh, CorruptError, "0, 1 and 2");
  assertThrows(() => writer.submit(), CorruptError);
  memory.close();
  assertThrows(() => reader.fresh, ClosedError);
});

Deno.test("Frames of another process are whole, and its death is noticed", async () => {
  using memory = Memory.create(sizeOf(Frames));
  const latest = memory.pointer(Frames);
  using reader = LatestReader.open(latest);
  const frames = sized(20_000, 2_000_000);
  const writing = run(
    `
    import { HostLayout, Memory, array, struct, u32, u64 } from "./mod.ts";
    import { Latest, LatestWriter } from "./sync/mod.ts";
    const Frame = struct("Frame", {
      _: HostLayout, number: u32, pixels: array(u64, 64),
    });
    const memory = Memory.open("/proc/${Deno.pid}/fd/${memory.fd}");
    const writer = LatestWriter.open(memory.pointer(Latest(Frame)));
    for (let number = 1; number <= ${frames}; number++) {
      const { draft } = writer;
      draft.number = number;
      draft.pixels.fill(BigInt(number));
      writer.submit();
    }
    Deno.exit();
  `,
    { permissions: ["-A"] },
  );
  let last = 0;
  await assertRejects(
    async () => {
      while (await reader.ready()) {
        const { number, pixels } = reader.read()!;
        assert(number > last, "It is older than the one before");
        const right = BigInt(number);
        assert([...pixels].every((pixel) => pixel === right), "It is torn");
        last = number;
      }
    },
    PeerDiedError,
    "writer",
  );
  assertEquals(last, frames);
  assertEquals((await writing).code, 0);
});
