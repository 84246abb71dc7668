import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { isBytes, lengthOf, partOf } from "../../base/bytes.ts";

Deno.test("lengthOf() is that of the array, whatever it says itself", () => {
  class Own extends Uint8Array {
    override get length(): number {
      return 1;
    }
  }
  const told = Object.defineProperty(new Uint8Array(3), "length", { value: 9 });
  for (const bytes of [new Uint8Array(3), Buffer.alloc(3), new Own(3), told]) {
    assert(isBytes(bytes));
    assertEquals(lengthOf(bytes), 3);
  }
  told.buffer.transfer();
  assert(isBytes(told));
  assertEquals(lengthOf(told), 0);
});

Deno.test("isBytes() takes Uint8Arrays alone, and calls nothing of the caller's", () => {
  for (
    const value of [
      null,
      1,
      "x",
      [1],
      new Int8Array(1),
      new DataView(new ArrayBuffer(1)),
      Object.create(Uint8Array.prototype),
      new Proxy(new Uint8Array(1), {}),
      { [Symbol.toStringTag]: "Uint8Array", length: 1 },
    ]
  ) assert(!isBytes(value));
  const prototype = new Proxy(Uint8Array.prototype, {
    getPrototypeOf(): object {
      throw new Error("called");
    },
  });
  assert(isBytes(Object.setPrototypeOf(new Uint8Array(1), prototype)));
});

Deno.test("partOf() is a part of the array, whatever it says itself", () => {
  for (const Buffer of [ArrayBuffer, SharedArrayBuffer]) {
    const buffer = new Buffer(16);
    const bytes = Object.defineProperties(new Uint8Array(buffer, 4, 8), {
      buffer: { value: new ArrayBuffer(1) },
      byteOffset: { value: 1 },
      length: { value: 99 },
    });
    const part = partOf(bytes, 2, 3);
    assertEquals([part.buffer, part.byteOffset, part.length], [buffer, 6, 3]);
  }
});
