import { assert, assertEquals, assertThrows } from "@std/assert";
import { functionOffset } from "../../bpf/link/targets/elf_symbols.ts";
import { NotSupportedError, SystemError } from "../../errors.ts";
import { command, compilerOfC, testWith, uprobe } from "../_needs.ts";
import { compileC, run, TemporaryDirectory } from "../_support.ts";
import { attachable, compileAttach, Counters } from "./_attach.ts";

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
    const attach = async (name: string, read: string[], cwd?: string) => {
      const { stdout, stderr } = await run(
        `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      using object = BpfObject.load(Deno.readFileSync(Deno.args[0]));
      ${cwd === undefined ? "" : `Deno.chdir(${JSON.stringify(cwd)});`}
      try {
        using link = object.program("count_calls").attach(
          { kind: "uprobe", path: Deno.args[1], symbol: Deno.args[2] });
        console.log(link.info.target.name);
      } catch (error) {
        console.log(error.name, error.message);
      }
      `,
        {
          permissions: [
            "--allow-ffi",
            `--allow-read=${[object, ...read].join(",")}`,
          ],
          args: [object, name, name.startsWith("lib") ? "getpid" : "one"],
        },
      );
      return stdout.trim() || stderr;
    };
    const real = new TextDecoder().decode(
      new Deno.Command("sh", {
        args: [
          "-c",
          "realpath $(ldconfig -p | grep -m1 'libc.so.6 (libc6' | sed 's/.*=> //')",
        ],
      }).outputSync().stdout,
    ).trim();
    // The folder that is read must be granted, not the working directory.
    assertEquals(
      (await attach("libc.so.6", [directory.path], directory.path)).split(
        " ",
      )[0],
      "NotCapable",
    );
    assertEquals(await attach("libc.so.6", [real]), real);
    // A file in the working directory, by its name alone.
    const own = directory.join(name);
    assertEquals(await attach(name, [directory.path], directory.path), own);
    assertEquals(
      await attach(`./${name}`, [directory.path], directory.path),
      own,
    );
  },
);
