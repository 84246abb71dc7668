import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  BpfMap,
  BpfObject,
  histogramLines,
  log2Bucket,
  possibleCpus,
} from "../../bpf/mod.ts";
import { array, u32, u64 } from "../../layout/mod.ts";
import { bpfObjects, bpfTest, root, testWith } from "../_needs.ts";
import { TemporaryDirectory } from "../_support.ts";
import { compile } from "./_objects.ts";

const U64_MAX = (1n << 64n) - 1n;

Deno.test("log2Bucket() changes at every power of two, and nowhere else", () => {
  assertEquals([log2Bucket(0), log2Bucket(1), log2Bucket(0n)], [0, 0, 0]);
  for (let bucket = 1; bucket < 64; bucket++) {
    const low = 1n << BigInt(bucket);
    const seen = [low - 1n, low, 2n * low - 1n].map(log2Bucket);
    assertEquals(seen, [bucket - 1, bucket, bucket]);
    if (bucket < 53) assertEquals(log2Bucket(Number(low)), bucket);
  }
  for (const value of [-1, -1n, 0.5, NaN, 2 ** 60, U64_MAX + 1n, "1"]) {
    assertThrows(() => log2Bucket(value as number), RangeError);
  }
});

Deno.test("A histogram is drawn from the first count to the last", () => {
  assertEquals(histogramLines([0, 1, 0, 16n, 8, 0], { width: 16 }), [
    "value    : count  distribution",
    " 2 -> 3  : 1     |*               |",
    " 4 -> 7  : 0     |                |",
    " 8 -> 15 : 16    |****************|",
    "16 -> 31 : 8     |********        |",
  ]);
  assertEquals(histogramLines([]), []);
  assertEquals(histogramLines([0, 0n]), []);
  assertEquals(histogramLines([1], { unit: "microseconds", width: 1 }), [
    "microseconds : count  distribution",
    "0 -> 1       : 1     |*|",
  ]);
});

Deno.test("A histogram of the largest values and counts is in columns", () => {
  const counts = new BigUint64Array(64).fill(U64_MAX);
  const lines = histogramLines(counts);
  assertEquals(new Set(lines.slice(1).map((line) => line.length)).size, 1);
  assertStringIncludes(
    lines.at(-1)!,
    `${1n << 63n} -> ${U64_MAX} : ${U64_MAX}`,
  );
});

Deno.test("What is not a histogram is refused", () => {
  const draw = histogramLines as (...args: unknown[]) => string[];
  assertThrows(() => draw(new Array(65).fill(0)), RangeError, "received 65");
  assertThrows(() => draw([1, -1]), RangeError, "received -1");
  assertThrows(() => draw([1], { width: 0 }), RangeError);
  assertThrows(() => draw([1], { units: "ns" }), TypeError, "unit, width");
});

bpfTest(
  "A histogram is drawn of the counts in a map, in its memory or of each CPU",
  () => {
    const shape = { valueSize: 8, maxEntries: 64 };
    using map = BpfMap.create({ type: "array", flags: ["mmapable"], ...shape });
    map.pointer(u64, 2).value = 3n;
    const [, line] = histogramLines(map.elements(u64), { width: 4 });
    assertEquals(line, "4 -> 7 : 3     |****|");
    using perCpu = BpfMap.create({ type: "percpu_array", ...shape });
    const counts = perCpu.perCpu({ valueType: u64 });
    counts.set(2, possibleCpus().map(() => 1n));
    const sums = Array.from({ length: 64 }, (_, index) => counts.sum(index)!);
    const [, summed] = histogramLines(sums, { width: 4 });
    assertStringIncludes(summed!, `4 -> 7 : ${possibleCpus().length} `);
  },
);

testWith(bpfObjects, root)(
  "The guide's log2_bucket() of programs is log2Bucket()",
  async () => {
    const [header, guide] = await Promise.all(
      ["./programs/log2_bucket.h", "../../docs/guide.md"]
        .map((path) => Deno.readTextFile(new URL(path, import.meta.url))),
    );
    assertStringIncludes(guide!, header!);
    using directory = new TemporaryDirectory();
    using object = BpfObject.load(await compile("terms", directory));
    const values = object.variable("values", array(u64, 16));
    const buckets = object.variable("buckets", array(u32, 16));
    const all = Array.from(
      { length: 64 },
      (_, bits) => [(1n << BigInt(bits)) - 1n, 1n << BigInt(bits)],
    ).flat();
    for (let start = 0; start < all.length; start += 16) {
      const some = all.slice(start, start + 16);
      values.set(some);
      object.program("find_buckets").run();
      assertEquals([...buckets.get()], some.map(log2Bucket));
    }
  },
);
