import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  BpfObject,
  type LoadOptions,
  NotSupportedError,
} from "../../../bpf/mod.ts";
import {
  bpfObjects,
  clang,
  libbpfBefore,
  libbpfSince,
  libbpfVersion,
  testWith,
} from "../../_needs.ts";
import { openDescriptors, TemporaryDirectory } from "../../_support.ts";
import { compileText, objectFile, runProgram } from "../_objects.ts";

const resizing = testWith(bpfObjects, libbpfSince(3));
const tooOld = testWith(bpfObjects, libbpfBefore(3));

resizing(
  "A section that is resized has a longer array at its end (needs clang and libbpf 1.3)",
  async () => {
    const path = await objectFile("resize");
    using object = BpfObject.load(path, {
      constants: { length: 1000 },
      maps: { ".data.slots": { valueSize: 8 + 1000 * 8 } },
    });
    const slots = object.variable("slots");
    assertEquals(slots.type.kind, "array");
    assertEquals(slots.size, 8000);
    const first = slots.get() as { count: number; last: number }[];
    assertEquals(first.length, 1000);
    assertEquals(first.slice(0, 3), [
      { count: 1, last: 2 },
      { count: 3, last: 4 },
      { count: 0, last: 0 },
    ]);
    runProgram(object, "count", 3);
    const after = slots.get() as typeof first;
    assertEquals(after[0], { count: 4, last: 0 });
    assertEquals(after[999], { count: 3, last: 999 });
    assertEquals(object.variable("before").get(), 7n);
    assertEquals(object.map(".data.slots").info.valueSize, 8008);
  },
);

resizing(
  "A section can be made shorter, and be given values of its new length (needs clang and libbpf 1.3)",
  async () => {
    const path = await objectFile("resize");
    using object = BpfObject.load(path, {
      constants: { length: 2 },
      maps: { ".data.slots": { valueSize: 8 + 2 * 8 } },
      variables: { slots: [{ count: 10, last: 0 }, { count: 20, last: 0 }] },
    });
    runProgram(object, "count");
    assertEquals(object.variable("slots").get(), [
      { count: 11, last: 0 },
      { count: 21, last: 1 },
    ]);
    using bss = BpfObject.load(path, { maps: { ".bss": { valueSize: 4096 } } });
    const { offset, size } = bss.variable("text");
    assertEquals(offset + size, 4096);
    runProgram(bss, "count");
    assertEquals(bss.variable("rounds").get(), 1n);
  },
);

resizing(
  "A size that leaves no whole number of elements is refused by name (needs clang and libbpf 1.3)",
  async () => {
    const path = await objectFile("resize");
    const before = openDescriptors("anon_inode:bpf").length;
    const refuses = (
      maps: NonNullable<LoadOptions["maps"]>,
      // deno-lint-ignore no-explicit-any -- as @std/assert has it
      type: new (...args: any[]) => Error,
      text: string,
    ) => void assertThrows(() => BpfObject.load(path, { maps }), type, text);
    for (const valueSize of [0, 8, 15, 17, 2 ** 32 - 1]) {
      refuses(
        { ".data.slots": { valueSize } },
        RangeError,
        `valueSize of the section .data.slots must be 8 bytes and a multiple of 8, the size of an element of slots: received ${valueSize}`,
      );
    }
    refuses(
      { ".data.lonely": { valueSize: 16 } },
      NotSupportedError,
      "its last variable must be an array, and lonely is none",
    );
    const kconfig = await objectFile("kconfig");
    assertThrows(
      () =>
        BpfObject.load(kconfig, { maps: { ".kconfig": { valueSize: 4096 } } }),
      NotSupportedError,
      "Cannot set valueSize of the section .kconfig: libbpf fills its variables, all of their sizes",
    );
    assertEquals(openDescriptors("anon_inode:bpf").length, before);
  },
);

testWith(bpfObjects, clang, libbpfSince(3))(
  "A section of texts alone, which no variable names, has nothing to be resized (needs clang and libbpf 1.3)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileText(
      `SEC("socket") int only(struct __sk_buff *context)
{
  const char *text = "abcdefgh";
  asm volatile("" : "+r"(text));
  return text[context->len & 7];
}`,
      directory,
    );
    const name = ".rodata.str1.1";
    assertThrows(
      () => BpfObject.load(path, { maps: { [name]: { valueSize: 64 } } }),
      NotSupportedError,
      `Cannot set valueSize of the section ${name}: it has no variables`,
    );
  },
);

tooOld(
  "A libbpf that resizes no section is told by its version (needs clang and libbpf)",
  async () => {
    const path = await objectFile("resize");
    const error = assertThrows(() =>
      BpfObject.load(path, { maps: { ".data.slots": { valueSize: 808 } } })
    );
    assertInstanceOf(error, NotSupportedError);
    assertEquals(
      error.message,
      `Cannot set valueSize of the section .data.slots: this libbpf, ${
        libbpfVersion()!.join(".")
      }, resizes none; that takes libbpf 1.3`,
    );
  },
);
