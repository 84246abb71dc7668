import { assert, assertEquals, assertThrows } from "@std/assert";
import { Btf, BtfError } from "../../btf/mod.ts";
import { sized } from "../_fire.ts";
import { Random } from "../_support.ts";
import { Builder, K } from "./_builder.ts";
import { exercise, randomBtf, randomInput } from "./_fuzz.ts";

/** Of each kind of mistake there are hundreds. */
const INPUTS = sized(700, 4000);

Deno.test("wrong BTF gives a BtfError or a result, whatever is random", () => {
  const random = new Random();
  const good = Array.from({ length: 16 }, () => randomBtf(random));
  const tally = { refused: 0, layouts: 0, errors: 0 };
  for (let i = 0; i < INPUTS; i++) exercise(randomInput(good, random), tally);
  assert(
    tally.refused > INPUTS / 10 && tally.layouts > INPUTS,
    JSON.stringify(tally),
  );
  assert(tally.errors > INPUTS, JSON.stringify(tally));
});

Deno.test("BTF cut off anywhere is refused", () => {
  const b = new Builder();
  b.struct("s", 4, [["x", b.int("int", 4), 0]]);
  const bytes = b.bytes();
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => Btf.parse(bytes.subarray(0, length)), BtfError);
  }
});

Deno.test("names that all lie in each other cost no more than others", () => {
  // One name of a megabyte, and types that are called by each of its ends.
  const length = 2 ** 20;
  const b = new Builder();
  b.strings.push(...new Uint8Array(0));
  for (let i = 0; i < 50_000; i++) {
    b.words.push(1 + i, K.INT << 24, 4, 32);
  }
  b.strings = [0];
  for (let i = 0; i < length; i++) b.strings.push(0x61);
  b.strings.push(0);
  const btf = Btf.parse(b.bytes());
  const error = assertThrows(() => btf.type(1), BtfError, "at most 1024 bytes");
  assertEquals(error.offset, 24 + 50_000 * 16 + 1);
  assertEquals(btf.findAll("b"), []);
  assertThrows(() => btf.find("a".repeat(64)), BtfError, "at most 1024 bytes");
});
