import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Arena,
  BoundsError,
  BpfMap,
  ClosedError,
  NotSupportedError,
  ReadOnlyError,
  SystemError,
} from "../../../bpf/mod.ts";
import {
  array,
  atomic,
  HostLayout,
  mappingStats,
  Memory,
  pageSize,
  struct,
  u64,
  u8,
  uintptr,
} from "../../../mod.ts";
import {
  collect,
  eventually,
  mappings,
  openDescriptors,
  Random,
  run,
} from "../../_support.ts";
import {
  allocatingProgram,
  arenaMap,
  arenaTest,
  countingProgram,
  listProgram,
  unconvertedProgram,
} from "./_arenas.ts";
import { mapExists } from "../_maps.ts";

const page = pageSize();
const LINE = 2n ** 32n;

const Node = struct("Node", { _: HostLayout, next: uintptr, value: u64 });

function valuesOf(arena: Arena, first: bigint): bigint[] {
  const values: bigint[] = [];
  for (let address = first; address !== 0n;) {
    const node = arena.viewAt(Node, address);
    values.push(node.value);
    address = node.next;
  }
  return values;
}

arenaTest(
  "new Arena() gives the memory that BPF programs use, with pointers in it",
  () => {
    using map = arenaMap();
    using arena = new Arena(map);
    assertEquals(arena.size, 16 * page);
    arena.populate();
    using list = listProgram(map, 5);
    const first = arena.addressOf(page - 128); // across a page
    list.run(first);
    assertEquals(valuesOf(arena, first), [10n, 20n, 30n, 40n, 50n]);
    // And the other way round: atomically, at any offset.
    using counting = countingProgram(map);
    const counter = arena.pointer(atomic(u64), 3 * page);
    for (let i = 0; i < 100; i++) {
      counter.add(1n);
      counting.run(arena.addressOf(3 * page));
    }
    assertEquals(counter.load(), 200n);
    arena.at(Node, first).value = 11n;
    assertEquals(valuesOf(arena, first)[0], 11n);
  },
);

arenaTest(
  "A program that uses an arena can be loaded once the arena is mapped",
  () => {
    using map = arenaMap();
    assertThrows(
      () => countingProgram(map),
      Error,
      "must be set via map_extra",
    );
    using _arena = new Arena(map);
    countingProgram(map)[Symbol.dispose]();
  },
);

arenaTest(
  "Arena.at() follows a pointer of which the program stored the lower half",
  () => {
    using map = arenaMap();
    using arena = new Arena(map);
    arena.populate();
    using program = unconvertedProgram(map);
    program.run(arena.addressOf(64));
    const stored = arena.pointer(u64, 64).value;
    assertEquals(stored, arena.addressOf(64) % LINE);
    assertEquals(arena.offsetOf(stored), 64);
    arena.at(Node, stored).value = 7n;
    assertEquals(arena.pointer(u64, 72).value, 7n);
  },
);

arenaTest(
  "Arena.offsetOf() takes the addresses of the arena and no others",
  () => {
    using map = arenaMap();
    using arena = new Arena(map);
    const { base, size } = arena;
    const end = base + BigInt(size);
    assertEquals(arena.offsetOf(base), 0);
    assertEquals(arena.offsetOf(base, size), 0);
    assertEquals(arena.offsetOf(end), size);
    assertEquals(arena.offsetOf(end - 1n, 1), size - 1);
    assertEquals(arena.addressOf(size), end);
    for (
      const address of [
        0n,
        1n,
        base - 1n,
        end + 1n,
        base + LINE,
        base - LINE,
        2n ** 63n + base,
        2n ** 64n - 1n,
      ]
    ) {
      assertThrows(() => arena.offsetOf(address), BoundsError);
      assertThrows(() => arena.at(Node, address), BoundsError);
      assertThrows(() => arena.viewAt(Node, address), BoundsError);
    }
    const error = assertThrows(() => arena.offsetOf(end, 1), BoundsError);
    assert(error.message.includes(`arena of ${size} bytes`), error.message);
    assertThrows(() => arena.offsetOf(base, size + 1), BoundsError);
    assertThrows(() => arena.at(Node, end - 8n), BoundsError);
    assertThrows(() => arena.at(Node, end), BoundsError);
    assertThrows(() => arena.offsetOf(-1n), RangeError);
    assertThrows(() => arena.offsetOf(2n ** 64n), RangeError);
    assertThrows(() => arena.offsetOf(base, -1), RangeError);
    assertThrows(() => arena.offsetOf(base, 0.5), RangeError);
    // @ts-expect-error An address has 64 bits, which a number has not.
    assertThrows(() => arena.offsetOf(Number(base)), TypeError);
    assertThrows(() => arena.addressOf(-1), RangeError);
    assertThrows(() => arena.addressOf(size + 1), BoundsError);

    const random = new Random();
    for (let i = 0; i < 20_000; i++) {
      const bits = BigInt(random.int(64)) + 1n;
      const address = random.boolean()
        ? random.biguint64() >> (64n - bits)
        : base + (random.bigint64() >> (64n - bits));
      if (address < 0n || address >= 2n ** 64n) continue;
      const length = random.int(2 * size);
      const full = address < LINE ? base - base % LINE + address : address;
      const inside = address !== 0n && full >= base &&
        full + BigInt(length) <= end;
      if (inside) {
        assertEquals(arena.addressOf(arena.offsetOf(address, length)), full);
      } else assertThrows(() => arena.offsetOf(address, length), BoundsError);
    }
  },
);

arenaTest(
  "Arenas of any size lie within 4 GiB, and are reached to their ends",
  () => {
    for (
      const pages of [1, 15, 16, 17, 2 ** 18, 3 * 2 ** 18, 2 ** 20 - 1, 2 ** 20]
    ) {
      using map = arenaMap({ maxEntries: pages });
      using arena = new Arena(map);
      const { base, size } = arena;
      assertEquals(size, pages * page);
      assertEquals(base / LINE, (base + BigInt(size) - 1n) / LINE);
      arena.pointer(u64).value = 1n;
      arena.pointer(u64, size - 8).value = 2n;
      assertEquals(arena.at(u64, base + BigInt(size) - 8n).value, 2n);
      assertEquals(arena.readAt(new Uint8Array(16), size - 8), 8);
      assertThrows(() => arena.pointer(u64, size), BoundsError);
      arena.close();
    }
  },
);

arenaTest(
  "new Arena() gives the same arena until it is closed, then the same bytes",
  () => {
    using map = arenaMap();
    const arena = new Arena(map);
    assertStrictEquals(new Arena(map), arena);
    arena.pointer(u64, 8).value = 42n;
    const { base } = arena;
    for (let i = 0; i < 100; i++) {
      new Arena(map).close();
      assertEquals(mappings("anon_inode:bpf-map"), []);
      using again = new Arena(map);
      assertNotStrictEquals(again, arena);
      assertEquals(again.base, base);
      assertEquals(again.view(u64, 8).value, 42n);
      if (i % 10 === 0) collect();
    }
    assertThrows(() => arena.view(u64), ClosedError);
  },
);

arenaTest(
  "Arena.close() releases the arena at once and leaves no dangling pointer",
  async () => {
    const before = mappingStats().mappings;
    const map = arenaMap();
    const { id } = map.info;
    const arena = new Arena(map);
    const Bytes = struct("Bytes", { _: HostLayout, all: array(u8, page) });
    const pointer = arena.pointer(u64);
    const view = arena.view(u64);
    const raw = arena.pointer(Bytes).all;
    raw[0] = 5;
    assertEquals(mappings("anon_inode:bpf-map").length, 1);
    assertEquals(mappingStats().mappings, before + 1);
    arena.close();
    arena.close();
    assertEquals(mappings("anon_inode:bpf-map"), []);
    assertEquals(mappingStats().mappings, before);
    map.close();
    await eventually(() => !mapExists(id));
    assert(arena.closed);
    assertEquals(arena.size, 16 * page);
    assertThrows(() => pointer.value, ClosedError);
    assertThrows(() => pointer.value = 1n, ClosedError);
    assertThrows(() => view.value, ClosedError);
    assertEquals(raw.length, 0);
    assertEquals(raw[0], undefined);
    assertThrows(() => arena.pointer(u64), ClosedError);
    assertThrows(() => arena.view(u64), ClosedError);
    assertThrows(() => arena.at(u64, arena.base), ClosedError);
    assertThrows(() => arena.readAt(new Uint8Array(1), 0), ClosedError);
    assertThrows(() => arena.writeAt(new Uint8Array(1), 0), ClosedError);
    assertThrows(() => arena.populate(), ClosedError);
    assertThrows(() => new Arena(map), ClosedError);
    assert(Deno.inspect(arena).includes("closed"));
  },
);

arenaTest("An arena that nothing reaches any more is released", async () => {
  let held: object | undefined;
  const id = (() => {
    const map = arenaMap();
    held = new Arena(map).pointer(u64, 16);
    const { id } = map.info;
    map.close();
    return id;
  })();
  await new Promise((resolve) => setTimeout(resolve));
  collect();
  assertEquals(mappings("anon_inode:bpf-map").length, 1);
  assert(mapExists(id));
  assertInstanceOf(held, Object);
  held = undefined;
  await eventually(() => {
    collect();
    return !mapExists(id);
  });
  assertEquals(mappings("anon_inode:bpf-map"), []);
});

arenaTest(
  "new Arena() refuses an arena that is mapped elsewhere, and leaves no hole",
  async () => {
    using map = arenaMap();
    using arena = new Arena(map);
    using same = BpfMap.fromFd(map.fd);
    const descriptors = openDescriptors().length;
    for (let i = 0; i < 100; i++) {
      const error = assertThrows(() => new Arena(same), NotSupportedError);
      assert(error.message.includes("mapped before"), error.message);
    }
    assertEquals(mappings("anon_inode:bpf-map").length, 1);
    assert(openDescriptors().length <= descriptors);
    arena.pointer(u64).value = 1n;
    // Here garbage is collected at each of many attempts: of a small process.
    const { code, stdout, stderr } = await run(
      `
      import { Arena, BpfMap } from "./bpf/mod.ts";
      import { u64 } from "./mod.ts";
      import { mappings, openDescriptors } from "./tests/_support.ts";
      import { arenaMap } from "./tests/bpf/arena/_arenas.ts";
      using map = arenaMap();
      using arena = new Arena(map);
      using same = BpfMap.fromFd(map.fd);
      const descriptors = openDescriptors().length;
      try {
        new Arena(same, { address: arena.base });
      } catch (error) {
        console.log(String(error));
      }
      console.log(mappings("anon_inode:bpf-map").length, openDescriptors().length <= descriptors);
      arena.pointer(u64).value = 1n;
      console.log(arena.pointer(u64).value);
      `,
      { permissions: ["-A"] },
    );
    const [refusal, ...rest] = stdout.trim().split("\n");
    assertEquals([code, rest], [0, ["1 true", "1n"]], stderr);
    assertMatch(refusal!, /^NotSupportedError: .* in the way/);
  },
);

arenaTest(
  "new Arena() maps an arena at the address that it was made with",
  () => {
    for (
      const address of [
        1n << 44n, // what the kernel's own examples use
        (1n << 45n) + BigInt(page),
        0x7e00_0000_0000n,
        0x5000_ffff_0000n, // up to a multiple of 4 GiB
        // Where an address has a bit more.
        ...Deno.build.arch === "aarch64" ? [0xc000_0000_0000n] : [],
      ]
    ) {
      using map = arenaMap({ mapExtra: address });
      using arena = new Arena(map);
      assertEquals(arena.base, address);
      arena.populate();
      using list = listProgram(map, 3);
      list.run(address + 64n);
      assertEquals(valuesOf(arena, address + 64n), [10n, 20n, 30n]);
      arena.pointer(u64, arena.size - 8).value = 1n;
    }
  },
);

arenaTest(
  "new Arena() refuses an address that nothing can be mapped at",
  () => {
    const before = mappings().length;
    for (const mapExtra of [1n << 32n, 1n << 20n]) {
      using map = arenaMap({ mapExtra });
      const error = assertThrows(() => new Arena(map), NotSupportedError);
      assert(error.message.includes(`0x${mapExtra.toString(16)}`));
    }
    using map = arenaMap();
    for (
      const address of [
        0n,
        1n,
        BigInt(page) + 1n,
        (1n << 45n) - 8n * BigInt(page),
        -1n,
        1n << 64n,
      ]
    ) {
      assertThrows(() => new Arena(map, { address }), RangeError);
    }
    assertThrows(
      () => new Arena(map, { address: 2n ** 64n - 2n ** 32n }),
      NotSupportedError,
    );
    // @ts-expect-error An address has 64 bits, which a number has not.
    assertThrows(() => new Arena(map, { address: 2 ** 44 }), TypeError);
    using fixed = arenaMap({ mapExtra: 1n << 44n });
    assertThrows(
      () => new Arena(fixed, { address: 1n << 45n }),
      NotSupportedError,
      "it was made for 0x100000000000",
    );
    assert(mappings().length < before + 100);
  },
);

arenaTest(
  "Another process maps an arena at its address, and may be killed",
  async () => {
    // Far from what the kernel chooses, so that it is free in both.
    using map = arenaMap();
    using arena = new Arena(map, { address: 1n << 44n });
    const { signal, stderr } = await run(
      `
        import { atomic, HostLayout, struct, u64, uintptr } from "@hostmem/hostmem";
        import { Arena, BpfMap } from "./bpf/mod.ts";
        const Node = struct("Node", { _: HostLayout, next: uintptr, value: u64 });
        const map = BpfMap.fromId(Number(Deno.args[0]));
        const arena = new Arena(map, { address: BigInt(Deno.args[1]!) });
        arena.pointer(Node, 64).value = 1n;
        arena.pointer(Node, 64).next = arena.addressOf(8192);
        arena.pointer(Node, 8192).value = 2n;
        arena.pointer(atomic(u64)).store(1n);
        Deno.kill(Deno.pid, "SIGKILL");
      `,
      { permissions: ["-A"], args: [`${map.info.id}`, `${arena.base}`] },
    );
    assertEquals(signal, "SIGKILL", stderr);
    assertEquals(arena.pointer(atomic(u64)).load(), 1n);
    assertEquals(valuesOf(arena, arena.addressOf(64)), [1n, 2n]);
  },
);

arenaTest(
  "new Arena() refuses pages that only a program can allocate, unless told",
  () => {
    using map = arenaMap({ flags: ["mmapable", "segv_on_fault"] });
    const error = assertThrows(() => new Arena(map), NotSupportedError);
    assert(error.message.includes("allowSegmentationFaults"), error.message);
    using arena = new Arena(map, { allowSegmentationFaults: true });
    const bytes = new Uint8Array(16);
    for (
      const touch of [
        () => arena.pointer(u64),
        () => arena.view(u64),
        () => arena.at(u64, arena.base),
        () => arena.readAt(bytes, 0),
        () => arena.writeAt(bytes, 0),
        () => arena.populate(),
      ]
    ) {
      const error = assertThrows(touch, SystemError);
      assertEquals(error.code, "EFAULT");
      assert(error.message.includes("has not allocated"), error.message);
    }
    using program = allocatingProgram(map);
    const address = program.run(2n)[1]!;
    assertEquals(arena.at(u64, address).value, 4242n);
    const offset = arena.offsetOf(address);
    assertEquals(arena.readAt(bytes, offset), 16);
    assertEquals(bytes[0], 4242 % 256);
    arena.writeAt(bytes, offset + page);
    // Beyond the two pages, and with one byte alone.
    arena.pointer(u64, offset + 2 * page - 8).value = 1n;
    const Tail = struct("Tail", { _: HostLayout, n: u64, rest: array(u8) });
    assertThrows(() => arena.view(Tail, offset), SystemError);
    arena.view(Tail, offset, { length: 2 * page - 8 });
    assertThrows(
      () => arena.view(Tail, offset, { length: 2 * page - 7 }),
      SystemError,
    );
    assertThrows(() => arena.readAt(bytes, arena.size + 1), BoundsError);
    assertEquals(arena.readAt(bytes, arena.size), 0);
    assertThrows(
      // @ts-expect-error Not a boolean.
      () => new Arena(map, { allowSegmentationFaults: 1 }),
      TypeError,
    );
  },
);

arenaTest(
  "What allowSegmentationFaults allows ends a process: a freed page is touched",
  async () => {
    const { signal, stdout } = await run(
      `
      import { Arena } from "./bpf/mod.ts";
      import { u64 } from "./mod.ts";
      import { allocatingProgram, arenaMap, freeingProgram } from "./tests/bpf/arena/_arenas.ts";
      const map = arenaMap({ flags: ["mmapable", "segv_on_fault"] });
      const arena = new Arena(map, { allowSegmentationFaults: true });
      const address = allocatingProgram(map).run(1n)[1]!;
      const pointer = arena.at(u64, address);
      console.log(pointer.value);
      freeingProgram(map).run(address);
      try {
        arena.at(u64, address);
      } catch (error) {
        console.log(error.code);
      }
      console.log(pointer.value);
    `,
      { permissions: ["-A"] },
    );
    assertEquals(stdout, "4242n\nEFAULT\n");
    assertEquals(signal, "SIGSEGV");
  },
);

arenaTest("Arena.populate() allocates pages, within the arena", () => {
  using map = arenaMap({ maxEntries: 256 });
  using arena = new Arena(map);
  const occupied = () => {
    const text = Deno.readTextFileSync("/proc/self/smaps");
    const entry = text.slice(text.indexOf("anon_inode:bpf-map"));
    return Number(/^Rss:\s+(\d+) kB/m.exec(entry)![1]) * 1024;
  };
  assertEquals(occupied(), 0);
  arena.populate(5, 1);
  assertEquals(occupied(), page);
  arena.populate(page - 1, 2);
  assertEquals(occupied(), 2 * page);
  arena.populate(arena.size);
  arena.populate(0, 0);
  assertEquals(occupied(), 2 * page);
  arena.populate();
  assertEquals(occupied(), 256 * page);
  assertThrows(() => arena.populate(-1), RangeError);
  assertThrows(() => arena.populate(0.5), RangeError);
  assertThrows(() => arena.populate(0, NaN), RangeError);
  assertThrows(() => arena.populate(0, arena.size + 1), BoundsError);
  assertThrows(() => arena.populate(arena.size + 1), BoundsError);
});

arenaTest("A frozen arena is mapped for reading alone", () => {
  using map = arenaMap();
  map.freeze();
  using arena = new Arena(map);
  assert(arena.readOnly);
  assertEquals(arena.view(u64).value, 0n);
  arena.populate(0, 1);
  assertThrows(() => arena.pointer(u64), ReadOnlyError);
  assertThrows(() => arena.at(u64, arena.base), ReadOnlyError);
  assertThrows(() => arena.writeAt(new Uint8Array(1), 0), ReadOnlyError);
  assert(mappings("anon_inode:bpf-map")[0]!.includes("r--s"));
});

arenaTest(
  "new Arena() maps for reading alone on request, and does not mix the two",
  () => {
    using map = arenaMap();
    const reader = new Arena(map, { readOnly: true });
    assert(reader.readOnly);
    assertStrictEquals(new Arena(map, { readOnly: true }), reader);
    assertThrows(() => new Arena(map), NotSupportedError, "close that first");
    reader.close();
    using arena = new Arena(map);
    assert(!arena.readOnly);
    arena.pointer(u64).value = 1n;
    assertThrows(() => new Arena(map, { readOnly: true }), NotSupportedError);
    // Once mapped for writing, an arena cannot be frozen, closed or not.
    arena.close();
    assertThrows(() => map.freeze(), SystemError, "EBUSY");
  },
);

arenaTest("new Arena() takes arenas and nothing else", () => {
  using ring = BpfMap.create({ type: "ringbuf", maxEntries: page });
  using plain = BpfMap.create({
    type: "array",
    valueSize: 8,
    maxEntries: 1,
    flags: ["mmapable"],
  });
  for (const map of [ring, plain]) {
    const error = assertThrows(() => new Arena(map), NotSupportedError);
    assert(error.message.includes(map.info.type!), error.message);
  }
  using map = arenaMap();
  for (const hostile of [undefined, null, 5, map.fd, {}, { fd: map.fd }]) {
    // @ts-expect-error Not a map.
    assertThrows(() => new Arena(hostile), TypeError);
  }
  for (const options of [null, 5, "readOnly"]) {
    // @ts-expect-error Not options.
    assertThrows(() => new Arena(map, options), TypeError);
  }
  // @ts-expect-error Not a boolean.
  assertThrows(() => new Arena(map, { readOnly: "yes" }), TypeError);
  assertThrows(
    () => Reflect.construct(Arena, [Symbol("Arena"), {}]),
    TypeError,
  );
  using reader = BpfMap.fromId(map.info.id, { readOnly: true });
  const error = assertThrows(() => new Arena(reader), NotSupportedError);
  assert(error.message.includes("open the map for both"), error.message);
  // Closed by a getter, between two checks.
  assertThrows(
    () =>
      new Arena(map, {
        get address() {
          map.close();
          return undefined;
        },
      }),
    ClosedError,
  );
  assertEquals(mappings("anon_inode:bpf-map"), []);
});

arenaTest("Memory.map() names Arena where it is given one", () => {
  using map = arenaMap();
  assertThrows(
    () => Memory.map(map.fd, 16 * page),
    NotSupportedError,
    "use Arena",
  );
});
