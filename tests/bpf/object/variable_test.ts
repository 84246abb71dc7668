import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BpfMap,
  BpfObject,
  BpfVariable,
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
  ReadOnlyError,
} from "../../../bpf/mod.ts";
import {
  array,
  atomic,
  HostLayout,
  i64,
  type Pointer,
  struct,
  u16,
  u32,
  u64,
  u8,
} from "../../../layout/mod.ts";
import { objectTest } from "../../_needs.ts";
import { collect, eventually, mappings } from "../../_support.ts";
import { mapExists } from "../_maps.ts";
import { objectFile, runProgram } from "../_objects.ts";

async function load(
  options: Parameters<typeof BpfObject.load>[1] = {},
): Promise<BpfObject> {
  return BpfObject.load(await objectFile("variables"), options);
}

objectTest(
  "BpfObject.variables are those of the program, by BTF (needs clang and libbpf)",
  async () => {
    using object = await load();
    const all = Object.entries(object.variables).map(([name, variable]) => {
      assertEquals(variable.name, name);
      const { section, size, type, readOnly } = variable;
      return `${name}: ${type.name}, ${size} in ${section}${
        readOnly ? ", read-only" : ""
      }`;
    });
    assertEquals(all.toSorted(), [
      "address: void *, 8 in .bss",
      "aligned_hits: u64, 8 in .bss",
      "bytes: u64, 8 in .bss",
      "color: color, 4 in .bss",
      "counts: u32[4], 16 in .bss",
      "flags: flags, 8 in .bss",
      "greeting: text(8), 8 in .rodata, read-only",
      "hits: u64, 8 in .bss",
      "huge: i128, 16 in .bss",
      "last: point, 16 in .bss",
      "least: i64, 8 in .data",
      "level: level, 4 in .bss",
      "limit: u32, 4 in .rodata, read-only",
      "list: list, 12 in .data",
      "matrix: u8[2][3], 6 in .data",
      "nested: nested, 64 in .bss",
      "origin: point, 16 in .rodata, read-only",
      "packed: packed, 13 in .bss",
      "ratio: f64, 8 in .bss",
      "seen: bool, 1 in .bss",
      "step: i32, 4 in .data",
      "text: text(16), 16 in .bss",
      "tuned: u32, 4 in .data.tuning",
      "verbose: bool, 1 in .rodata, read-only",
      "wide: wide, 8 in .bss",
    ]);
    assert(Object.isFrozen(object.variables));
    assertEquals(Object.getPrototypeOf(object.variables), null);
    assertEquals(object.variables.aligned_hits!.offset % 64, 0);
  },
);

objectTest(
  "BpfVariable is what a running program counts (needs clang and libbpf)",
  async () => {
    using object = await load({ variables: { step: 3 } });
    const hits = object.variable("hits", u64).pointer();
    runProgram(object, "count", 1000);
    assertEquals(hits.value, 3000n);
    assertEquals(object.variable("hits").get(), 3000n);
    assertEquals(object.variable("seen").get(), true);
    assertEquals(object.variable("last").get(), { x: 3000n, y: -3000n });
    // And what is stored the program reads.
    object.variable("step").set(-1);
    hits.value = 10n;
    runProgram(object, "count", 4);
    assertEquals(hits.value, 6n);
  },
);

/** A value of each variable's type, and what it reads as then. */
const values: Record<string, [stored: unknown, read?: unknown]> = {
  hits: [0xffffffffffffffffn],
  counts: [[1, 2, 3, 0xffffffff]],
  seen: [true],
  last: [{ x: -1n, y: 2n ** 63n - 1n }],
  flags: [{ a: 7, b: 127, c: -256, d: 2n ** 40n - 1n }],
  packed: [{ a: 255, b: 0x12345678, c: 5n }],
  color: [7],
  // LOW, -2, is one for compilers alone that tell of signs: clang from 15 on.
  level: [3],
  wide: [0xffffffffffffffffn],
  text: ["déjà vu"],
  ratio: [-0.5],
  address: [0xffff_8000_0000_0000n],
  ["aligned_hits"]: [1n],
  huge: [5n - 2n ** 127n],
  step: [-2147483648],
  least: [-1n],
  list: [{ count: 9, items: [1, 2, 65535, 4] }],
  matrix: [[[6, 5, 4], [3, 2, 1]]],
  tuned: [0],
  nested: [
    {
      id: 1,
      low: 2,
      high: 3,
      points: [{ x: 1n, y: 2n }, { x: 3n, y: 4n }],
      name: "twelve chars",
    },
    {
      id: 1,
      whole: 0x3_0000_0002n,
      low: 2,
      high: 3,
      points: [{ x: 1n, y: 2n }, { x: 3n, y: 4n }],
      name: "twelve chars",
    },
  ],
};

objectTest(
  "BpfVariable.set() stores every kind of value, and no neighbour's (needs clang and libbpf)",
  async () => {
    using object = await load();
    const others = new Map<string, unknown>();
    for (const [name, variable] of Object.entries(object.variables)) {
      others.set(name, variable.get());
    }
    for (const [name, [stored, read = stored]] of Object.entries(values)) {
      object.variable(name).set(stored);
      others.set(name, read);
      for (const [other, value] of others) {
        assertEquals(
          object.variable(other).get(),
          value,
          `${other} of ${name}`,
        );
      }
    }
  },
);

objectTest(
  "BpfVariable.set() takes a part of a value, and nothing of a wrong one (needs clang and libbpf)",
  async () => {
    using object = await load();
    const last = object.variable("last");
    last.set({ y: 5n });
    assertEquals(last.get(), { x: 0n, y: 5n });
    assertThrows(() => last.set({ x: 1n, y: 2n ** 63n }), RangeError, "last.y");
    assertThrows(() => last.set({ x: 1n, z: 2n }), TypeError, "z");
    assertThrows(() => last.set(7), TypeError);
    assertEquals(last.get(), { x: 0n, y: 5n });
    assertThrows(() => object.variable("hits").set(1), TypeError, "hits");
    assertThrows(() => object.variable("seen").set(1), TypeError, "seen");
    assertThrows(
      () => object.variable("step").set(2 ** 31),
      RangeError,
      "step",
    );
    assertThrows(() => object.variable("counts").set([1, -1]), RangeError);
    assertEquals(object.variable("counts").get(), [0, 0, 0, 0]);
  },
);

objectTest(
  "BpfVariable.pointer() and view() are the program's memory, by its types or others (needs clang and libbpf)",
  async () => {
    using object = await load();
    const Point = struct("point", { _: HostLayout, x: i64, y: i64 });
    const last: Pointer<typeof Point> = object.variable("last", Point)
      .pointer();
    const same = object.variables.last!.view() as typeof last;
    runProgram(object, "count", 2);
    assertEquals([last.x, same.y], [2n, -2n]);
    last.x = 9n;
    assertEquals(same.x, 9n);
    object.variables.counts!.pointer(array(u16, 8))[1] = 2;
    assertEquals(object.variables.counts!.view(array(u16, 8)).at(1), 2);
    assertEquals(object.variable("counts").get(), [0x20000, 0, 2, 0]);
    const hits = object.variable("hits", atomic(u64));
    assertEquals(hits.pointer().add(1n), 2n);
    assertEquals(hits.get(), 3n);
    hits.set(40n);
    assertEquals(hits.view().load(), 40n);
    assertEquals(object.variables.hits!.pointer(atomic(u64)).exchange(1n), 40n);
    const tail = object.variable("list").pointer() as { items: Uint16Array };
    assertEquals([...tail.items], [10, 20, 30, 0]);
  },
);

objectTest(
  "BpfVariable.pointer() refuses types of another size, and constants (needs clang and libbpf)",
  async () => {
    using object = await load();
    const { hits, limit } = object.variables;
    assertThrows(
      () => hits!.pointer(u32),
      InvalidTypeError,
      "u32: The type must have the size of the variable hits, 8 bytes: it has 4",
    );
    assertThrows(() => hits!.view(array(u64, 2)), InvalidTypeError, "16");
    assertThrows(
      () => object.variable("hits", u8),
      InvalidTypeError,
      "8 bytes",
    );
    const Unmarked = struct("Unmarked", { x: u64 });
    assertThrows(
      // @ts-expect-error A struct without the marker is no layout of this host.
      () => hits!.pointer(Unmarked),
      InvalidTypeError,
      "HostLayout",
    );
    for (
      const use of [
        () => limit!.pointer(),
        () => limit!.pointer(u32),
        () => limit!.set(6),
      ]
    ) {
      assertThrows(use, ReadOnlyError, "limit: it is in .rodata");
    }
    assertEquals(limit!.get(), 5);
    assertEquals(limit!.view(u32).value, 5);
    assertEquals(object.variable("origin").get(), { x: 1n, y: -1n });
    assertEquals(object.variable("greeting").get(), "hello");
  },
);

objectTest(
  "BpfVariable throws once its object is closed, while its pointers live on (needs clang and libbpf)",
  async () => {
    const object = await load();
    const hits = object.variable("hits", u64);
    const never = object.variable("step");
    const live = hits.pointer();
    runProgram(object, "count", 7);
    object.close();
    object.close();
    assertEquals(object.closed, true);
    assertEquals(live.value, 7n);
    live.value += 1n;
    assertEquals(live.value, 8n);
    for (const variable of [hits, never]) {
      assertThrows(() => variable.get(), ClosedError, variable.name);
      assertThrows(() => variable.set(1n as never), ClosedError);
      assertThrows(() => variable.pointer(), ClosedError);
      assertThrows(() => variable.view(), ClosedError);
      assertEquals([variable.size, variable.readOnly], [variable.size, false]);
    }
  },
);

objectTest(
  "A pointer to a BpfVariable alone keeps its memory, and nothing else does (needs clang and libbpf)",
  async () => {
    const path = await objectFile("variables");
    const before = mappings("anon_inode:bpf-map").length;
    let held: { value: bigint } | undefined;
    function make(): number {
      using object = BpfObject.load(path);
      held = object.variable("hits", u64).pointer();
      held.value = 5n;
      return object.map(".bss").info.id;
    }
    const id = make();
    for (let i = 0; i < 3; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 1));
      assertEquals(held?.value, 5n);
      assert(mapExists(id));
    }
    held = undefined;
    await eventually(() => {
      collect();
      return !mapExists(id) && mappings("anon_inode:bpf-map").length <= before;
    });
  },
);

objectTest(
  "BpfVariable.get() and set() of a map that cannot be mapped go by copies (needs clang and libbpf)",
  async () => {
    using template = await load();
    const { valueSize } = template.map(".data").info;
    using other = BpfMap.create({ type: "array", valueSize, maxEntries: 1 });
    using object = await load({ maps: { ".data": { reuse: other } } });
    const step = object.variable("step");
    assertEquals(step.get(), 0);
    step.set(-5);
    object.variable("list").set({ items: [7] });
    assertEquals([step.get(), object.variable("list").get()], [
      -5,
      { count: 0, items: [7, 0, 0, 0] },
    ]);
    assertEquals(new Int32Array(other.lookup(0)!.buffer, 0, 1)[0], -5);
    runProgram(object, "count", 2);
    assertEquals(object.variable("hits").get(), -10n & 0xffffffffffffffffn);
    assertThrows(() => step.set(1.5), RangeError, "step");
    for (const use of [() => step.pointer(), () => step.view()]) {
      assertThrows(use, NotSupportedError, "use get() and set()");
    }
    object.close();
    assertThrows(() => step.get(), ClosedError);
    assertThrows(() => step.set(1), ClosedError);
  },
);

Deno.test({
  name: "A BpfVariable can be had of a BpfObject alone",
  fn() {
    assertThrows(
      // @ts-expect-error The constructor is private.
      () => new BpfVariable({}, {}, undefined),
      TypeError,
      "Illegal constructor",
    );
  },
});
