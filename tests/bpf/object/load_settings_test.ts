import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BpfObject, SystemError } from "../../../bpf/mod.ts";
import { NotSupportedError } from "../../../errors.ts";
import { u64 } from "../../../layout/mod.ts";
import { bpfObjects, fexit, testWith, tpBtf } from "../../_needs.ts";
import { TemporaryDirectory } from "../../_support.ts";
import { compileText } from "../_objects.ts";

const objectTest = testWith(bpfObjects);
const directory = new TemporaryDirectory();
addEventListener("unload", () => directory[Symbol.dispose]());

testWith(bpfObjects)(
  "load() says that the program to attach to has no such function (needs clang and libbpf)",
  async () => {
    const target = await compileText(
      `SEC("xdp") int pass(struct xdp_md *context) { return 2; }`,
      directory,
    );
    const path = await compileText(
      `SEC("freplace") int other(struct xdp_md *context) { return 1; }`,
      directory,
    );
    using first = BpfObject.load(target);
    const program = first.program("pass");
    const error = assertThrows(
      () =>
        BpfObject.load(path, {
          programs: { other: { attachTo: { program, function: "missing" } } },
        }),
      SystemError,
      "the program that is attached to has no function missing",
    );
    assertEquals(error.message.includes("the kernel's BTF has"), false);
  },
);

objectTest(
  "load() gives a program the type that its section does not say (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `SEC("xdp_drop") int drop(struct xdp_md *context) { return 1; }`,
      directory,
    );
    assertThrows(() => BpfObject.load(path), SystemError, "xdp_drop");
    using object = BpfObject.load(path, {
      programs: { drop: { type: "xdp" } },
    });
    const program = object.program("drop");
    assertEquals(program.type, "xdp");
    assertEquals(program.run({ data: new Uint8Array(64) }).returnValue, 1);
    assertThrows(
      () =>
        BpfObject.load(path, { programs: { drop: { type: "xpd" as never } } }),
      TypeError,
      "Program type must be a name",
    );
  },
);

testWith(bpfObjects, tpBtf)(
  "load() attaches tp_btf programs to the tracepoint that is named then (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `unsigned long hits;
SEC("tp_btf/sched_wakeup") int traced(void *context) { hits++; return 0; }`,
      directory,
    );
    using object = BpfObject.load(path, {
      programs: { traced: { attachTo: { function: "sys_enter" } } },
    });
    using _link = object.program("traced").attach({ kind: "tracing" });
    const hits = object.variable("hits", u64).view();
    const before = hits.value;
    for (let i = 0; i < 100; i++) Deno.statSync("/");
    assertEquals(hits.value - before >= 100n, true);
    const error = assertThrows(() =>
      BpfObject.load(path, {
        programs: { traced: { attachTo: { function: "no_such_tracepoint" } } },
      })
    );
    assertStringIncludes((error as Error).message, "no_such_tracepoint");
  },
);

testWith(bpfObjects, fexit)(
  "load() attaches fexit to a function of another program (needs clang and libbpf)",
  async () => {
    const target = await compileText(
      `SEC("xdp") int pass(struct xdp_md *context) { return 2; }`,
      directory,
    );
    const path = await compileText(
      `unsigned long hits;
SEC("fexit") int traced(void *context) { hits++; return 0; }`,
      directory,
    );
    using first = BpfObject.load(target);
    const program = first.program("pass");
    using object = BpfObject.load(path, {
      programs: { traced: { attachTo: { program, function: "pass" } } },
    });
    using _link = object.program("traced").attach({ kind: "tracing" });
    program.run({ data: new Uint8Array(64), repeat: 5 });
    assertEquals(object.variable("hits", u64).get(), 5n);
  },
);

objectTest(
  "Options attachTo and those of maps are checked before anything is loaded (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `SEC("xdp") int pass(struct xdp_md *context) { return 2; }`,
      directory,
    );
    const refuses = (
      options: unknown,
      error: new () => Error,
      message: string,
    ) =>
      assertThrows(
        () => BpfObject.load(path, options as never),
        error,
        message,
      );
    refuses({ programs: { pass: { attachTo: {} } } }, TypeError, "must have a");
    refuses(
      { programs: { pass: { attachTo: { program: {} } } } },
      TypeError,
      "must be a BpfProgram",
    );
    refuses({ programs: { pass: { autoload: true } } }, TypeError, "no option");
    refuses({ maps: { x: { autocreate: true } } }, TypeError, "no option");
    refuses({ map: {} }, TypeError, "the options are name, constants");
  },
);

objectTest(
  "load() sets type, sizes, flags and node of a map, or leaves it out (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __uint(value_size, 8);
} table SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, int);
  __type(value, int);
} unused SEC(".maps");
volatile const int use;
SEC("xdp") int pass(struct xdp_md *context)
{
  int key = 1;
  if (use)
    bpf_map_lookup_elem(&unused, &key);
  return bpf_map_lookup_elem(&table, &key) ? 1 : 2;
}`,
      directory,
    );
    using object = BpfObject.load(path, {
      maps: {
        table: {
          type: "lru_hash",
          maxEntries: 64,
          valueSize: 16,
          flags: ["zero_seed"],
          numaNode: 0,
        },
        unused: { create: false },
      },
    });
    assertEquals(Object.keys(object.maps).includes("unused"), false);
    const { type, maxEntries, valueSize, flags } = object.map("table").info;
    assertEquals([type, maxEntries, valueSize, [...flags].sort()], [
      "lru_hash",
      64,
      16,
      ["numa_node", "zero_seed"],
    ]);
    assertThrows(
      () => BpfObject.load(path, { maps: { ".rodata": { type: "hash" } } }),
      NotSupportedError,
      "it is a section",
    );
  },
);

objectTest(
  "BpfMap.lookup() and update() hold the lock of a value (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `struct account { struct bpf_spin_lock lock; unsigned int balance; };
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, int);
  __type(value, struct account);
} accounts SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, int);
  __type(value, long);
} plain SEC(".maps");
SEC("xdp") int pass(struct xdp_md *context) { return 2; }`,
      directory,
    );
    using object = BpfObject.load(path);
    const accounts = object.map("accounts");
    // What is written where the lock lies is not stored.
    accounts.update(1, new Uint8Array([9, 9, 9, 9, 5, 0, 0, 0]));
    accounts.update(1, new Uint8Array([9, 9, 9, 9, 7, 0, 0, 0]), "replace", {
      lock: true,
    });
    assertEquals(
      accounts.lookup(1, { lock: true }),
      new Uint8Array([0, 0, 0, 0, 7, 0, 0, 0]),
    );
    const free = object.map("plain");
    free.update(1, new Uint8Array(8));
    assertThrows(() => free.lookup(1, { lock: true }), SystemError, "EINVAL");
    assertThrows(
      () => free.lookup(1, { locked: true } as never),
      TypeError,
      "the options are lock",
    );
  },
);
