import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { functionOffset } from "../../../bpf/link/targets/probes/elf_symbols.ts";
import { NotSupportedError, SystemError } from "../../../errors.ts";
import { BpfObject, BpfProgram } from "../../../bpf/mod.ts";
import { Attempt } from "../../_attempts.ts";
import { command, compilerOfC, Need, testWith, uprobe } from "../../_needs.ts";
import { compileC, mappings, run, TemporaryDirectory } from "../../_support.ts";
import { attachable, compileAttach, Counters } from "../_attach.ts";
import { compileText } from "../_objects.ts";

const library = String.raw`
  #define KEEP __attribute__((noinline, used))
  KEEP int one_first(int x) { __asm__ volatile(""); return x + 1; }
  KEEP int one_second(int x) { __asm__ volatile(""); return x + 2; }
  __asm__(".symver one_first, one@V_1\n.symver one_second, one@@V_2");
  KEEP int alike_body(int x) { __asm__ volatile(""); return x + 3; }
  extern __typeof__(alike_body) alike_first __attribute__((alias("alike_body")));
  extern __typeof__(alike_body) alike_second __attribute__((alias("alike_body")));
  __asm__(".symver alike_first, alike@V_1\n.symver alike_second, alike@@V_2");
  static int chosen_body(int x) { return x + 4; }
  static void *choose(void) { return chosen_body; }
  int chosen(int x) __attribute__((ifunc("choose")));
  int getpid(void);
  int caller(void) { return getpid(); }
`;
const versions =
  "V_1 { global: one; alike; chosen; caller; local: *; };\nV_2 {} V_1;\n";

/** Compiles the library: its path. */
async function compileLibrary(
  directory: TemporaryDirectory,
  ...flags: string[]
): Promise<string> {
  const script = directory.join("versions");
  Deno.writeTextFileSync(script, versions);
  const link = ["-O1", "-shared", "-fPIC", `-Wl,--version-script=${script}`];
  return await compileC(library, directory, [...link, ...flags]);
}

const libraryTest = testWith(attachable, uprobe, compilerOfC);

libraryTest(
  "BpfProgram.attach() by symbol takes the default of several versions, and name@VERSION any",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_calls");
    const path = await compileLibrary(directory);
    const loaded = Deno.dlopen(path, {
      one: { parameters: ["i32"], result: "i32" },
      alike: { parameters: ["i32"], result: "i32" },
    });
    try {
      const { one, alike } = loaded.symbols;
      // The dynamic linker gives the default version, which adds 2.
      assertEquals([one(1), alike(1)], [3, 4]);
      const counted = (symbol: string, call: (value: number) => number) => {
        counters.reset();
        using _link = program.attach({ kind: "uprobe", path, symbol });
        for (let i = 0; i < 20; i++) call(i);
        return counters.get("first");
      };
      assertEquals(counted("one", one), 20);
      assertEquals(counted("one@V_2", one), 20);
      assertEquals(counted("one@V_1", one), 0);
      // Two versions of one function are no ambiguity.
      assertEquals(counted("alike", alike), 20);
      assertEquals(counted("alike@V_1", alike), 20);
      assertThrows(
        () => program.attach({ kind: "uprobe", path, symbol: "one@V_3" }),
        SystemError,
        `there is no function "one@V_3" in "${path}"; there are the versions V_1, V_2`,
      );
    } finally {
      loaded.close();
    }
  },
);

libraryTest(
  "BpfProgram.attach() by symbol says what is indirect, imported, ambiguous, or no ELF file",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_calls");
    const attach = (path: string, symbol: string) => () =>
      program.attach({ kind: "uprobe", path, symbol });
    for (const flags of [[], ["-s"]]) {
      const path = await compileLibrary(directory, ...flags);
      assertThrows(
        attach(path, "chosen"),
        NotSupportedError,
        `Cannot attach to "chosen" of "${path}": it is an indirect function`,
      );
      assertThrows(
        attach(path, "getpid"),
        NotSupportedError,
        "the file imports it; attach to the library that has it",
      );
      assertThrows(attach(path, "nothing"), SystemError, "ENOENT");
    }
    // Two static functions of one name, of two files.
    const other = directory.join("other.c");
    Deno.writeTextFileSync(
      other,
      `__attribute__((noinline, used)) static int twin(int x) { return x + 5; }`,
    );
    const twins = await compileC(
      `__attribute__((noinline, used)) static int twin(int x) { return x + 6; }
     int main(void) { return twin(1); }`,
      directory,
      ["-O1", other],
    );
    assertThrows(
      attach(twins, "twin"),
      NotSupportedError,
      `there are several functions of that name: pass one of offset 0x`,
    );
    const text = directory.join("text");
    for (
      const content of [
        "no ELF",
        "\x7fELF",
        "\x7fELF\x02\x01" + "\xff".repeat(80),
      ]
    ) {
      Deno.writeFileSync(
        text,
        Uint8Array.from(content, (c) => c.charCodeAt(0)),
      );
      const error = assertThrows(attach(text, "main"), NotSupportedError);
      assert(error.message.startsWith(`Cannot find functions in "${text}": `));
    }
  },
);

testWith(command("readelf"))(
  "Offsets of functions are those that readelf tells",
  () => {
    const libc = [
      "/lib/x86_64-linux-gnu/libc.so.6",
      "/lib/aarch64-linux-gnu/libc.so.6",
    ]
      .find((path) => hasFile(path));
    if (libc === undefined) return;
    const readelf = (...args: string[]) => {
      const { stdout } = new Deno.Command("readelf", { args: [...args, libc] })
        .outputSync();
      return new TextDecoder().decode(stdout);
    };
    const [, address, offset] = / \.text +PROGBITS +(\w+) +(\w+)/.exec(
      readelf("-SW"),
    )!;
    const shift = parseInt(offset!, 16) - parseInt(address!, 16);
    let compared = 0;
    for (
      const [, value, name] of readelf("-W", "--dyn-syms").matchAll(
        /: (\w+) +\d+ FUNC +(?:GLOBAL|WEAK) +DEFAULT +\d+ (\w+)@@[\w.]+$/gm,
      )
    ) {
      if (++compared > 150) break;
      assertEquals(
        functionOffset(libc, name!),
        parseInt(value!, 16) + shift,
        name,
      );
    }
    assert(compared > 100);
  },
);

function hasFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

libraryTest(
  "BpfProgram.attach() asks for permission to read the file that a name is found as",
  async () => {
    using directory = new TemporaryDirectory();
    const object = await compileAttach(directory);
    const path = await compileLibrary(directory);
    const name = "program";
    Deno.copyFileSync(path, directory.join(name));
    const attach = async (names: string[], read: string[], cwd?: string) => {
      const { stdout, stderr } = await run(
        `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      using object = BpfObject.load(Deno.readFileSync(Deno.args[0]));
      ${cwd === undefined ? "" : `Deno.chdir(${JSON.stringify(cwd)});`}
      for (const path of Deno.args.slice(1)) {
        const symbol = path.startsWith("lib") ? "getpid" : "one";
        try {
          using link = object.program("count_calls").attach({ kind: "uprobe", path, symbol });
          console.log(link.info.target.name);
        } catch (error) {
          console.log(error.name, error.message);
        }
      }
      `,
        {
          permissions: [
            "--allow-ffi",
            `--allow-read=${[object, ...read].join(",")}`,
          ],
          args: [object, ...names],
        },
      );
      return (stdout.trim() || stderr).split("\n");
    };
    const real = new TextDecoder().decode(
      new Deno.Command("sh", {
        args: [
          "-c",
          "realpath $(ldconfig -p | grep -m1 'libc.so.6 (libc6' | sed 's/.*=> //')",
        ],
      }).outputSync().stdout,
    ).trim();
    assertEquals(await attach(["libc.so.6"], [real]), [real]);
    const [library, ...rest] = await attach(
      ["libc.so.6", name, `./${name}`],
      [directory.path],
      directory.path,
    );
    // The folder that is read must be granted, not the working directory.
    assertMatch(library!, /^NotCapable /);
    // A file in the working directory, by its name alone, too.
    const own = directory.join(name);
    assertEquals(rest, [own, own]);
  },
);

const many = Array.from(
  { length: 6 },
  (_, i) =>
    `__attribute__((noinline)) int many_${i}(int x) { __asm__ volatile(""); return x + ${i}; }`,
).join("\n");

libraryTest(
  "BpfProgram.attach() to many functions counts each, with its cookie, and none once closed",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_calls");
    const path = await compileC(many, directory, ["-O1", "-shared", "-fPIC"]);
    const names = Array.from({ length: 6 }, (_, i) => `many_${i}`);
    const library = Deno.dlopen(
      path,
      Object.fromEntries(
        names.map((
          name,
        ) => [name, { parameters: ["i32"], result: "i32" } as const]),
      ),
    );
    try {
      const call = () => {
        for (const name of names) library.symbols[name]!(1);
      };
      const offsets = names.map((name) => functionOffset(path, name));
      const kind = "uprobe_multi";
      for (
        const [target, counted] of [
          [{ kind, path, functions: names }, 6],
          [{ kind, path, pattern: "many_*" }, 6],
          [{ kind, path, pattern: "many_?" }, 6],
          [{ kind, path, pattern: "many_[0-9]" }, 0],
          [{ kind, path, offsets: offsets.slice(2) }, 4],
          [{ kind, path, functions: names, pid: Deno.pid }, 6],
        ] as const
      ) {
        counters.reset();
        if (counted === 0) {
          assertThrows(() => program.attach(target), SystemError, "ENOENT");
          continue;
        }
        const link = program.attach(target);
        call();
        assertEquals(counters.get("first"), counted);
        link.close();
        call();
        assertEquals(counters.get("first"), counted);
      }
      const cookies = names.map((_, i) => BigInt(100 + i));
      {
        using _link = program.attach({ kind, path, functions: names, cookies });
        for (const [i, name] of names.entries()) {
          library.symbols[name]!(1);
          assertEquals(counters.get("cookie"), 100 + i);
        }
      }
      for (
        const target of [
          { kind, path },
          { kind, path, functions: names, pattern: "*" },
          { kind, path, functions: names, cookies: [1n] },
          { kind, path, pattern: "many_*", cookies },
        ] as const
      ) {
        assertThrows(() => program.attach(target), Error, "There must be");
      }
      // All or none.
      counters.reset();
      assertThrows(
        () => program.attach({ kind, path, functions: ["many_1", "nothing"] }),
        SystemError,
        `there is no function "nothing"`,
      );
      call();
      assertEquals(counters.get("first"), 0);
    } finally {
      library.close();
    }
  },
);

/** A program for links of many functions, which libbpf 1.1 cannot load. */
const uprobeMulti = new Need("uprobe.multi", () => {
  using attempt = new Attempt();
  attempt.program({ type: KPROBE, attachType: TRACE_UPROBE_MULTI });
});

/** `linux/bpf.h` */
const KPROBE = 2;
const TRACE_UPROBE_MULTI = 48;

testWith(attachable, uprobe, uprobeMulti, compilerOfC)(
  "BpfProgram.attach() to many functions makes one link of a program that was loaded for it",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileC(many, directory, ["-O1", "-shared", "-fPIC"]);
    using attempt = new Attempt();
    const counts = attempt.array();
    const fd = attempt.program({
      type: KPROBE,
      attachType: TRACE_UPROBE_MULTI,
      counts,
    });
    using program = BpfProgram.fromFd(fd);
    const library = Deno.dlopen(path, {
      "many_1": { parameters: ["i32"], result: "i32" },
      "many_2": { parameters: ["i32"], result: "i32" },
    });
    try {
      const { "many_1": one, "many_2": two } = library.symbols;
      {
        using link = program.attach({
          kind: "uprobe_multi",
          path,
          functions: ["many_1", "many_2", "many_3"],
          pid: Deno.pid,
        });
        assertEquals(link.info.type, "uprobe_multi");
        const { target } = link.info;
        // Linux 6.8 tells it.
        if (target !== undefined) {
          assertEquals(target, {
            kind: "uprobe_multi",
            path,
            count: 3,
            return: false,
            pid: Deno.pid,
          });
        }
        for (let i = 0; i < 5; i++) one(i) + two(i);
        assertEquals(attempt.lookup(counts), 10n);
      }
      one(1);
      assertEquals(attempt.lookup(counts), 10n);
      using _returns = program.attach({
        kind: "uprobe_multi",
        path,
        pattern: "many_*",
        return: true,
      });
      one(1);
      assertEquals(attempt.lookup(counts), 11n);
    } finally {
      library.close();
    }
  },
);

const TRACE_UPROBE_SESSION = 57;

const uprobeSession = new Need("uprobe.session", () => {
  using attempt = new Attempt();
  attempt.program({ type: KPROBE, attachType: TRACE_UPROBE_SESSION });
});

testWith(attachable, uprobe, uprobeSession, compilerOfC)(
  "BpfProgram.attach() to many functions runs a session's program at their begin and return",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileC(many, directory, ["-O1", "-shared", "-fPIC"]);
    using attempt = new Attempt();
    const counts = attempt.array();
    const attachType = TRACE_UPROBE_SESSION;
    using program = BpfProgram.fromFd(
      attempt.program({ type: KPROBE, attachType, counts }),
    );
    const library = Deno.dlopen(path, {
      "many_1": { parameters: ["i32"], result: "i32" },
    });
    const target = { kind: "uprobe_multi", path, pattern: "many_?" } as const;
    {
      using link = program.attach({ ...target, session: true });
      assertEquals(link.info.type, "uprobe_multi");
      for (let i = 0; i < 5; i++) library.symbols.many_1(i);
      assertEquals(attempt.lookup(counts), 10n);
    }
    library.symbols.many_1(1);
    assertEquals(attempt.lookup(counts), 10n);
    library.close();
    assertThrows(
      () => program.attach({ ...target, session: true, return: true }),
      TypeError,
      "exclude each other",
    );
    using other = BpfProgram.fromFd(attempt.program({ type: KPROBE }));
    assertThrows(
      () => other.attach({ ...target, session: true }),
      SystemError,
      "loaded for another attach type",
    );
  },
);

testWith(attachable, uprobe, uprobeSession, compilerOfC)(
  "A program that was loaded for sessions is attached for one, unless it is told otherwise",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileC(many, directory, ["-O1", "-shared", "-fPIC"]);
    const library = Deno.dlopen(path, {
      "many_1": { parameters: ["i32"], result: "i32" },
    });
    using object = BpfObject.load(
      await compileText(
        `unsigned long calls;
SEC("uprobe") int probe(void *context) { __sync_fetch_and_add(&calls, 1); return 0; }`,
        directory,
      ),
      { programs: { probe: { attachType: "trace_uprobe_session" } } },
    );
    const program = object.program("probe");
    const target = { kind: "uprobe_multi", path, pattern: "many_?" } as const;
    {
      using _link = program.attach(target);
      for (let i = 0; i < 5; i++) library.symbols.many_1(i);
    }
    library.close();
    assertEquals(object.variable("calls").get(), 10n);
    const others = 'it was for attach type "trace_uprobe_session"';
    for (const moment of [{ session: false }, { return: true }]) {
      assertThrows(
        () => program.attach({ ...target, ...moment }),
        SystemError,
        `must be loaded for attach type "trace_uprobe_multi": ${others}`,
      );
    }
    assertThrows(
      () => program.attach({ kind: "uprobe", path, symbol: "many_1" }),
      SystemError,
      `must be loaded for probes of one function: ${others}`,
    );
    using counters = new Counters(await compileAttach(directory));
    assertThrows(
      () =>
        counters.program("count_calls").attach({ ...target, session: true }),
      SystemError,
      'must be loaded for attach type "trace_uprobe_session": it was for probes of one function',
    );
  },
);

/** A library with a function and a semaphore. */
async function semaphore(directory: TemporaryDirectory) {
  const path = await compileC(
    `
    unsigned short semaphore __attribute__((section(".probes"))) = 0;
    unsigned short *address(void) { return &semaphore; }
    int value(void) { return *(volatile unsigned short *)&semaphore; }
    int called(int x) { __asm__ volatile(""); return x; }
    `,
    directory,
    ["-O1", "-shared", "-fPIC"],
  );
  const library = Deno.dlopen(path, {
    address: { parameters: [], result: "usize" },
    value: { parameters: [], result: "i32" },
    called: { parameters: ["i32"], result: "i32" },
  });
  const at = library.symbols.address();
  const refCounterOffset = mappings(path).map((line) => {
    const [, ...hex] = /^(\w+)-(\w+) \S+ (\w+)/.exec(line)!;
    const [start, end, offset] = hex.map((text) => BigInt(`0x${text}`));
    return at >= start! && at < end! ? Number(offset! + at - start!) : 0;
  }).find((offset) => offset > 0)!;
  return { path, library, refCounterOffset };
}

testWith(attachable, uprobe, uprobeMulti, compilerOfC)(
  "One link of many functions gives each its cookie, and counts its semaphore up",
  async () => {
    using directory = new TemporaryDirectory();
    const attachType = "trace_uprobe_multi";
    using counters = new Counters(await compileAttach(directory), {
      programs: { "count_calls": { attachType } },
    });
    const { path, library, refCounterOffset } = await semaphore(directory);
    const { value, called } = library.symbols;
    {
      using link = counters.program("count_calls").attach({
        kind: "uprobe_multi",
        path,
        functions: ["called", "value"],
        cookies: [7n, 8n],
        refCounterOffsets: [refCounterOffset, 0],
      });
      assertEquals(link.info.type, "uprobe_multi");
      called(3);
      assertEquals(counters.get("cookie"), 7);
      assertEquals(value(), 1);
      assertEquals(counters.get("cookie"), 8);
    }
    assertEquals(value(), 0);
    library.close();
  },
);

libraryTest(
  "BpfProgram.attach() to a function counts up a semaphore in processes for as long as it is attached",
  async () => {
    using directory = new TemporaryDirectory();
    using counters = new Counters(await compileAttach(directory));
    const program = counters.program("count_calls");
    const { path, library, refCounterOffset } = await semaphore(directory);
    const { value, called } = library.symbols;
    const kind = "uprobe";
    const offset = functionOffset(path, "called");
    {
      using _one = program.attach({
        kind,
        path,
        symbol: "called",
        refCounterOffset,
      });
      assertEquals(value(), 1);
      called(3);
      assertEquals(counters.get("first"), 1);
    }
    assertEquals(value(), 0);
    {
      using _many = program.attach({
        kind: "uprobe_multi",
        path,
        offsets: [offset],
        refCounterOffsets: [refCounterOffset],
      });
      assertEquals(value(), 1);
    }
    assertEquals(value(), 0);
    assertThrows(
      () => program.attach({ kind, path, offset, refCounterOffset: -2 }),
      RangeError,
      "Offset of a counter",
    );
    assertThrows(
      () =>
        program.attach({
          kind: "uprobe_multi",
          path,
          pattern: "called",
          refCounterOffsets: [refCounterOffset],
        }),
      RangeError,
      "received 1 and a pattern",
    );
    library.close();
  },
);
