import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  aligned,
  array,
  atomic,
  be32,
  bei32,
  bits,
  bool,
  bytes,
  enumeration,
  f64,
  HostLayout,
  i64,
  InvalidTypeError,
  padding,
  safe,
  struct,
  text,
  text16,
  u128,
  u16,
  u32,
  u64,
  u8,
  uintptr,
  union,
} from "../../mod.ts";
import {
  ByteRing,
  cHeader,
  Latest,
  Seqlock,
  SpscRing,
} from "../../sync/mod.ts";
import { command, testWith } from "../_needs.ts";
import { hostmem, hostmemHere } from "../cli/_hostmem.ts";
import { repository, TemporaryDirectory } from "../_support.ts";
import { compilers } from "./_peer.ts";

const Inner = struct("Inner", { _: HostLayout, tag: u8, value: f64 });
const Color = enumeration("Color", { red: 1, green: 2 }, u8);
const Everything = struct("Everything", {
  _: HostLayout,
  flag: bool,
  color: Color,
  name: text(7),
  title: text16(6),
  low: bits(u32, 3),
  high: bits(u32, 20),
  gap: padding(5),
  network: be32,
  change: bei32,
  mac: bytes(6),
  huge: u128,
  total: safe(u64),
  counter: atomic(i64),
  address: uintptr,
  matrix: array(array(u16, 3), 2),
  inner: array(Inner, 2),
  far: aligned(u32, 64),
  either: union("Either", { _: HostLayout, small: u8, large: u64 }),
  rest: array(u32),
});
const Packed = struct("Packed", { _: HostLayout, a: u8, b: u64, c: u16 }, {
  packed: true,
});
const Placed = struct("Placed", { _: HostLayout, a: u8, b: u32 }, {
  offsets: { b: 13 }, // where C would not have it
  size: 32,
  align: 16,
});
const Gaps = struct("Gaps", {
  _: HostLayout,
  _gap0: u8,
  b: u32,
  either: union("Gap", { _: HostLayout, _gap: u8 }),
}, { offsets: { b: 13 }, size: 32 });
const Types = {
  Everything,
  Packed,
  Placed,
  Gaps,
  Color,
  Numbers: array(u64, 4),
  Ring: SpscRing(Inner, 16),
  Bytes: SpscRing(array(u8, 3), 2),
  Lines: ByteRing(4096),
  Lock: Seqlock(Inner),
  Newest: Latest(array(Inner, 3)),
  Holder: struct("Holder", {
    _: HostLayout,
    ring: SpscRing(u64, 4),
    lock: Seqlock(Placed),
  }),
};

for (const compiler of compilers) {
  testWith(command(compiler))(
    `${compiler} has every field of a header where it is here`,
    async () => {
      using directory = new TemporaryDirectory();
      // The header has an assertion for each: it compiles if all of them hold.
      await Deno.writeTextFile(directory.join("all.h"), cHeader(Types));
      await Deno.writeTextFile(
        directory.join("main.c"),
        `#include "all.h"\nint main(void) { return Color_green - 2; }\n`,
      );
      const program = directory.join("main");
      const { success, stderr } = await new Deno.Command(compiler, {
        args: [
          ...["-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program],
          directory.join("main.c"),
        ],
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      assertEquals((await new Deno.Command(program).output()).code, 0);
    },
  );
}

Deno.test("cHeader() asserts every size and offset", () => {
  const header = cHeader({ Everything });
  assertEquals(
    header.match(/_Static_assert\(offsetof\(struct Everything, \w+\)/g)?.length,
    // All but two bit-fields and the padding.
    16,
  );
});

Deno.test("cHeader() refuses what C cannot have, by name", () => {
  const Reserved = struct("Reserved", { _: HostLayout, int: u8 });
  assertThrows(
    () => cHeader({ Reserved }),
    InvalidTypeError,
    'Reserved.int: The name "int"',
  );
  const Overlaid = struct("Overlaid", { _: HostLayout, a: u32, b: u16 }, {
    offsets: { b: 2 },
  });
  assertThrows(() => cHeader({ Overlaid }), InvalidTypeError, "Overlaid.b");
  assertThrows(() => cHeader({ "1st": u8 }), InvalidTypeError, "1st");
  assertThrows(() => cHeader({ Some: {} as never }), InvalidTypeError);
  assertThrows(() => cHeader(undefined as never), TypeError, "an object");
});

Deno.test("hostmem header says what is wrong with its arguments", async () => {
  const types = `${repository}/tests/sync/_types.ts`;
  for (
    const [args, code, message] of [
      [["nothing"], 2, "file.ts#Export"],
      [[`${types}#Nothing`], 1, "Messages"],
      [[`${types}#Messages`, "--language", "cobol"], 2, "cobol"],
      [[], 2, "missing"],
      [
        [
          `${types}#Messages`,
          `${repository}/tests/sync/_languages.ts#Messages`,
        ],
        2,
        "two different exports Messages",
      ],
    ] as const
  ) {
    const result = await hostmemHere(["header", ...args]);
    assertEquals(result.code, code, result.stderr);
    assert(result.stderr.includes(message), result.stderr);
  }
});

Deno.test("hostmem header says that the file it was given is still being run", async () => {
  using directory = new TemporaryDirectory();
  const file = directory.join("server.ts");
  Deno.writeTextFileSync(file, "await new Promise(() => {});");
  const { code, stderr } = await hostmem(["header", `${file}#Messages`]);
  assertEquals(code, 1);
  assert(
    stderr.startsWith(`hostmem: ${file} is still being loaded, or run: `),
    stderr,
  );
});
