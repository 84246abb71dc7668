import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BpfObject,
  dateOf,
  epochNanoseconds,
  kernelTime,
} from "../../bpf/mod.ts";
import { bpfObjects, root, testWith, timeNamespaces } from "../_needs.ts";
import { run, TemporaryDirectory } from "../_support.ts";
import { compile } from "./_objects.ts";

testWith(bpfObjects, root)(
  "kernelTime() reads the clocks that programs read",
  async () => {
    using directory = new TemporaryDirectory();
    using object = BpfObject.load(await compile("terms", directory));
    const clocks = ["monotonic", "boottime"] as const;
    for (const clock of clocks) {
      const before = kernelTime(clock);
      object.program("read_clocks").run();
      const read = object.variable(clock).get() as bigint;
      const after = kernelTime(clock);
      assert(before <= read && read <= after, `${before} ${read} ${after}`);
    }
  },
);

Deno.test("dateOf() of the time now is the date of now, by each clock", () => {
  for (const clock of [undefined, "monotonic", "boottime", "tai"] as const) {
    const before = Date.now();
    const date = dateOf(kernelTime(clock), clock).getTime();
    const after = Date.now();
    // A moment lies between the readings that the difference is found by.
    assert(
      date >= before - 1 && date <= after + 1,
      `${before} ${date} ${after}`,
    );
  }
});

Deno.test("Dates are as far apart as the times that they are of", () => {
  const time = kernelTime();
  const first = epochNanoseconds(time);
  for (let i = 0n; i < 1000n; i++) {
    assertEquals(epochNanoseconds(time + i), first + i);
  }
});

Deno.test("dateOf() of time 0 is when the machine was started", () => {
  const [, started] = /^btime (\d+)$/m.exec(
    Deno.readTextFileSync("/proc/stat"),
  )!;
  const date = dateOf(0n, "boottime").getTime() / 1000;
  assert(Math.abs(date - Number(started)) <= 1, `${date} ${started}`);
});

Deno.test("Times and clocks that are none are refused", () => {
  assertThrows(() => dateOf(-1n), RangeError, "received -1");
  assertThrows(() => dateOf(1n << 64n), RangeError);
  assertThrows(() => epochNanoseconds(0 as never), TypeError);
  assertThrows(
    () => kernelTime("realtime" as never),
    TypeError,
    `"monotonic", "boottime", "tai": received "realtime"`,
  );
});

testWith(timeNamespaces)(
  "kernelTime() is the kernel's in a time namespace, too, and dates are right",
  async () => {
    const before = [kernelTime(), kernelTime("boottime")];
    const { stdout, stderr } = await run(
      `
      import { dateOf, kernelTime } from "@hostmem/hostmem/bpf";
      const time = kernelTime();
      console.log(JSON.stringify([
        \`\${time}\`,
        \`\${kernelTime("boottime")}\`,
        dateOf(time).getTime() - Date.now(),
      ]));
      `,
      { under: ["unshare", "--time", "--monotonic=86400", "--boottime=-100"] },
    );
    const after = [kernelTime(), kernelTime("boottime")];
    const [monotonic, boottime, difference] = JSON.parse(stdout || stderr);
    for (const [index, time] of [monotonic, boottime].entries()) {
      assert(before[index]! < BigInt(time) && BigInt(time) < after[index]!);
    }
    assert(Math.abs(difference) < 10_000, `${difference}`);
  },
);
