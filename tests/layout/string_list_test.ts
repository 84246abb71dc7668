import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeStrings, encodeStrings } from "../../layout/mod.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("decodeStrings() reads the command line and environment of a process", async () => {
  const env = { ONE: "1", EMPTY: "" };
  const { stdout } = await new Deno.Command("cat", {
    args: ["/proc/self/environ", "/proc/self/cmdline"],
    env,
    clearEnv: true,
  }).output();
  const [first, second, command, ...rest] = decodeStrings(stdout);
  assertEquals([first!, second!].sort(), ["EMPTY=", "ONE=1"]);
  assert(command!.endsWith("cat"));
  assertEquals(rest, [
    "/proc/self/environ",
    "/proc/self/cmdline",
  ]);
});

Deno.test("A list of strings is what it was when it is read and written", () => {
  const lists = [[], [""], ["", ""], ["a"], ["a", "", "b", ""], [
    "ü",
    "\u{1f600}",
  ]];
  for (const list of lists) {
    assertEquals(decodeStrings(encodeStrings(list)), list);
  }
  const bytes = new Uint8Array(1000).map((_, i) => (i * 7919 >> 3) & 0xff);
  bytes[999] = 0;
  assertEquals(encodeStrings(decodeStrings(bytes)), bytes);
});

Deno.test("The last string may lack its NUL; padding is left out where asked", () => {
  assertEquals(decodeStrings(bytesOf("a\0b")), ["a", "b"]);
  assertEquals(decodeStrings(bytesOf("a\0\0\0")), ["a", "", ""]);
  assertEquals(decodeStrings(bytesOf("a\0\0b\0\0"), { padded: true }), [
    "a",
    "",
    "b",
  ]);
  assertEquals(decodeStrings(new Uint8Array(8), { padded: true }), []);
  assertEquals(decodeStrings(new Uint8Array(new SharedArrayBuffer(1))), [""]);
});

Deno.test("What is not a list of strings is refused", () => {
  assertThrows(() => decodeStrings("a" as never), TypeError);
  assertThrows(
    () => decodeStrings(new Uint8Array(1), { padded: 1 as never }),
    TypeError,
  );
  assertThrows(
    () => decodeStrings(new Uint8Array(1), { pad: true } as never),
    TypeError,
    `no option "pad"`,
  );
  assertThrows(() => encodeStrings([1 as never]), TypeError);
  // To the compiler a string is a list of strings: its characters.
  for (const strings of ["ls", "", undefined as never, null as never]) {
    assertThrows(() => encodeStrings(strings), TypeError, "an array");
  }
  for (const text of ["a\0b", "\ud800"]) {
    assertThrows(() => encodeStrings([text]), RangeError);
  }
});
