import { assertEquals, assertThrows } from "@std/assert";
import { ClosedError } from "../../errors.ts";
import { u32 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { bpfTest } from "../_needs.ts";
import { BpfMap } from "./_kernel.ts";

const page = pageSize();

/** A module that imports a memory and can grow it. */
const grower = new WebAssembly.Module(
  // (module (import "m" "m" (memory 1 1))
  //   (func (export "grow") (drop (memory.grow (i32.const 0)))))
  // deno-fmt-ignore
  new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    1, 4, 1, 0x60, 0, 0,
    2, 9, 1, 1, 0x6d, 1, 0x6d, 2, 1, 1, 1,
    3, 2, 1, 0,
    7, 8, 1, 4, 0x67, 0x72, 0x6f, 0x77, 0, 0,
    10, 9, 1, 7, 0, 0x41, 0, 0x40, 0, 0x1a, 0x0b,
  ]),
);

interface Resizable {
  toResizableBuffer(): ArrayBuffer;
  toFixedLengthBuffer(): ArrayBuffer;
}

const ways: Record<string, (memory: Memory) => void> = {
  "grow(0)": ({ webAssembly }) => webAssembly.grow(0),
  "a module's memory.grow": ({ webAssembly }) => {
    const { exports } = new WebAssembly.Instance(grower, {
      m: { m: webAssembly },
    });
    (exports.grow as () => void)();
  },
  "toResizableBuffer()": ({ webAssembly }) =>
    (webAssembly as unknown as Resizable).toResizableBuffer(),
  "toFixedLengthBuffer() after it": ({ webAssembly }) => {
    const memory = webAssembly as unknown as Resizable;
    memory.toResizableBuffer();
    memory.toFixedLengthBuffer();
  },
};

for (const [name, detach] of Object.entries(ways)) {
  Deno.test(`Memory detached by ${name} has old pointers that throw and new ones that work`, () => {
    using memory = Memory.create(page);
    const pointer = memory.pointer(u32);
    pointer.value = 5;
    for (let i = 0; i < 3; i++) {
      const old = memory.pointer(u32);
      detach(memory);
      assertThrows(() => old.value, ClosedError);
      assertThrows(() => old.value = 1, ClosedError);
      assertEquals(memory.closed, false);
      assertEquals(memory.view(u32).value, 5);
    }
    assertThrows(() => pointer.value, ClosedError);
    detach(memory);
    memory.flush();
    detach(memory);
    const bytes = new Uint8Array(1);
    memory.readAt(bytes, 0);
    assertEquals(bytes[0], 5);
    detach(memory);
    memory.writeAt(new Uint8Array([6]), 0);
    assertEquals(memory.view(u32).value, 6);
  });

  bpfTest(`Memory.close() releases the kernel's object after ${name}`, () => {
    using map = BpfMap.array(8);
    const memory = Memory.map(map.fd, page);
    detach(memory);
    assertEquals(map.freeze(), false);
    memory.close();
    assertEquals(map.freeze(), true);
  });
}

Deno.test("Memory cannot be detached by transfer", () => {
  using memory = Memory.create(page);
  const buffer = memory.webAssembly.buffer as ArrayBuffer;
  assertThrows(() => buffer.transfer(), TypeError);
  assertThrows(() => structuredClone(buffer, { transfer: [buffer] }));
  memory.pointer(u32).value = 1;
  assertEquals(new Uint8Array(buffer)[0], 1);
});

Deno.test("Memory cannot be grown", () => {
  using memory = Memory.create(page);
  assertThrows(() => memory.webAssembly.grow(1), RangeError);
  const buffer = (memory.webAssembly as unknown as Resizable)
    .toResizableBuffer();
  assertThrows(() => buffer.resize(2 * 65536), RangeError);
  assertThrows(() => buffer.resize(0), RangeError);
  memory.pointer(u32).value = 1;
});
