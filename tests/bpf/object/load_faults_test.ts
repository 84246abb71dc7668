import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BpfMap,
  BpfObject,
  RingBuffer,
  VerifierError,
} from "../../../bpf/mod.ts";
import { NotSupportedError, SystemError } from "../../../errors.ts";
import {
  bpfMounts,
  bpfObjects,
  libbpfVersion,
  testWith,
} from "../../_needs.ts";
import { TemporaryDirectory } from "../../_support.ts";
import { compileText } from "../_objects.ts";

const objectTest = testWith(bpfObjects);
const pinTest = testWith(bpfObjects, bpfMounts);
const directory = new TemporaryDirectory();
addEventListener("unload", () => directory[Symbol.dispose]());

/** The error with which an object is refused. */
async function refusal(text: string): Promise<Error> {
  const path = await compileText(text, directory);
  try {
    BpfObject.load(path).close();
  } catch (error) {
    return error as Error;
  }
  throw new Error("It was loaded");
}

const PASS = `SEC("xdp") int pass(struct xdp_md *context) { return 2; }`;

const DEVMAP =
  "__uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 4);";

/** Definitions that libbpf or the kernel make into something else. */
const definitions: [name: string, definition: string][] = [
  [
    "perf_event_array",
    "__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4);",
  ],
  ["devmap", DEVMAP],
  [
    "devmap_hash",
    "__uint(type, BPF_MAP_TYPE_DEVMAP_HASH); __uint(max_entries, 4); __uint(key_size, 4); __uint(value_size, 8);",
  ],
  [
    "ringbuf",
    "__uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 5000);",
  ],
  [
    "ringbuf with a type of records",
    "__uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __type(value, long);",
  ],
  [
    "lru_percpu",
    "__uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 15); __uint(map_flags, 2); __type(key, int); __type(value, int);",
  ],
];

for (const [name, definition] of definitions) {
  objectTest(
    `reuse takes an object's own map of type ${name} (needs clang and libbpf)`,
    async () => {
      const path = await compileText(
        `struct { ${definition} } own SEC(".maps"); ${PASS}`,
        directory,
      );
      using first = BpfObject.load(path);
      const reuse = first.map("own");
      using second = BpfObject.load(path, { maps: { own: { reuse } } });
      assertEquals(second.map("own").info.id, reuse.info.id);
    },
  );
}

const pinned = (entries: number) =>
  `struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, ${entries});
  __uint(pinning, LIBBPF_PIN_BY_NAME);
  __type(key, int);
  __type(value, int);
} shared SEC(".maps"); ${PASS}`;

pinTest(
  "reuse goes before the pin that a definition asks for (needs clang, libbpf and mounts)",
  async () => {
    using pins = BpfPins.make();
    const path = await compileText(pinned(4), directory);
    using _first = BpfObject.load(path, { pinPath: pins.path });
    using own = BpfMap.create({
      type: "hash",
      valueSize: 4,
      maxEntries: 4,
    });
    using object = BpfObject.load(path, {
      pinPath: pins.path,
      maps: { shared: { reuse: own } },
    });
    assertEquals(object.map("shared").info.id, own.info.id);
    Deno.removeSync(`${pins.path}/shared`);
    using _again = BpfObject.load(path, {
      pinPath: pins.path,
      maps: { shared: { reuse: own } },
    });
    const names = [...Deno.readDirSync(pins.path)].map(({ name }) => name);
    assertEquals(names.includes("shared"), false);
    assertThrows(
      () =>
        BpfObject.load(path, {
          maps: { shared: { reuse: own, pin: `${pins.path}/other` } },
        }),
      TypeError,
      "exclude each other",
    );
  },
);

pinTest(
  "A pinned map that is unlike its definition is refused with what differs (needs clang, libbpf and mounts)",
  async () => {
    using pins = BpfPins.make();
    const four = await compileText(pinned(4), directory);
    const eight = await compileText(pinned(8), directory);
    using first = BpfObject.load(four, { pinPath: pins.path });
    assertEquals(first.map("shared").pinnedTo, `${pins.path}/shared`);
    assertThrows(
      () => BpfObject.load(eight, { pinPath: pins.path }),
      RangeError,
      `The map that is pinned at "${pins.path}/shared" for shared must have the maxEntries 8: it has 4`,
    );
    using second = BpfObject.load(four, { pinPath: pins.path });
    assertEquals(second.map("shared").info.id, first.map("shared").info.id);
    const devmap = await compileText(
      `struct { ${DEVMAP} __uint(pinning, LIBBPF_PIN_BY_NAME); } own SEC(".maps"); ${PASS}`,
      directory,
    );
    using third = BpfObject.load(devmap, { pinPath: pins.path });
    using fourth = BpfObject.load(devmap, { pinPath: pins.path });
    assertEquals(third.map("own").info.id, fourth.map("own").info.id);
  },
);

pinTest(
  "A pinned ring buffer that names a type of records is taken again (needs clang, libbpf and mounts)",
  async () => {
    using pins = BpfPins.make();
    const path = await compileText(
      `struct event { int pid; char comm[16]; };
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
  __type(value, struct event);
} events SEC(".maps"); ${PASS}`,
      directory,
    );
    using first = BpfObject.load(path, { pinPath: pins.path });
    using second = BpfObject.load(path, { pinPath: pins.path });
    assertEquals(second.map("events").info.id, first.map("events").info.id);
  },
);

/** A BPF file system of our own folder. */
class BpfPins {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static make(): BpfPins & Disposable {
    const path = directory.join(`pins-${crypto.randomUUID()}`);
    Deno.mkdirSync(path);
    const { success } = new Deno.Command("mount", {
      args: ["-t", "bpf", "none", path],
    }).outputSync();
    assertEquals(success, true);
    return Object.assign(new BpfPins(path), {
      [Symbol.dispose]() {
        new Deno.Command("umount", { args: [path] }).outputSync();
      },
    });
  }
}

objectTest(
  "Ring buffers that name a type of records load, and know it (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `struct event { int pid; char comm[16]; };
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
  __type(value, struct event);
} events SEC(".maps"); ${PASS}`,
      directory,
    );
    using object = BpfObject.load(path);
    const type = object.map("events").valueType!;
    assertEquals([type.name, type.size], ["event", 20]);
    using ring = new RingBuffer(object.map("events"), type as never);
    assertEquals(ring.available, 0);
  },
);

objectTest(
  "Maps of an object know the types that the kernel drops (needs clang and libbpf)",
  async () => {
    const path = await compileText(
      `struct event { int pid; char comm[16]; };
struct {
  __uint(type, BPF_MAP_TYPE_QUEUE);
  __uint(max_entries, 4);
  __type(value, struct event);
} waiting SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, 4);
  __type(key, int);
  __type(value, struct bpf_devmap_val);
} ports SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_STACK_TRACE);
  __uint(max_entries, 4);
  __uint(key_size, 4);
  __uint(value_size, 8 * 127);
} stacks SEC(".maps");
struct key { int group; int member; };
struct {
  __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
  __uint(max_entries, 4);
  __type(key, struct key);
  __array(values, struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, int);
    __type(value, int);
  });
} groups SEC(".maps"); ${PASS}`,
      directory,
    );
    using object = BpfObject.load(path);
    const queue = object.map("waiting").queue();
    queue.push({ pid: 4, comm: "cat" } as never);
    assertEquals(queue.pop(), { pid: 4, comm: "cat" });
    assertEquals(object.map("ports").valueType?.name, "bpf_devmap_val");
    assertEquals(object.map("groups").keyType?.name, "key");
    assertEquals([...object.map("groups").keys()], []);
    assertEquals(object.map("stacks").valueType?.kind, "array");
  },
);

objectTest(
  "What this libbpf leaves out of an object is an error (needs clang and libbpf)",
  async () => {
    const [major, minor] = libbpfVersion()!;
    const path = await compileText(
      `struct fake { int x; };
SEC(".struct_ops.link") struct fake ops = { .x = 1 };`,
      directory,
    );
    const error = assertThrows(() => BpfObject.load(path));
    if (major === 1 && minor < 2) {
      assertInstanceOf(error, NotSupportedError);
      assertStringIncludes(error.message, `".struct_ops.link"`);
      assertStringIncludes(error.message, "libbpf 1.2");
    }
  },
);

objectTest(
  "A map that the kernel refuses is told with its mistake, whatever else is wrong (needs clang and libbpf)",
  async () => {
    const map = (definition: string) =>
      `struct { ${definition} } own SEC(".maps"); `;
    const hash =
      "__uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int);";
    const lpm =
      "__uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4); __uint(key_size, 8); __type(value, int);";
    const unknown =
      `SEC("no_such_section/x") int only(void *context) { return 0; }`;
    for (
      const [text, mistake] of [
        [
          map(hash) + PASS,
          "maxEntries of a map of type hash must be at least 1",
        ],
        [map(hash) + unknown, "maxEntries of a map of type hash must be"],
        [map(lpm) + PASS, "must have the flag no_prealloc"],
      ] as const
    ) {
      const error = await refusal(text);
      assertStringIncludes(error.message, `map "own": `);
      assertStringIncludes(error.message, mistake);
      assertEquals(error.message.includes("section"), false, error.message);
    }
  },
);

objectTest(
  "A function without a body is told, not the lack of types (needs clang and libbpf)",
  async () => {
    const error = await refusal(
      `extern int missing(int x);
SEC("xdp") int pass(struct xdp_md *context) { return missing(1); }`,
    );
    assertStringIncludes(error.message, "missing");
    assertEquals(error.message.includes("have no types"), false, error.message);
    assertStringIncludes(error.message, "is declared and not defined");
  },
);

objectTest(
  "A kernel symbol that is not there is told, not the target of a program (needs clang and libbpf)",
  async () => {
    const error = await refusal(
      `extern const void no_such_symbol __ksym;
SEC("tp_btf/sched_switch") int traced(void *context) { return (long)&no_such_symbol > 5; }`,
    );
    assertStringIncludes(error.message, "no_such_symbol");
    assertEquals(/tp_btf/.test(error.message), false, error.message);
  },
);

objectTest(
  "A target that the kernel's BTF does not have is told (needs clang and libbpf)",
  async () => {
    const error = await refusal(
      `SEC("tp_btf/no_such_tracepoint") int traced(void *context) { return 0; }`,
    );
    assertStringIncludes(error.message, "tp_btf/no_such_tracepoint");
  },
);

objectTest(
  "A program that the kernel refuses unseen is no VerifierError (needs clang and libbpf)",
  async () => {
    // The kernel asks for an attach target of fentry before it looks at code.
    const path = await compileText(
      `SEC("fentry/bpf_prog_test_run_xdp") int traced(void *context) { return 0; }`,
      directory,
    );
    let error: unknown;
    try {
      BpfObject.load(path).close();
      return; // This kernel takes it.
    } catch (thrown) {
      error = thrown;
    }
    assertInstanceOf(error, SystemError);
    assertEquals(error instanceof VerifierError, false, `${error}`);
  },
);

objectTest(
  "VerifierError.message has the reason and the line of C first (needs clang and libbpf)",
  async () => {
    const error = await refusal(
      `struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4);
  __type(key, int);
  __type(value, long);
} counts SEC(".maps");
SEC("xdp") int pass(struct xdp_md *context)
{
  int key = 0;
  long *value = bpf_map_lookup_elem(&counts, &key);
  return *value; /* without a check */
}`,
    );
    assertInstanceOf(error, VerifierError);
    const [first, second] = error.message.split("\n");
    assertStringIncludes(first!, "invalid mem access");
    assertStringIncludes(first! + second!, "return *value");
    assertEquals(/^(R\d+=|\d+: R)/m.test(error.message), false, error.message);
  },
);

objectTest(
  "load() takes the text of a file URL, and says to fetch others (needs clang and libbpf)",
  async () => {
    const path = await compileText(PASS, directory);
    using object = BpfObject.load(`file://${path}`);
    assertEquals(Object.keys(object.programs), ["pass"]);
    assertThrows(
      () => BpfObject.load("https://example.com/a.o"),
      TypeError,
      "fetch",
    );
  },
);

objectTest(
  "An unknown section says which there are, socket among them (needs clang and libbpf)",
  async () => {
    const error = await refusal(
      `SEC("no_such_section/x") int only(void *context) { return 0; }`,
    );
    assertStringIncludes(error.message, `"socket"`);
    const socket = await refusal(
      `SEC("socket/x") int only(void *context) { return 0; }`,
    );
    assertStringIncludes(socket.message, `SEC("socket")`);
  },
);
