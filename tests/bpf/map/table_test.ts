import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfMap, type MapType, type UpdateMode } from "../../../bpf/mod.ts";
import {
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import {
  array,
  HostLayout,
  pointer,
  safe,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
  union,
} from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { bytes, mappable } from "../_maps.ts";

const Flow = struct("Flow", { _: HostLayout, address: u32, port: u16 });
const Count = struct("Count", {
  _: HostLayout,
  packets: u64,
  sizes: array(u16, 3),
  device: text(6),
});

function flows(maxEntries = 16) {
  const map = BpfMap.create({
    type: "hash",
    keySize: 8,
    valueSize: 24,
    maxEntries,
  });
  return { map, table: map.table({ keyType: Flow, valueType: Count }) };
}

bpfTest(
  "MapTable.get(), has(), set(), delete() and take() keep plain data",
  () => {
    const { map, table } = flows();
    using _ = map;
    const key = { address: 1, port: 443 };
    const count = { packets: 2n ** 64n - 1n, sizes: [1, 2, 3], device: "eth0" };
    assertEquals([table.get(key), table.has(key)], [undefined, false]);
    table.set(key, count);
    assertEquals([table.get(key), table.has(key)], [count, true]);
    assertEquals(
      map.lookup(new Uint8Array([1, 0, 0, 0, 187, 1, 0, 0]))!.slice(8, 14),
      new Uint8Array([1, 0, 2, 0, 3, 0]),
    );
    assertEquals(table.take(key), count);
    assertEquals(table.take(key), undefined);
    table.set(key, count);
    assertEquals([table.delete(key), table.delete(key)], [true, false]);
    assertEquals([...table], []);
  },
);

bpfTest(
  "MapTable.set() stores zeros for what is left out, and whole pointers",
  () => {
    const { map, table } = flows();
    using _ = map;
    table.set({ address: 1 }, { packets: 1n, device: "lo" });
    table.set({ address: 1 }, { sizes: [7] });
    const stored = { packets: 0n, sizes: [7, 0, 0], device: "" };
    assertEquals([...table], [[{ address: 1, port: 0 }, stored]]);
    const live = pointer(Count, new ArrayBuffer(24));
    live.packets = 9n;
    const flow = pointer(Flow, new ArrayBuffer(8));
    flow.port = 80;
    table.set(flow, live);
    assertEquals(table.get(flow)!.packets, 9n);
    assertEquals(table.get({ port: 80 })!.packets, 9n);
  },
);

bpfTest("MapTable.set() takes the modes that update() does", () => {
  const { map, table } = flows();
  using _ = map;
  const key = { address: 1 };
  const missing = assertThrows(
    () => table.set(key, {}, "replace"),
    SystemError,
  );
  assertEquals(missing.code, "ENOENT");
  table.set(key, {}, "create");
  const present = assertThrows(
    () => table.set(key, {}, "create"),
    SystemError,
  );
  assertEquals(present.code, "EEXIST");
  table.set(key, { packets: 1n }, "replace");
  assertEquals(table.get(key)!.packets, 1n);
  assertThrows(
    () => table.set(key, {}, "ANY" as UpdateMode),
    TypeError,
    "Mode must be",
  );
});

bpfTest("MapTable stores nothing where a key or a value does not fit", () => {
  const { map, table } = flows();
  using _ = map;
  const wrong: [() => void, typeof Error, string][] = [
    [() => table.set({ port: 65536 }, {}), RangeError, "Flow.port"],
    [() => table.set({ port: -1 }, {}), RangeError, "Flow.port"],
    [() => table.set({}, { packets: 1 as never }), TypeError, "packets"],
    [() => table.set({}, { sizes: [1, 2, 3, 4] }), RangeError, "sizes"],
    [() => table.set({}, { device: "toolong" }), RangeError, "device"],
    [() => table.set({}, { other: 1 } as never), TypeError, `"other"`],
    [() => table.set(5 as never, {}), TypeError, "Flow"],
    [() => table.set(null as never, {}), TypeError, "Flow"],
    [() => table.set({}, undefined as never), TypeError, "Count"],
    [() => table.get([] as never), TypeError, "Flow"],
    [() => table.delete("" as never), TypeError, "Flow"],
    [
      () => table.setAll([[{}, {}], [{ port: 1e9 }, {}]]),
      RangeError,
      "Flow.port",
    ],
    [() => table.deleteAll([{}, { port: NaN }]), RangeError, "Flow.port"],
    [() => table.setAll(5 as never), TypeError, "iterable"],
  ];
  for (const [use, errorClass, message] of wrong) {
    assertThrows(use, errorClass, message);
  }
  assertEquals([...table], []);
});

bpfTest(
  "MapTable is of bytes where no types are known, and of numbers as keys",
  () => {
    using map = BpfMap.create({
      type: "hash",
      keySize: 4,
      valueSize: 3,
      maxEntries: 4,
    });
    const table = map.table();
    const value = new Uint8Array([1, 2, 3]);
    table.set(258, value);
    assertEquals([...map.entries()], [[new Uint8Array([2, 1, 0, 0]), value]]);
    assertEquals(table.get(new Uint8Array([2, 1, 0, 0])), value);
    assertThrows(() => table.get(-1), RangeError, "Key must be");
    assertThrows(
      () => table.set(1, new Uint8Array(4)),
      RangeError,
      "Value must have 3 bytes: it has 4",
    );
    assertThrows(
      () => table.set(1, 5),
      TypeError,
      "Value must be a Uint8Array",
    );
    const typed = map.table({ keyType: u32 });
    assertEquals([...typed.keys()], [258]);
    assertEquals([...typed.values()], [value]);
  },
);

bpfTest("MapTable has the static types of what it was given", () => {
  const { map, table } = flows();
  using _ = map;
  table.set({ address: 1 }, { packets: 1n });
  const value = table.get({ address: 1 });
  const packets: bigint | undefined = value?.packets;
  assertEquals(packets, 1n);
  // @ts-expect-error There is no such field.
  assertEquals(value?.bytes, undefined);
  // @ts-expect-error A key has no such field.
  assertThrows(() => table.get({ addres: 1 }), TypeError);
  // @ts-expect-error A bigint is no number.
  assertThrows(() => table.get({ address: 1n }), TypeError);
  for (
    const [key, { device }] of map.entries({
      keyType: Flow,
      valueType: Count,
    })
  ) {
    const address: number = key.address;
    const name: string = device;
    assertEquals([address, name], [1, ""]);
  }
  const unknown: unknown = [...map.table({ valueType: Count }).keys()][0];
  assert(unknown instanceof Uint8Array);
  using percpu = BpfMap.create({
    type: "percpu_array",
    valueSize: 8,
    maxEntries: 1,
  });
  const counts = percpu.perCpu({ valueType: u64 });
  const all: bigint[] | undefined = counts.get(0);
  const sum: bigint | undefined = counts.sum(0);
  assertEquals([all?.[0], sum], [0n, 0n]);
});

bpfTest(
  "MapTable refuses types of another size, and maps that are no tables",
  () => {
    const { map } = flows();
    using _ = map;
    assertThrows(
      () => map.table({ valueType: u64 }),
      InvalidTypeError,
      "must have the size of the map's values, 24 bytes: it has 8",
    );
    assertThrows(
      () => map.table({ keyType: {} as never }),
      InvalidTypeError,
      "Expected a type",
    );
    assertThrows(() => map.table(5 as never), TypeError);
    const Unmarked = struct("Unmarked", { a: u64 });
    assertThrows(() => map.table({ keyType: Unmarked }), InvalidTypeError);
    for (
      const [type, options] of [
        ["queue", { valueSize: 8 }],
        ["stack", { valueSize: 8 }],
        ["bloom_filter", { valueSize: 8 }],
      ] as const
    ) {
      using other = BpfMap.create({ type, maxEntries: 4, ...options });
      assertThrows(() => other.table(), NotSupportedError, `of type ${type}`);
      assertThrows(() => other.entries(), NotSupportedError, `of type ${type}`);
    }
    using ring = BpfMap.create({ type: "ringbuf", maxEntries: 4096 });
    assertThrows(() => ring.entries(), NotSupportedError, "it has none");
    assertThrows(() => map.perCpu(), NotSupportedError, "use table()");
    assertThrows(() => map.queue(), NotSupportedError, "use table()");
    using percpu = BpfMap.create({
      type: "percpu_array",
      valueSize: 8,
      maxEntries: 1,
    });
    assertThrows(() => percpu.table(), NotSupportedError, "use perCpu()");
  },
);

const kinds: MapType[] = [
  "hash",
  "lru_hash",
  "array",
  "lpm_trie",
  "percpu_hash",
  "lru_percpu_hash",
  "percpu_array",
];
for (const type of kinds) {
  bpfTest(
    `BpfMap.entries() of a map of type ${type} gives all of it, once`,
    () => {
      const isPerCpu = type.includes("percpu");
      const isArray = type.includes("array");
      const Key = struct("Key", { _: HostLayout, bits: u32, data: u32 });
      const count = 5000;
      using map = BpfMap.create({
        type,
        keySize: isArray ? 4 : 8,
        valueSize: 12,
        maxEntries: isArray || type === "lpm_trie" ? count : 4 * count,
        flags: type === "lpm_trie" ? ["no_prealloc"] : [],
      });
      const Value = array(u32, 3);
      const valueOf = (i: number) => [i, 2 * i, 3 * i];
      const keyOf = (i: number) => isArray ? i : { bits: 32, data: i };
      const keyType = isArray ? u32 : Key;
      if (isPerCpu) {
        const table = map.perCpu({ keyType, valueType: Value });
        const cpus = map.lookup(isArray ? 0 : new Uint8Array(8))?.length;
        assert(cpus === undefined || cpus % 16 === 0);
        const size = table.get(keyOf(0) as never)?.length ??
          navigator.hardwareConcurrency;
        table.setAll(
          Array.from({ length: count }, (_, i) => [
            keyOf(i) as never,
            Array.from({ length: size }, () => valueOf(i)),
          ]),
        );
        const sums = new Map(
          [...table.sums()].map(([key, [sum]]) => [
            typeof key === "number" ? key : key.data,
            sum,
          ]),
        );
        assertEquals(sums.size, count);
        for (const [i, sum] of sums) assertEquals(sum, size * i);
        return;
      }
      const table = map.table({ keyType, valueType: Value });
      table.setAll(
        Array.from(
          { length: count },
          (_, i) => [keyOf(i) as never, valueOf(i)],
        ),
      );
      const seen = new Set<number>();
      for (const [key, value] of table) {
        const i = typeof key === "number" ? key : key.data;
        assert(!seen.has(i));
        seen.add(i);
        assertEquals(value, valueOf(i));
      }
      assertEquals(seen.size, count);
      assertEquals([...table.keys()].length, count);
      assertEquals([...table.values()].length, count);
    },
  );
}

bpfTest(
  "MapTable.takeAll() empties a hash, and deleteAll() counts what there was",
  () => {
    for (const type of ["hash", "lru_hash", "lpm_trie"] as const) {
      const Key = struct("Key", { _: HostLayout, bits: u32, data: u32 });
      using map = BpfMap.create({
        type,
        keySize: 8,
        valueSize: 8,
        maxEntries: 4096,
        flags: type === "lpm_trie" ? ["no_prealloc"] : [],
      });
      const table = map.table({ keyType: Key, valueType: u64 });
      const key = (data: number) => ({ bits: 32, data });
      const all = Array.from(
        { length: 1000 },
        (_, i) =>
          [key(i), BigInt(i)] as [{ bits: number; data: number }, bigint],
      );
      table.setAll(all);
      assertEquals(table.take(key(7)), 7n);
      assertEquals(
        map.take(new Uint8Array([32, 0, 0, 0, 8, 0, 0, 0])),
        bytes(8n),
      );
      assertEquals(
        table.deleteAll([key(1), key(7), key(5000), key(2), key(2), key(8)]),
        2,
      );
      const taken = table.takeAll().sort(([a], [b]) => a.data - b.data);
      assertEquals(
        taken,
        all.filter(([{ data }]) => ![1, 2, 7, 8].includes(data)),
      );
      assertEquals([...table], []);
      assertEquals(table.takeAll(), []);
      assertEquals([table.deleteAll([]), table.setAll([])], [0, undefined]);
    }
    using map = mappable();
    const error = assertThrows(
      () => map.table({ valueType: u64 }).takeAll(),
      SystemError,
      "the entries of an array cannot be deleted",
    );
    assertEquals(error.code, "EINVAL");
    assertThrows(() => map.take(0), SystemError, "cannot be deleted");
  },
);

bpfTest(
  "MapTable.setAll() says what the kernel says, and keeps what it took",
  () => {
    using map = BpfMap.create({
      type: "hash",
      keySize: 4,
      valueSize: 4,
      maxEntries: 10,
    });
    const table = map.table({ keyType: u32, valueType: u32 });
    const error = assertThrows(
      () => table.setAll(Array.from({ length: 100 }, (_, i) => [i, i])),
      SystemError,
      "there is no room for another entry",
    );
    assertEquals(error.code, "E2BIG");
    assert([...table].length >= 10);
    map.freeze();
    assertThrows(() => table.setAll([[1, 1]]), SystemError, "frozen");
    assertThrows(() => table.deleteAll([1]), SystemError, "frozen");
    assertThrows(() => table.takeAll(), SystemError, "frozen");
    assertEquals(table.get(1), 1);
  },
);

bpfTest(
  "BpfMap.entries() makes room for a bucket that is larger than it has",
  () => {
    // Two values fit what is fetched at once. That no bucket of 128 has three of
    // 128 keys happens once in 40 000 times.
    const valueSize = 400_000;
    using map = BpfMap.create({
      type: "hash",
      keySize: 4,
      valueSize,
      maxEntries: 128,
      flags: ["no_prealloc"],
    });
    const value = new Uint8Array(valueSize);
    for (let i = 0; i < 128; i++) map.update(i, value.fill(i));
    const keys: number[] = [];
    for (const [key, bytes] of map.table({ keyType: u32 })) {
      keys.push(key);
      assertEquals((bytes as Uint8Array)[valueSize - 1], key);
    }
    assertEquals(
      keys.sort((a, b) => a - b),
      Array.from({ length: 128 }, (_, i) => i),
    );
  },
);

bpfTest(
  "A loop over BpfMap.entries() may end early, write, and close the map",
  () => {
    using map = BpfMap.create({
      type: "hash",
      keySize: 4,
      valueSize: 4,
      maxEntries: 1000,
    });
    const table = map.table({ keyType: u32, valueType: u32 });
    table.setAll(Array.from({ length: 1000 }, (_, i) => [i, i]));
    for (const [key] of table) {
      if (key > 10) break;
    }
    let count = 0;
    for (const [key, value] of table) {
      assertEquals(key, value);
      // Calls that use the same scratch memory, and another loop.
      table.set(key, key);
      table.get(999 - key);
      for (const [other] of table) {
        assertEquals(map.lookup(other)!.length, 4);
        break;
      }
      count++;
    }
    assertEquals(count, 1000);
    for (const [key] of table) table.delete(key);
    assertEquals([...table], []);
    table.setAll([[1, 1], [2, 2], [3, 3]]);
    const entries = map.entries();
    entries.next();
    const unused = table.entries();
    map.close();
    assertThrows(() => entries.next(), ClosedError, "The BPF map is closed");
    assertEquals(entries.next().done, true);
    for (
      const use of [
        () => unused.next(),
        () => table.get(1),
        () => table.set(1, 1),
        () => table.has(1),
        () => table.delete(1),
        () => table.take(1),
        () => table.setAll([[1, 1]]),
        () => table.setAll([]),
        () => table.deleteAll([1]),
        () => table.takeAll(),
        () => [...table],
        () => map.entries(),
        () => map.table(),
        () => map.perCpu(),
        () => map.queue(),
        () => map.take(1),
      ]
    ) {
      assertThrows(use, ClosedError, "The BPF map is closed");
    }
  },
);

bpfTest("A value whose getters use the same table is stored whole", () => {
  const { map, table } = flows();
  using _ = map;
  const inner = { packets: 5n, sizes: [5, 5, 5], device: "inner" };
  const outer = {
    packets: 1n,
    get sizes(): number[] {
      table.set({ address: 2 }, inner);
      return [1];
    },
  };
  table.set({
    get address() {
      table.set({ address: 3, port: 3 }, inner);
      return 1;
    },
  }, outer);
  assertEquals(table.get({ address: 1 }), {
    packets: 1n,
    sizes: [1, 0, 0],
    device: "",
  });
  assertEquals(table.get({ address: 2 }), inner);
  assertEquals(table.get({ address: 3, port: 3 }), inner);
  const closing = {
    get packets() {
      map.close();
      return 1n;
    },
  };
  assertThrows(() => table.set({}, closing), ClosedError);
});

bpfTest(
  "PerCpuTable wants a value for each CPU, and adds up numbers alone",
  () => {
    using map = BpfMap.create({
      type: "percpu_array",
      valueSize: 8,
      maxEntries: 4,
    });
    const table = map.perCpu({ valueType: array(u16, 4) });
    const cpus = table.get(0)!.length;
    const value = Array.from({ length: cpus }, (_, cpu) => [cpu, 65535, 1]);
    table.set(1, value);
    assertEquals(table.get(1), value.map((one) => [...one, 0]));
    assertEquals(table.sum(1), [
      cpus * (cpus - 1) / 2,
      cpus * 65535,
      cpus,
      0,
    ]);
    assertEquals(table.sum(0), [0, 0, 0, 0]);
    assertEquals([...table.sums()].length, 4);
    const none = assertThrows(() => table.set(4, value), SystemError);
    assertEquals([none.code, table.sum(4)], ["E2BIG", undefined]);
    const message =
      `Value must be an array of one for each of the ${cpus} CPUs`;
    assertThrows(
      () => table.set(1, value.slice(1)),
      RangeError,
      `${message}: it has ${cpus - 1}`,
    );
    assertThrows(() => table.set(1, [...value, []]), RangeError, message);
    assertThrows(() => table.set(1, 5 as never), TypeError, message);
    assertThrows(() => table.set(1, null as never), TypeError, message);
    assertThrows(
      () => table.set(1, value.map(() => [65536])),
      RangeError,
      "65536",
    );
    assertEquals(table.sum(1)![2], cpus);
    const Named = struct("Named", {
      _: HostLayout,
      count: u32,
      name: text(4),
    });
    assertThrows(
      () => map.perCpu({ valueType: Named }).sum(0),
      InvalidTypeError,
      "Named.name: Values of type text(4) cannot be added up",
    );
    const Either = union("Either", { _: HostLayout, a: u64, b: u32 });
    assertThrows(
      () => [...map.perCpu({ valueType: Either }).sums()],
      InvalidTypeError,
      "Either: Values of type Either cannot be added up",
    );
    assertThrows(
      () => map.perCpu().sum(0),
      InvalidTypeError,
      "pass a valueType",
    );
  },
);

bpfTest(
  "MapTable reads values that lie at odd places, and flexible arrays",
  () => {
    const List = struct("List", {
      _: HostLayout,
      count: u32,
      items: array(u16),
    });
    using map = BpfMap.create({
      type: "hash",
      keySize: 3,
      valueSize: 9,
      maxEntries: 65,
    });
    const Key = array(u8, 3);
    const table = map.table({ keyType: Key, valueType: List });
    table.setAll(
      Array.from({ length: 64 }, (_, i) => [
        [i, 0, 1],
        { count: i, items: [i, 2 ** 16 - 1] },
      ]),
    );
    let sum = 0;
    for (const [[key], { count, items }] of table) {
      assertEquals([count, items], [key, [key, 2 ** 16 - 1]]);
      sum += count;
    }
    assertEquals(sum, 64 * 63 / 2);
    const Packed = struct("Packed", { _: HostLayout, id: u64, kind: u8 }, {
      packed: true,
    });
    const packed = map.table({ keyType: Key, valueType: Packed });
    packed.set([7, 7, 7], { id: 2n ** 63n, kind: 255 });
    assertEquals(packed.get([7, 7, 7]), { id: 2n ** 63n, kind: 255 });
  },
);

bpfTest("A value that cannot be read ends the loop with its error", () => {
  using map = mappable();
  map.update(1, bytes(2n ** 60n));
  const table = map.table({ valueType: safe(u64) });
  assertEquals(table.get(0), 0);
  assertThrows(() => table.get(1), RangeError);
  assertThrows(() => [...table], RangeError);
});

bpfTest("MapQueue pushes, peeks and pops, of a stack the newest", () => {
  using map = BpfMap.create({ type: "queue", valueSize: 16, maxEntries: 3 });
  const Job = struct("Job", { _: HostLayout, id: u64, name: text(8) });
  const queue = map.queue({ valueType: Job });
  assertEquals([queue.pop(), queue.peek()], [undefined, undefined]);
  for (const id of [1n, 2n, 3n]) queue.push({ id, name: `job ${id}` });
  const full = assertThrows(() => queue.push({ id: 4n }), SystemError);
  assertEquals(full.code, "E2BIG");
  queue.push({ id: 4n }, { evict: true });
  assertEquals(queue.peek(), { id: 2n, name: "job 2" });
  assertEquals(queue.pop()!.id, 2n);
  for (const { id } of queue.drain()) {
    assertEquals(id, 3n);
    break;
  }
  assertEquals([...queue.drain()], [{ id: 4n, name: "" }]);
  assertThrows(() => queue.push({ id: 1 as never }), TypeError, "Job.id");
  assertThrows(() => queue.push({}, null as never), TypeError);
  assertThrows(
    () => queue.push({}, { evict: 1 as never }),
    TypeError,
    "evict",
  );
  using other = BpfMap.create({ type: "stack", valueSize: 4, maxEntries: 3 });
  const stack = other.queue();
  stack.push(new Uint8Array([1, 0, 0, 0]));
  stack.push(new Uint8Array([2, 0, 0, 0]));
  assertEquals([...other.queue({ valueType: u32 }).drain()], [2, 1]);
  other.close();
  for (
    const use of [
      () => stack.pop(),
      () => stack.peek(),
      () => stack.push(new Uint8Array(4)),
      () => [...stack.drain()],
    ]
  ) assertThrows(use, ClosedError);
});

bpfTest("PerCpuTable.take() and takeAll() empty a per-CPU hash", () => {
  for (const type of ["percpu_hash", "lru_percpu_hash"] as const) {
    using map = BpfMap.create({
      type,
      keySize: 4,
      valueSize: 4,
      maxEntries: 1000,
    });
    const table = map.perCpu({ keyType: u32, valueType: u32 });
    const all = Array.from({ length: cpus() }, (_, cpu) => cpu + 1);
    table.setAll([[0, all], [1, all], [2, all]]);
    assertEquals(table.take(1), all);
    assertEquals(table.take(1), undefined);
    assertEquals(table.deleteAll([1, 2]), 1);
    assertEquals(table.takeAll(), [[0, all]]);
    assertEquals([...table.sums()], []);
  }
});

/** Counts the CPUs that a value has parts for. */
function cpus(): number {
  using map = BpfMap.create({
    type: "percpu_array",
    valueSize: 8,
    maxEntries: 1,
  });
  return map.lookup(0)!.length / 8;
}
