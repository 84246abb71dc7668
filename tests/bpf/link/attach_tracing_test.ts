import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  BpfIterator,
  BpfMap,
  BpfProgram,
  type CgroupOrder,
} from "../../../bpf/mod.ts";
import {
  ClosedError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import { iterators, testWith, tpBtf, writingIterators } from "../../_needs.ts";
import { openDescriptors, TemporaryDirectory } from "../../_support.ts";
import { attachable, attachTest, compileAttach, Counters } from "../_attach.ts";
import { bytes } from "../_maps.ts";

const iteratorTest = testWith(attachable, iterators);

/** Makes so many system calls that only this test makes. */
function call(times: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    getpriority: { parameters: ["i32", "i32"], result: "i32" },
  });
  for (let i = 0; i < times; i++) libc.symbols.getpriority(0, 4242);
  libc.close();
}

attachTest(
  "BpfProgram.attach() to a raw tracepoint counts exactly, by section, by name, and opened",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_syscalls");
    using opened = BpfProgram.fromId(program.info.id);
    const target = { kind: "raw_tracepoint", name: "sys_enter" } as const;
    for (
      const attach of [
        () => program.attach(),
        () => program.attach(target),
        () => opened.attach(target),
      ]
    ) {
      counters.reset();
      {
        using link = attach();
        call(1234);
        assertEquals(counters.get("first"), 1234);
        assertEquals(link.info.type, "raw_tracepoint");
        assertEquals(link.info.target, target);
      }
      call(10);
      assertEquals(counters.get("first"), 1234);
    }
    const error = assertThrows(
      () => program.attach({ ...target, name: "sys_nothing" }),
      SystemError,
      `the kernel has no tracepoint "sys_nothing"`,
    );
    assertEquals(error.code, "ENOENT");
    for (const name of ["", "a\0b", 1, undefined]) {
      assertThrows(
        () => program.attach({ ...target, name: name as string }),
        TypeError,
        "Name of a tracepoint must be a string",
      );
    }
  },
);

testWith(attachable, tpBtf)(
  "BpfProgram.attach() of a tp_btf program needs no name, of an opened one neither",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory, "tasks"));
    const program = counters.program("count_tasks");
    using opened = BpfProgram.fromId(program.info.id);
    for (
      const attach of [
        () => program.attach(),
        () => program.attach({ kind: "tracing" }),
        () => opened.attach({ kind: "tracing" }),
        () => opened.attach({ kind: "tracing", cookie: 7n }),
      ]
    ) {
      using link = attach();
      const before = counters.get("first");
      new Deno.Command("true").outputSync();
      assert(counters.get("first") > before);
      assert(link.info.programId === program.info.id);
    }
    assertThrows(
      () => opened.attach(),
      NotSupportedError,
      `pass { kind: "tracing" }`,
    );
    using others = new Counters(await compileAttach(directory));
    assertThrows(
      () => others.program("grow").attach({ kind: "tracing" }),
      NotSupportedError,
      "its type must be tracing or lsm or ext",
    );
  },
);

iteratorTest(
  "BpfIterator.read() gives what an iterator writes, once for each object",
  async () => {
    using directory = new TemporaryDirectory();
    using object = new Counters(await compileAttach(directory, "iterators"));
    using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
    using link = object.program("maps").attach();
    assert(link instanceof BpfIterator);
    const line = `map ${map.info.id}`;
    assert(link.read().endsWith("\n"));
    const lines = link.read().split("\n");
    assertEquals(lines.filter((one) => one === line).length, 1);
    assertEquals([...link.lines()].filter((one) => one === line), [line]);
    assertEquals(link.info.target, {
      kind: "iterator",
      name: "bpf_map",
      mapId: 0,
    });
    using other = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
    assert(link.read().includes(`map ${other.info.id}\n`));
    // Bytes that are no text.
    using binary = object.program("bytes").attach({ kind: "iterator" });
    const data = binary.readBytes();
    assertEquals(data.length % 4, 0);
    const ids = [...new Uint32Array(data.buffer)];
    assert(ids.includes(map.info.id) && ids.includes(other.info.id));
  },
);

testWith(attachable, writingIterators)(
  "BpfProgram.attach() of an iterator over a map gives its elements",
  async () => {
    using directory = new TemporaryDirectory();
    using object = new Counters(await compileAttach(directory, "elements"));
    const program = object.program("elements");
    const entries = 20_000;
    using map = BpfMap.create({
      type: "array",
      valueSize: 8,
      maxEntries: entries,
    });
    for (let i = 0; i < entries; i++) map.update(i, bytes(BigInt(i * 3)));
    using link = program.attach({ kind: "iterator", map });
    // More than one read gives, in order and complete.
    let next = 0;
    for (const line of link.lines()) {
      if (line !== `${next}=${next * 3}`) break;
      next++;
    }
    assertEquals(next, entries);
    assert(link.read().length > 200_000);
    assertEquals(link.info.target, {
      kind: "iterator",
      name: "bpf_map_elem",
      mapId: map.info.id,
    });
    const error = assertThrows(() => program.attach(), SystemError);
    assertMatch(error.message, /must be told the map: pass/);
    assertThrows(
      () => program.attach({ kind: "iterator", map: {} as BpfMap }),
      TypeError,
      "Map must be a BpfMap",
    );
    assertThrows(
      () => program.attach({ kind: "iterator", map, pid: 1 }),
      TypeError,
      "excludes pid and tid",
    );
    map.close();
    assertThrows(() => program.attach({ kind: "iterator", map }), ClosedError);
    using small = BpfMap.create({ type: "array", valueSize: 4, maxEntries: 1 });
    assertThrows(
      () => program.attach({ kind: "iterator", map: small }),
      SystemError,
      "more than a key or a value of the map has",
    );
  },
);

iteratorTest(
  "BpfProgram.attach() of an iterator over tasks can be limited to one process, or thread",
  async () => {
    using directory = new TemporaryDirectory();
    using object = new Counters(await compileAttach(directory, "iterators"));
    const program = object.program("tasks");
    using all = program.attach({ kind: "iterator" });
    using process = program.attach({ kind: "iterator", pid: Deno.pid });
    using thread = program.attach({ kind: "iterator", tid: Deno.pid });
    const own = `${Deno.pid} ${Deno.pid}\n`;
    assertEquals(thread.read(), own);
    const threads = [...process.lines()];
    assert(threads.length > 1);
    assert(threads.every((line) => line.startsWith(`${Deno.pid} `)));
    assert(all.read().includes(own));
    assert([...all.lines()].length > threads.length);
    using nobody = program.attach({ kind: "iterator", pid: 2 ** 22 + 1 });
    assertEquals(nobody.read(), "");
    assertThrows(
      () => program.attach({ kind: "iterator", pid: 0 }),
      RangeError,
    );
  },
);

iteratorTest(
  "BpfIterator.lines() leaves nothing open when it is left early",
  async () => {
    using directory = new TemporaryDirectory();
    using object = new Counters(await compileAttach(directory, "iterators"));
    const link = object.program("tasks").attach({ kind: "iterator" });
    const before = openDescriptors("anon_inode:bpf_iter").length;
    for (const _line of link.lines()) {
      assertEquals(openDescriptors("anon_inode:bpf_iter").length, before + 1);
      break;
    }
    assertEquals(openDescriptors("anon_inode:bpf_iter").length, before);
    const walk = link.lines();
    walk.next();
    link.close();
    assert([...walk].length > 1);
    assertEquals(openDescriptors("anon_inode:bpf_iter").length, before);
    assertThrows(() => link.read(), ClosedError);
  },
);

iteratorTest(
  "BpfIterator refuses links of other types, and opens its own",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    using link = counters.program("count_syscalls").attach();
    assert(!(link instanceof BpfIterator));
    const descriptors = openDescriptors().length;
    for (
      const open of [
        () => BpfIterator.fromFd(link.fd),
        () => BpfIterator.fromId(link.info.id),
      ]
    ) {
      assertThrows(
        open,
        NotSupportedError,
        "Cannot read a link of type raw_tracepoint: its type must be iter",
      );
    }
    assert(openDescriptors().length <= descriptors);
    using object = new Counters(await compileAttach(directory, "iterators"));
    using iterator = object.program("maps").attach({ kind: "iterator" });
    using again = BpfIterator.fromFd(iterator.fd);
    using once = BpfIterator.fromId(iterator.info.id);
    assert(again.read().length > 0 && once.read().length > 0);
    assertEquals(
      Deno.inspect(again),
      "BpfIterator { iterator over bpf_map }",
    );
  },
);

iteratorTest(
  "BpfProgram.attach() of an iterator over control groups goes over those that were asked for",
  async () => {
    const mount = /^cgroup2? (\S+) cgroup2 /m.exec(
      Deno.readTextFileSync("/proc/mounts"),
    )?.[1];
    if (mount === undefined) return;
    using directory = new TemporaryDirectory();
    using object = new Counters(await compileAttach(directory, "cgroups"));
    const program = object.program("groups");
    const group = `${mount}/hostmem-${crypto.randomUUID()}`;
    Deno.mkdirSync(group);
    Deno.mkdirSync(`${group}/below`);
    const id = (path: string) => `${Deno.statSync(path).ino}`;
    const [own, below, top] = [id(group), id(`${group}/below`), id(mount)];
    try {
      const walk = (order?: CgroupOrder) => {
        using link = program.attach({ kind: "iterator", cgroup: group, order });
        return [...link.lines()];
      };
      assertEquals(walk(), [own, below]);
      assertEquals(walk("self"), [own]);
      assertEquals(walk("descendants_pre"), [own, below]);
      assertEquals(walk("descendants_post"), [below, own]);
      const up = walk("ancestors_up");
      assertEquals([up[0], up.at(-1)], [own, top]);
      assertThrows(
        () => walk("sideways" as CgroupOrder),
        TypeError,
        "Order must",
      );
      assertThrows(
        () => program.attach({ kind: "iterator", cgroup: group, pid: 1 }),
        TypeError,
        "excludes map, pid and tid",
      );
    } finally {
      Deno.removeSync(`${group}/below`);
      Deno.removeSync(group);
    }
  },
);
