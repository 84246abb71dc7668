import { assertEquals, assertThrows } from "@std/assert";
import { BoundsError, ClosedError, NotSupportedError } from "../../errors.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { run, TemporaryDirectory } from "../_support.ts";
import { O_APPEND, O_RDWR, open } from "./_kernel.ts";

const page = pageSize();

Deno.test("Memory.readAt() is short at the end, like a file", () => {
  using memory = Memory.create(100);
  memory.writeAt(new Uint8Array(100).fill(7), 0);
  const target = new Uint8Array(10);
  assertEquals(memory.readAt(target, 96), 4);
  assertEquals([...target], [7, 7, 7, 7, 0, 0, 0, 0, 0, 0]);
  assertEquals(memory.readAt(target, 100), 0);
  assertEquals(memory.readAt(new Uint8Array(0), 0), 0);
  assertEquals(memory.readAt(new Uint8Array(1000), 0), 100);
});

Deno.test("Memory.readAt() and writeAt() refuse offsets that are none", () => {
  using memory = Memory.create(page);
  const bytes = new Uint8Array(1);
  for (
    const offset of [-1, 0.5, NaN, Infinity, 2 ** 53, "0", null, undefined]
  ) {
    for (const method of ["readAt", "writeAt"] as const) {
      assertThrows(
        () => memory[method](bytes, offset as number),
        RangeError,
        "Offset must be a whole number of bytes from 0",
      );
    }
  }
  for (const offset of [page + 1, 2 ** 32, 2 ** 32 - 4, 2 ** 53 - 1]) {
    for (const method of ["readAt", "writeAt"] as const) {
      assertThrows(
        () => memory[method](bytes, offset),
        BoundsError,
        `at offset ${offset} exceed the mapping of ${page} bytes`,
      );
    }
  }
});

Deno.test("Memory.writeAt() writes all or nothing", () => {
  using memory = Memory.create(100);
  assertThrows(
    () => memory.writeAt(new Uint8Array(10).fill(1), 91),
    BoundsError,
    "10 bytes at offset 91 exceed the mapping of 100 bytes",
  );
  const bytes = new Uint8Array(100);
  memory.readAt(bytes, 0);
  assertEquals(bytes, new Uint8Array(100));
  memory.writeAt(new Uint8Array(10).fill(1), 90);
  memory.writeAt(new Uint8Array(0), 100);
  memory.readAt(bytes, 0);
  assertEquals(bytes.indexOf(1), 90);
});

Deno.test("Memory.readAt() and writeAt() take a Uint8Array and nothing else", () => {
  using memory = Memory.create(page);
  const wrong: unknown[] = [
    null,
    undefined,
    [1, 2],
    "abc",
    new ArrayBuffer(4),
    new Int8Array(4),
    new Uint8ClampedArray(4),
    new DataView(new ArrayBuffer(4)),
    { length: 4, __proto__: Uint8Array.prototype },
  ];
  for (const value of wrong) {
    assertThrows(
      () => memory.readAt(value as Uint8Array, 0),
      TypeError,
      "Target must be a Uint8Array",
    );
    assertThrows(
      () => memory.writeAt(value as Uint8Array, 0),
      TypeError,
      "Source must be a Uint8Array",
    );
  }
  class Bytes extends Uint8Array {
    override get length(): number {
      return 2 ** 31;
    }
  }
  memory.writeAt(new Bytes([5]), 0);
  const target = new Bytes(1);
  assertEquals(memory.readAt(target, 0), 1);
  assertEquals(target[0], 5);
});

Deno.test("Memory.readAt() and writeAt() throw after close()", () => {
  const memory = Memory.create(page);
  memory.close();
  assertThrows(() => memory.readAt(new Uint8Array(1), 0), ClosedError);
  assertThrows(() => memory.writeAt(new Uint8Array(1), 0), ClosedError);
});

Deno.test("Memory.readAt() and writeAt() of a truncated file fail and do not end the process", () => {
  using directory = new TemporaryDirectory("/dev/shm");
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(3 * page).fill(1));
  using memory = Memory.open(path, { offset: page, allowTruncatable: true });
  assertEquals(memory.size, 2 * page);
  memory.writeAt(new Uint8Array([2]), 0);
  assertEquals(Deno.readFileSync(path)[page], 2);
  Deno.truncateSync(path, 2 * page + 10);
  const target = new Uint8Array(2 * page);
  assertEquals(memory.readAt(target, 0), page + 10);
  assertEquals([target[0], target[1]], [2, 1]);
  assertEquals(memory.readAt(target, page + 10), 0);
  assertThrows(
    () => memory.writeAt(new Uint8Array(11), page),
    BoundsError,
    `it was truncated to ${2 * page + 10} bytes`,
  );
  memory.writeAt(new Uint8Array(10), page);
  assertEquals(Deno.statSync(path).size, 2 * page + 10);
});

Deno.test("Memory.map() of a truncatable file copies by a descriptor of its own", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(2 * page));
  let memory: Memory;
  {
    using file = open(path, O_RDWR);
    memory = Memory.map(file.fd, 2 * page, { allowTruncatable: true });
    assertEquals(memory.fd, undefined);
  }
  memory.writeAt(new Uint8Array([8]), page);
  assertEquals(Deno.readFileSync(path)[page], 8);
  Deno.truncateSync(path, 0);
  assertEquals(memory.readAt(new Uint8Array(1), 0), 0);
  memory.close();
});

Deno.test("Memory.writeAt() does not append", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  using file = open(path, O_RDWR | O_APPEND);
  using memory = Memory.map(file.fd, page, { allowTruncatable: true });
  assertThrows(
    () => memory.writeAt(new Uint8Array([1]), 0),
    NotSupportedError,
    "without O_APPEND",
  );
  assertEquals(Deno.statSync(path).size, page);
});

Deno.test("An access to a truncated page would end the process, which is why such files are refused", async () => {
  const { signal } = await run(
    `
    import { Memory, pageSize } from "./memory/mod.ts";
    const path = Deno.makeTempFileSync();
    Deno.writeFileSync(path, new Uint8Array(pageSize()));
    using memory = Memory.open(path, { allowTruncatable: true });
    Deno.truncateSync(path);
    Deno.removeSync(path);
    new Uint8Array(memory.webAssembly.buffer)[0];
  `,
    { permissions: ["-A"] },
  );
  assertEquals(signal, "SIGBUS");
});

Deno.test("Memory.readAt() and writeAt() of a truncatable file reach no other, whatever the array does meanwhile", () => {
  using directory = new TemporaryDirectory();
  const [path, other] = [directory.join("file"), directory.join("other")];
  for (const name of [path, other]) {
    Deno.writeFileSync(name, new Uint8Array(page));
  }
  for (const act of ["readAt", "writeAt"] as const) {
    const memory = Memory.open(path, { allowTruncatable: true });
    const { fd } = memory;
    let reopened: ReturnType<typeof open> | undefined;
    class Closing extends Uint8Array {
      override get byteOffset(): number {
        memory.close();
        reopened ??= open(other, O_RDWR);
        return super.byteOffset;
      }
    }
    const bytes = new Closing(8).fill(7);
    memory[act](bytes, 0);
    // It was not even asked.
    assertEquals([reopened?.fd, memory.fd], [undefined, fd]);
    memory.close();
  }
  assertEquals(Deno.readFileSync(path)[0], 7);
  assertEquals(Deno.readFileSync(other)[0], 0);
});

Deno.test("Memory.readAt() and writeAt() refuse an array whose buffer was transferred", () => {
  using memory = Memory.create(8);
  const bytes = new Uint8Array(4).fill(7);
  bytes.buffer.transfer();
  for (const act of ["readAt", "writeAt"] as const) {
    assertThrows(() => memory[act](bytes, 0), TypeError, "is detached");
  }
  memory.writeAt(new Uint8Array(), 8);
  assertEquals(memory.readAt(new Uint8Array(), 8), 0);
});
