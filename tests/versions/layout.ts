/**
 * The layout language on any runtime, for `deno task versions`: it imports
 * nothing else, and exits with 1 unless everything is as it must be.
 *
 * @module
 */

import {
  alignOf,
  array,
  assign,
  atomic,
  be16,
  bef32,
  bits,
  bytes as macBytes,
  declarationOf,
  decode,
  encode,
  f16,
  field,
  HostLayout,
  i128,
  i8,
  offsetOf,
  pointer,
  sizeOf,
  snapshot,
  struct,
  text,
  text16,
  u32,
  u64,
  u8,
  union,
  view,
} from "../../layout/mod.ts";

function equal(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return;
  throw new Error(`${what} is ${String(actual)}, and not ${String(expected)}`);
}

function refuses(act: () => unknown, name: string, what: string): void {
  try {
    act();
  } catch (error) {
    return equal((error as Error).name, name, `The error of ${what}`);
  }
  throw new Error(`${what} is not refused`);
}

const Part = struct("part", {
  _: HostLayout,
  low: bits(u32, 3),
  high: bits(u32, 29),
  port: be16,
});
const Whole = struct("whole", {
  _: HostLayout,
  tag: u8,
  hits: atomic(u64),
  name: text(8),
  parts: array(Part, 2),
  either: union("either", { _: HostLayout, word: u32, bytes: array(u8, 4) }),
  small: array(i8, 3),
});

equal(sizeOf(Whole), 48, "The size");
equal(alignOf(Whole), 8, "The alignment");
equal(offsetOf(Whole, "hits"), 8, "The offset of hits");
equal(offsetOf(Whole, "either"), 40, "The offset of either");
equal(declarationOf(Part).includes("uint32_t"), true, "The declaration");

const bytes = new Uint8Array(64);
const whole = pointer(Whole, bytes, 8);
whole.tag = 255;
equal(whole.hits.add(5n), 0n, "The value before");
equal(whole.hits.load(), 5n, "The value after");
whole.name = "é";
equal(bytes[24], 0xc3, "The first byte of the name");
whole.parts.at(1).port = 443;
equal(bytes[8 + 24 + 8 + 4], 1, "The first byte of the port");
whole.parts.at(1).high = 2 ** 29 - 1;
equal(whole.parts.at(1).low, 0, "The neighbour of a bit-field");
assign(whole, { either: { word: 0x01020304 }, small: [-1, 2, -3] });
equal(whole.either.bytes[0], 4, "A byte of the word");

const Rare = struct("rare", {
  _: HostLayout,
  wide: i128,
  half: f16,
  load: bef32,
  mac: macBytes(6),
  title: text16(6),
});
const rare = pointer(Rare, new ArrayBuffer(sizeOf(Rare)));
rare.wide = -(2n ** 100n);
equal(rare.wide, -(2n ** 100n), "An integer of 128 bits");
rare.half = 1 / 3;
equal(rare.half, 0.333251953125, "A third in 16 bits");
rare.load = 1.5;
equal(new Uint8Array(encode(Rare, rare))[20], 0x3f, "A float's first byte");
rare.title = "a😀";
equal(rare.title, "a😀", "A text in UTF-16");
rare.mac.set([1, 2, 3, 4, 5, 6]);
equal(decode(Rare, encode(Rare, rare)).mac[5], 6, "The last of some bytes");
equal(snapshot(whole).small.join(), "-1,2,-3", "The snapshot");
equal(view(Whole, bytes, 8).name, "é", "The name through a view");
equal(field(Whole, "tag").of(whole).value, 255, "The value of a field");
equal(whole.parts.column("port").at(1), 443, "The value in a column");

refuses(() => whole.tag = 256, "RangeError", "a number too large");
refuses(() => whole.parts.at(2), "BoundsError", "an index too large");
refuses(() => pointer(Whole, bytes, 4), "AlignmentError", "half a word");
refuses(() => pointer(Whole, bytes, 24), "BoundsError", "an offset too large");
bytes.buffer.transfer();
refuses(() => whole.tag, "ClosedError", "memory that is gone");
console.log("layout works");
