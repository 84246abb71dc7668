import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap } from "../../../bpf/mod.ts";
import { ClosedError, NotSupportedError } from "../../../errors.ts";
import { HostLayout, struct, u16, u32 } from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { Program } from "../_program.ts";

bpfTest("MapFilter knows what was added, and what was not", () => {
  const Flow = struct("Flow", { _: HostLayout, address: u32, port: u16 });
  using map = BpfMap.create({
    type: "bloom_filter",
    valueSize: 8,
    maxEntries: 1000,
    mapExtra: 5n,
  });
  const flows = map.filter({ valueType: Flow });
  for (let port = 1; port <= 100; port++) flows.add({ address: 1, port });
  for (let port = 1; port <= 100; port++) {
    assertEquals(flows.has({ address: 1, port }), true);
  }
  const wrong = Array.from({ length: 1000 }, (_, address) => address + 2)
    .filter((address) => flows.has({ address, port: 1 }));
  assertEquals(wrong.length < 200, true, `${wrong.length}`);
  assertEquals(map.filter().has(new Uint8Array(8)), false);
  assertThrows(() => flows.add({ port: 70_000 } as never), RangeError);
  assertThrows(() => map.filter().add(new Uint8Array(3)), RangeError);
  map.close();
  assertThrows(() => flows.has({}), ClosedError);
  assertThrows(() => map.filter(), ClosedError);
});

bpfTest("Maps say which of table, queue and filter they have", () => {
  const bloom = { type: "bloom_filter", valueSize: 4, maxEntries: 4 } as const;
  using filter = BpfMap.create(bloom);
  assertThrows(() => filter.table(), NotSupportedError, "use filter()");
  assertThrows(() => filter.queue(), NotSupportedError, "use filter()");
  assertThrows(
    () => filter.lookup(new Uint8Array(0)),
    NotSupportedError,
    "filter()",
  );
  using queue = BpfMap.create({ ...bloom, type: "queue" });
  assertThrows(() => queue.table(), NotSupportedError, "use queue()");
  assertThrows(() => queue.filter(), NotSupportedError, "queue()");
  using hash = BpfMap.create({ type: "hash", valueSize: 4, maxEntries: 4 });
  assertThrows(() => hash.queue(), NotSupportedError, "use table()");
});

bpfTest("BpfMap.updateProgram() puts a program in a prog_array", () => {
  using counts = BpfMap.create({
    type: "array",
    valueSize: 8,
    maxEntries: 1,
    flags: ["mmapable"],
  });
  using program = Program.counting(counts.fd, { type: 6, returns: 2 });
  using map = BpfMap.create({
    type: "prog_array",
    valueSize: 4,
    maxEntries: 2,
  });
  map.updateProgram(1, program);
  const [[key, id]] = [...map.entries({ valueType: u32 })] as [
    [number, number],
  ];
  assertEquals(key, 1);
  assertEquals(id > 0, true);
  assertThrows(
    () => map.updateProgram(0, {} as never),
    TypeError,
    "must be a BpfProgram",
  );
  assertThrows(
    () => counts.updateProgram(0, program),
    NotSupportedError,
    "holds no programs",
  );
});
