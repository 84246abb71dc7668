import { assert, assertEquals } from "@std/assert";
import { RingBuffer } from "../../../bpf/mod.ts";
import { HostLayout, struct, u64 } from "../../../layout/mod.ts";
import { Memory, pageSize } from "../../../memory/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { Random } from "../../_support.ts";
import { TestRing } from "./_ring_programs.ts";

const Pair = struct("Pair", { _: HostLayout, first: u64, second: u64 });

bpfTest(
  "Records of every length cross the end of the ring in one piece",
  () => {
    using test = new TestRing(4096);
    using ring = new RingBuffer(test.map);
    const copying = test.copying();
    const random = new Random();
    const longest = 600;
    let crossed = 0;
    let position = 0;
    for (let length = 0; length <= longest; length++) {
      const step = 8 + ((length + 7) & -8);
      // To where the record begins 8 bytes before the end at the latest, and
      // ends behind it as soon as it is longer than that.
      const before = 8 * random.int(Math.max(1, (step >> 3) - 1)) + 8;
      let gap = (8192 - (position % 4096) - before) % 4096;
      while (gap > 0) {
        const filled = Math.min(gap, 2048);
        test.write(copying, new Uint8Array(filled - 8));
        assertEquals(ring.consume(() => {}), 1);
        position += filled;
        gap -= filled;
      }
      const bytes = random.bytes(length);
      test.write(copying, bytes);
      let seen = 0;
      ring.consume((record, given) => {
        assertEquals(given, length);
        assertEquals(record.bytes(), bytes);
        seen++;
      });
      assertEquals(seen, 1);
      if (position % 4096 + step > 4096) crossed++;
      position += step;
      assertEquals(ring.available, 0);
    }
    assert(crossed > longest / 2, `Only ${crossed} have crossed the end`);
  },
);

bpfTest("Random lengths are read as written, over many laps", () => {
  using test = new TestRing(4096);
  using ring = new RingBuffer(test.map);
  const copying = test.copying();
  const discarding = test.numbering(128, { discard: true });
  const random = new Random();
  const written: Uint8Array[] = [];
  for (let round = 0; round < 400; round++) {
    for (let i = random.int(12); i > 0; i--) {
      const bytes = random.bytes(random.int(random.pick([8, 64, 700])));
      const lost = test.control.lost.load();
      test.write(copying, bytes);
      if (test.control.lost.load() === lost) written.push(bytes);
      if (random.int(5) === 0) test.run(discarding);
    }
    const check = (record: { bytes(): Uint8Array }) =>
      assertEquals(record.bytes(), written.shift());
    if (random.boolean()) ring.consume(check, { limit: random.int(10) });
    else {for (const record of ring) {
        check(record);
        if (random.int(8) === 0) break;
      }}
  }
  ring.consume((record) => assertEquals(record.bytes(), written.shift()));
  assertEquals([written.length, ring.available], [0, 0]);
});

bpfTest("Positions go on beyond 4 GiB", async () => {
  const size = 2 ** 26;
  const huge = 60 * 2 ** 20;
  using test = new TestRing(size);
  using ring = new RingBuffer(test.map, Pair);
  using page = Memory.map(test.map.fd, pageSize());
  const position = page.view(u64);
  const skipping = test.numbering(huge, { discard: true });
  const program = test.numbering(16);
  const laps = 71;
  const edge = 2n ** 32n;
  let at = 0n;
  let crossings = 0;
  let records = 0;
  for (let lap = 0; lap < laps; lap++) {
    const before = at;
    test.run(program, 2);
    test.run(skipping);
    test.run(program, 2);
    at += BigInt(4 * 24 + huge + 8);
    assertEquals(ring.available, Number(at - before));
    const seen: bigint[] = [];
    const keep = ({ first, second }: { first: bigint; second: bigint }) => {
      assertEquals(first, second);
      seen.push(first);
    };
    // Each way to read crosses the edge in one of the runs.
    switch (lap % 3) {
      case 0:
        ring.consume(keep);
        break;
      case 1:
        for (const record of ring) keep(record);
        break;
      case 2:
        for await (const record of ring) {
          keep(record);
          if (seen.length === 4) break;
        }
    }
    const base = BigInt(lap * 5);
    assertEquals(seen, [0n, 1n, 3n, 4n].map((number) => base + number));
    assertEquals([position.value, ring.available], [at, 0]);
    if (before < edge && at >= edge) crossings++;
    records += seen.length;
  }
  assertEquals([crossings, records], [1, 4 * laps]);
  assert(position.value > edge);
});

for (const way of ["consume", "for", "for await"] as const) {
  bpfTest(
    `Records lie on both sides of 4 GiB, and are read by ${way}`,
    async () => {
      using test = new TestRing(2 ** 26);
      using ring = new RingBuffer(test.map, Pair);
      const skipping = test.numbering(60 * 2 ** 20, { discard: true });
      const step = 60 * 2 ** 20 + 8;
      for (let i = 0; i < 68; i++) {
        test.run(skipping);
        assertEquals(ring.consume(() => {}), 0);
      }
      // Up to some records before the edge.
      let left = 2 ** 32 - 68 * step;
      const filling = test.numbering(2 ** 20, { discard: true });
      for (; left > 2 ** 20 + 8 + 24 * 50; left -= 2 ** 20 + 8) {
        test.run(filling);
        ring.consume(() => {});
      }
      const small = test.numbering(1016, { discard: true });
      for (; left > 1024 + 24 * 50; left -= 1024) {
        test.run(small);
        ring.consume(() => {});
      }
      const first = test.control.next.load();
      const count = 200n;
      test.run(test.numbering(16), Number(count));
      using page = Memory.map(test.map.fd, pageSize());
      const position = page.view(u64);
      assert(position.value < 2n ** 32n);
      const seen: bigint[] = [];
      if (way === "consume") {
        ring.consume((record) => void seen.push(record.first), { limit: 90 });
        ring.consume((record) => void seen.push(record.first));
      } else if (way === "for") {
        for (const record of ring) seen.push(record.first);
      } else {
        for await (const record of ring) {
          seen.push(record.first);
          if (seen.length === Number(count)) break;
        }
      }
      assertEquals(
        seen,
        Array.from({ length: Number(count) }, (_, i) => first + BigInt(i)),
      );
      assert(position.value > 2n ** 32n);
      assertEquals(ring.available, 0);
    },
  );
}
