import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  BpfMap,
  BpfObject,
  PerfBuffer,
  RingBuffer,
  SystemError,
  UserRingBuffer,
} from "../../bpf/mod.ts";
import { pageSize } from "../../memory/mod.ts";
import { bpfObjects, bpfTest, clang, testWith } from "../_needs.ts";
import { run, TemporaryDirectory } from "../_support.ts";
import { compile } from "./_objects.ts";

bpfTest("BpfMap.create() says what the kernel does not take", () => {
  for (
    const [options, message] of [
      [
        { type: "ringbuf", maxEntries: 5000 },
        `must be a power of two and a multiple of the page, ${pageSize()} bytes: it is 5000`,
      ],
      [
        { type: "user_ringbuf", maxEntries: 16 },
        "maxEntries of a ring buffer is its size in bytes",
      ],
      [
        { type: "array", maxEntries: 1 },
        "valueSize of a map of type array must be at least 1 byte: it is 0",
      ],
      [
        { type: "hash", valueSize: 8, maxEntries: 1, flags: ["mmapable"] },
        "a map of type hash cannot be mmapable: only array and arena can",
      ],
    ] as const
  ) {
    assertThrows(() => BpfMap.create(options), SystemError, message);
  }
});

bpfTest(
  "Rings say that they are of a map, where they are given something else",
  () => {
    for (const map of [{}, undefined, 5, "events"] as never[]) {
      assertThrows(
        () => new RingBuffer(map),
        TypeError,
        "Map must be a BpfMap of type ringbuf: received ",
      );
      assertThrows(
        () => new PerfBuffer(map),
        TypeError,
        "Map must be a BpfMap of type perf_event_array: received ",
      );
      assertThrows(
        () => new UserRingBuffer(map),
        TypeError,
        "Map must be a BpfMap of type user_ringbuf: received ",
      );
    }
  },
);

bpfTest("BpfMap.lookup() says that a key of 4 bytes may be a number", () => {
  using map = BpfMap.create({ type: "array", valueSize: 4, maxEntries: 1 });
  assertThrows(
    () => map.lookup(1n as never),
    TypeError,
    "Key must be a number or a Uint8Array: received 1n",
  );
});

bpfTest(
  "BpfMap stores no byte that a key or a value does not have, whatever it says",
  () => {
    using map = BpfMap.create({ type: "hash", valueSize: 8, maxEntries: 4 });
    const key = new Uint8Array(4).fill(1);
    const told = (length: number) =>
      Object.defineProperty(new Uint8Array(2), "length", { value: length });
    assertThrows(
      () => map.update(told(4), new Uint8Array(8)),
      RangeError,
      "Key must have 4 bytes: it has 2",
    );
    assertThrows(
      () => map.update(key, told(8)),
      RangeError,
      "Value must have 8 bytes: it has 2",
    );
    class Detaching extends Uint8Array {
      override get length(): number {
        key.buffer.transfer();
        return 8;
      }
    }
    map.update(key, new Detaching(8));
    assertEquals([...map.keys()], [new Uint8Array(4).fill(1)]);
  },
);

testWith(bpfObjects, clang)(
  "BpfObject.load() of an object without types says how to compile it (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("pinned", directory, { flags: ["-g0"] });
    assertThrows(() => BpfObject.load(path), SystemError, "clang -g");
  },
);

testWith(bpfObjects, clang)(
  "BpfProgram.attach() without an interface asks for a name or an index (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("section", directory, {
      flags: ['-DSECTION="xdp"'],
    });
    using object = BpfObject.load(path);
    assertThrows(
      () => object.program("only").attach({ kind: "xdp" } as never),
      TypeError,
      "Interface must be a name or an index: received undefined",
    );
  },
);

Deno.test("A grant of libraries by bare names says that it takes full paths", async () => {
  const { stdout } = await run(
    `
    import { Memory } from "@hostmem/hostmem";
    try {
      Memory.create(4096);
    } catch (error) {
      console.log(error.name, error.message);
    }
  `,
    { permissions: ["--allow-ffi=libc.so.6"] },
  );
  assertStringIncludes(stdout, "NotSupportedError Cannot open libc.so.6");
  assertStringIncludes(stdout, "give the full path, such as --allow-ffi=/");
});
