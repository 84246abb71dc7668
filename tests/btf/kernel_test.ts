import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Btf,
  NotSupportedError,
  type PointerType,
  SystemError,
} from "../../btf/mod.ts";
import { addressOf, bpf, closeDescriptor } from "../../ffi/mod.ts";
import { checkType, type StructType } from "../../layout/mod.ts";
import type { AnyType } from "../../layout/model/types.ts";
import { bpfMaps, command, kernelBtf, root, testWith } from "../_needs.ts";
import { openDescriptors, run } from "../_support.ts";
import { Builder, SIGNED } from "./_builder.ts";
import { compare } from "./_comparison.ts";
import { pahole } from "./_pahole.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";

testWith(kernelBtf, command("pahole"))(
  "Btf.kernel() agrees with pahole on every 20th struct (needs BTF and pahole)",
  async () => {
    const told = await pahole(VMLINUX);
    const sample = told.filter((_, index) => index % 20 === 0);
    const { structs, members, disagreements } = compare(Btf.kernel(), sample);
    assertEquals(disagreements, []);
    assert(structs > 300 && members > 1000, `${structs}, ${members}`);
  },
);

testWith(kernelBtf)(
  "Btf.kernel() is one object, and reads the whole file (needs BTF)",
  () => {
    const btf = Btf.kernel();
    assertStrictEquals(btf, Btf.kernel());
    assertStrictEquals(btf, Btf.module("vmlinux"));
    const parsed = Btf.parse(Deno.readFileSync(VMLINUX));
    assertEquals(parsed.length, btf.length);
    assertEquals(parsed.type(btf.length - 1), btf.type(btf.length - 1));
    assertEquals(openDescriptors("/sys/kernel/btf/vmlinux"), []);
  },
);

testWith(kernelBtf)(
  "Btf.kernel() has task_struct, whose pointers lead on (needs BTF)",
  () => {
    const task = Btf.kernel().layout<StructType>("task_struct");
    checkType(task);
    assertEquals(task.fields["comm"]!.name, "text(16)");
    const parent = task.fields["parent"] as unknown as PointerType;
    assertEquals(parent.name, "struct task_struct *");
    assertStrictEquals(parent.target(), task);
    const list = Btf.kernel().layout<StructType>("list_head");
    assertStrictEquals(task.fields["tasks"] as AnyType, list as AnyType);
  },
);

testWith(kernelBtf)(
  "Btf.kernel() needs --allow-ffi and leave to read the one file (needs BTF)",
  async () => {
    const program = `
      import { Btf } from "./btf/mod.ts";
      try {
        console.log(Btf.kernel().layout("list_head").size);
      } catch (error) {
        console.log(error.name, error.message);
      }`;
    const both = await run(program, {
      permissions: ["--allow-ffi", `--allow-read=${VMLINUX}`],
    });
    assertEquals(both.stdout, "16\n", both.stderr);
    const native = await run(program, { permissions: ["--allow-ffi"] });
    assert(
      native.stdout.includes(`read access to "${VMLINUX}"`),
      native.stdout,
    );
    const read = await run(program, {
      permissions: [`--allow-read=${VMLINUX}`],
    });
    assert(read.stdout.includes("ffi"), read.stdout);
  },
);

Deno.test("Btf.module() says what is missing", () => {
  assertThrows(() => Btf.module("../vmlinux"), RangeError, '"../vmlinux"');
  assertThrows(() => Btf.module(""), RangeError);
  assertThrows(
    () => Btf.module("no_such_module"),
    NotSupportedError,
    "/sys/kernel/btf/no_such_module",
  );
});

testWith(bpfMaps, root, kernelBtf)(
  "Btf.fromId() reads the BTF that the kernel holds (needs root and bpf)",
  () => {
    // The kernel's own has the first id.
    const btf = Btf.fromId(1);
    assertEquals(btf.length, Btf.kernel().length);
    assertEquals(btf.base, undefined);
    assertEquals(openDescriptors("anon_inode:btf"), []);
    const none = assertThrows(() => Btf.fromId(0x7fffffff), SystemError);
    assertEquals([none.code, none.syscall], [
      "ENOENT",
      "bpf(BPF_BTF_GET_FD_BY_ID)",
    ]);
    assertThrows(() => Btf.fromId(-1), RangeError, "-1");
    assertThrows(() => Btf.fromId(2 ** 32), RangeError);
  },
);

/** Loads BTF into the kernel (`BPF_BTF_LOAD`): its descriptor. */
function load(bytes: Uint8Array<ArrayBuffer>): number {
  const attributes = new BigUint64Array(new ArrayBuffer(32));
  attributes[0] = addressOf(bytes);
  attributes[2] = BigInt(bytes.length);
  return bpf(18, attributes, 32);
}

testWith(bpfMaps, root)(
  "Btf.fromId() reads BTF that a program loaded (needs root and bpf)",
  () => {
    const b = new Builder();
    const int = b.int("int", 4, SIGNED);
    b.struct("value", 8, [["hits", int, 0], ["misses", int, 32]]);
    const fd = load(b.bytes());
    assert(fd >= 0, `BPF_BTF_LOAD gave ${fd}`);
    try {
      const info = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
      const btf = Btf.fromId(Number(/^btf_id:\s*(\d+)$/m.exec(info)![1]));
      assertEquals(btf.length, 3);
      assertEquals(btf.base, undefined);
      assertEquals(btf.layout("value").size, 8);
    } finally {
      closeDescriptor(fd);
    }
  },
);
