import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  addressOf,
  Block,
  releaseScratch,
  scratchBlock,
  withText,
} from "../../ffi/block.ts";
import { textAt } from "../../ffi/c_text.ts";

Deno.test("addressOf() tells where an explicit buffer lies", () => {
  const bytes = new Uint8Array(new ArrayBuffer(4096));
  const address = addressOf(bytes);
  const pointer = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  assertEquals(address, BigInt(pointer));
  assertEquals(addressOf(new Uint8Array(bytes.buffer, 100)), address + 100n);
});

Deno.test("a block begins with zeros, and lies where it says", () => {
  const block = new Block(24);
  assertEquals(block.bytes, new Uint8Array(24));
  assertEquals(block.buffer.byteLength, 24);
  assertEquals(block.address, addressOf(block.bytes));
  assertEquals(block.addressAt(8), block.address + 8n);
  block.put(new TextEncoder().encode("hello\0"), 8);
  assertEquals(textAt(block.addressAt(8)), "hello");
});

Deno.test("a block gives copies, and takes bytes whole or not at all", () => {
  const source = Uint8Array.of(1, 2, 3, 4);
  const block = Block.of(source.subarray(1));
  source.fill(9);
  assertEquals(block.bytes, Uint8Array.of(2, 3, 4));
  const copy = block.take(1, 2);
  block.put(Uint8Array.of(7), 1);
  assertEquals(copy, Uint8Array.of(3, 4));
  assertThrows(() => block.put(Uint8Array.of(1, 2), 2), RangeError);
  assertEquals(block.bytes, Uint8Array.of(2, 7, 4));
});

Deno.test("scratchBlock() gives a block again, and one of its own to a large value", () => {
  const small = scratchBlock(1);
  assertEquals(scratchBlock(65536), small);
  const large = scratchBlock(65537);
  assert(large !== small && large.bytes.length === 65537);
  releaseScratch();
  assertEquals(scratchBlock(16), small);
});

Deno.test("withText() gives the address of a text as C has it", () => {
  for (const text of ["", "/sys/fs/bpf", "höhe", "x".repeat(4000)]) {
    assertEquals(withText(text, textAt), text);
  }
});
