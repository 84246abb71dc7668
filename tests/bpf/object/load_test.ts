import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  BpfObject,
  BtfError,
  type LibbpfMessage,
  onLibbpfMessage,
  ReadOnlyError,
  SystemError,
  VerifierError,
} from "../../../bpf/mod.ts";
import { sized } from "../../_fire.ts";
import { bpfObjects, kernelBtf, objectTest, testWith } from "../../_needs.ts";
import {
  collect,
  eventually,
  openDescriptors,
  run,
  TemporaryDirectory,
} from "../../_support.ts";
import { mapExists } from "../_maps.ts";
import { compile, objectFile, openNative, runProgram } from "../_objects.ts";

objectTest(
  "BpfObject.load() takes constants, which prune what they make unreachable (needs clang and libbpf)",
  async () => {
    const path = await objectFile("constants");
    using object = BpfObject.load(path, {
      constants: { careless: false, rounds: 3 },
    });
    assertEquals(object.variable("rounds").get(), 3);
    const error = assertThrows(
      () => BpfObject.load(path, { constants: { careless: true } }),
      VerifierError,
    );
    assertEquals(error.program, "lookup");
    assert(error instanceof SystemError);
    assertEquals([error.code, error.errno, error.name], [
      "EACCES",
      13,
      "VerifierError",
    ]);
    assertStringIncludes(error.log, "map_value_or_null");
    assertStringIncludes(error.log, "processed ");
    assertMatch(
      error.message,
      /^bpf\(BPF_PROG_LOAD, "lookup"\) failed with EACCES .*: .*invalid mem access 'map_value_or_null'/s,
    );
  },
);

objectTest(
  "VerifierError.log is whole, however long it is (needs clang and libbpf)",
  async () => {
    const path = await objectFile("constants");
    const constants = { careless: true, rounds: 2000 };
    const error = assertThrows(
      () => BpfObject.load(path, { constants }),
      VerifierError,
    );
    assertEquals([error.code, error.program], ["EACCES", "lookup"]);
    assert(error.log.length > 128 * 1024, `${error.log.length}`);
    assertStringIncludes(error.log.slice(0, 400), "0: ");
    assertStringIncludes(error.message, "invalid mem access");
  },
);

objectTest(
  "BpfObject.load() names what is no constant, no variable, or of another type (needs clang and libbpf)",
  async () => {
    const path = await objectFile("variables");
    const descriptors = openDescriptors("anon_inode:bpf").length;
    function refuses(
      options: Parameters<typeof BpfObject.load>[1],
      error: typeof RangeError | typeof TypeError,
      message: string,
    ): void {
      assertThrows(() => BpfObject.load(path, options), error, message);
    }
    refuses(
      { constants: { limits: 1 } },
      RangeError,
      'There is no variable named "limits": it must be one of "hits", "bytes"',
    );
    refuses(
      { constants: { step: 1 } },
      RangeError,
      "Constant step must be declared const: it is in .data; pass it as one of `variables`",
    );
    refuses(
      { variables: { limit: 1 } },
      RangeError,
      "Variable limit must not be declared const: it is in .rodata; pass it as one of `constants`",
    );
    refuses({ constants: { limit: -1 } }, RangeError, "limit");
    refuses({ constants: { limit: 1n } }, TypeError, "limit");
    refuses({ constants: { limit: "1" } }, TypeError, "limit");
    refuses({ constants: { verbose: 1 } }, TypeError, "verbose");
    refuses({ constants: { origin: { z: 1n } } }, TypeError, "z");
    refuses({ constants: { greeting: "hello there" } }, RangeError, "greeting");
    refuses({ constants: { limit: undefined } }, TypeError, "limit");
    refuses({ constants: 7 as never }, TypeError, "Options must be an object");
    assertEquals(openDescriptors("anon_inode:bpf").length, descriptors);
  },
);

objectTest(
  "BpfObject.load() presets constants and variables of every kind (needs clang and libbpf)",
  async () => {
    using object = BpfObject.load(await objectFile("variables"), {
      constants: { limit: 9, verbose: true, origin: { y: 7n }, greeting: "ho" },
      variables: {
        hits: 5n,
        list: { count: 1 },
        matrix: [[0]],
        tuned: 3,
        flags: { b: 5 },
      },
    });
    const values = Object.fromEntries(
      ["limit", "verbose", "origin", "greeting", "hits", "list", "matrix"]
        .map((name) => [name, object.variable(name).get()]),
    );
    assertEquals(values, {
      limit: 9,
      verbose: true,
      origin: { x: 1n, y: 7n },
      greeting: "ho",
      hits: 5n,
      list: { count: 1, items: [10, 20, 30, 0] },
      matrix: [[0, 2, 3], [4, 5, 6]],
    });
    assertEquals(object.variable("tuned").get(), 3);
    assertEquals(object.variable("step").get(), 1);
    assertThrows(() => object.variable("limit").set(1), ReadOnlyError);
  },
);

objectTest(
  "BpfObject.load() leaves nothing behind, loaded or failed (needs clang and libbpf)",
  async () => {
    const path = await objectFile("constants");
    const bytes = Deno.readFileSync(path);
    using _warm = BpfObject.load(bytes);
    collect();
    const before = openDescriptors().length;
    const ids: number[] = [];
    // One that is left of each would be seen after the first.
    for (let i = 0; i < sized(40, 200); i++) {
      {
        using object = BpfObject.load(i % 2 === 0 ? path : bytes);
        ids.push(...Object.values(object.maps).map(({ info }) => info.id));
        object.variable("rounds").view();
      }
      assertThrows(
        () => BpfObject.load(bytes, { constants: { careless: true } }),
        VerifierError,
      );
    }
    assert(openDescriptors().length <= before);
    await eventually(() => {
      collect();
      return !ids.some(mapExists);
    });
  },
);

objectTest(
  "A BpfObject that was dropped without close goes, libbpf's part too (needs clang and libbpf)",
  async () => {
    const path = await objectFile("variables");
    const before = openDescriptors("anon_inode:bpf").length;
    function make(): number {
      const object = BpfObject.load(path);
      object.variable("hits").pointer();
      return object.map(".bss").info.id;
    }
    const id = make();
    await eventually(() => {
      collect();
      return !mapExists(id) &&
        openDescriptors("anon_inode:bpf").length === before;
    });
  },
);

objectTest(
  "BpfObject.btf has the places of variables, and lasts (needs clang and libbpf)",
  async () => {
    const object = BpfObject.load(await objectFile("variables"));
    const { btf } = object;
    object.close();
    const section = btf!.find(".data", "datasec")!;
    assertEquals(section.variables.length, 4);
    assertEquals(section.size, object.map(".data").info.valueSize);
    assertEquals(btf!.layout("nested", "struct").size, 64);
  },
);

objectTest(
  "onLibbpfMessage() hears what libbpf says, once it is done (needs clang and libbpf)",
  async () => {
    const path = await objectFile("constants");
    const messages: LibbpfMessage[] = [];
    let depth = 0;
    onLibbpfMessage((message) => {
      messages.push(message);
      // Whoever hears may load another.
      if (depth++ === 0) BpfObject.load(path).close();
    });
    try {
      assertThrows(
        () => BpfObject.load(path, { constants: { careless: true } }),
        VerifierError,
      );
    } finally {
      onLibbpfMessage(undefined);
    }
    const warnings = messages.filter(({ level }) => level === "warning");
    assert(
      warnings.some(({ text }) =>
        text.includes("prog 'lookup': BPF program load failed")
      ),
    );
    assert(messages.some(({ level }) => level === "debug"));
    assert(messages.every(({ text }) => !text.endsWith("\n")));
    const { length } = messages;
    BpfObject.load(path).close();
    assertEquals(messages.length, length);
    assertThrows(() => onLibbpfMessage(7 as never), TypeError, "number");
  },
);

objectTest(
  "A listener of libbpf's messages that throws does not keep an object from loading (needs clang and libbpf)",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject, onLibbpfMessage } from "@hostmem/hostmem/bpf";
      let reported = 0;
      addEventListener("error", (event) => {
        event.preventDefault();
        reported++;
      });
      onLibbpfMessage(() => {
        throw new Error("heard");
      });
      using object = BpfObject.load(Deno.args[0]);
      console.log(Object.keys(object.maps).length, reported > 10);
    `,
      {
        permissions: ["--allow-ffi", "--allow-read"],
        args: [await objectFile("constants")],
      },
    );
    assertEquals([code, stdout, stderr], [0, "2 true\n", ""]);
  },
);

objectTest(
  "libbpf never writes to standard error, whoever listens or not (needs clang and libbpf)",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject, VerifierError } from "@hostmem/hostmem/bpf";
      for (const bytes of [Deno.readFileSync(Deno.args[0])]) {
        try {
          BpfObject.load(bytes, { constants: { careless: true } });
        } catch (error) {
          console.log(error instanceof VerifierError, error.program);
        }
      }
    `,
      {
        permissions: ["--allow-ffi", "--allow-read"],
        args: [await objectFile("constants")],
      },
    );
    assertEquals([code, stdout, stderr], [0, "true lookup\n", ""]);
  },
);

objectTest(
  "BpfObject.load() with logLevel asks for the log of programs that load, too (needs clang and libbpf)",
  async () => {
    const path = await objectFile("constants");
    using object = BpfObject.load(path, { logLevel: 1 });
    assertEquals(Object.keys(object.logs).toSorted(), ["fine", "lookup"]);
    assertStringIncludes(object.logs.fine!, "processed ");
    using quiet = BpfObject.load(path);
    assertEquals(Object.keys(quiet.logs), []);
    const error = assertThrows(
      () =>
        BpfObject.load(path, { logLevel: 2, constants: { careless: true } }),
      VerifierError,
    );
    assertEquals(error.program, "lookup");
    for (const logLevel of [-1, 16, 1.5, "1"]) {
      assertThrows(
        () => BpfObject.load(path, { logLevel: logLevel as number }),
        RangeError,
        "Log level",
      );
    }
  },
);

objectTest(
  "BpfObject.load() leaves out the programs it is told to (needs clang and libbpf)",
  async () => {
    const path = await objectFile("constants");
    const constants = { careless: true };
    using object = BpfObject.load(path, {
      constants,
      programs: { lookup: { load: false } },
    });
    runProgram(object, "fine");
    assertEquals(Object.keys(object.programs), ["fine"]);
    assertThrows(() => object.program("lookup"), RangeError, '"fine"');
    assertThrows(
      () => BpfObject.load(path, { programs: { look: {} } }),
      RangeError,
      'There is no program named "look": it must be one of "fine", "lookup"',
    );
    assertThrows(
      () => BpfObject.load(path, { programs: { fine: { load: 1 as never } } }),
      TypeError,
      "Option load must be a boolean",
    );
  },
);

testWith(bpfObjects, kernelBtf)(
  "BpfObject.map() and variable() tell which names there are (needs clang and libbpf)",
  async () => {
    using object = BpfObject.load(await objectFile("maps"));
    assertEquals(Object.keys(object.maps).toSorted(), [
      ".bss",
      ".data",
      ".rodata",
      "first",
      "outer",
      "plain",
      "ring",
      "table",
    ]);
    assertThrows(() => object.map("tabel"), RangeError, '"table"');
    assertThrows(() => object.map("toString"), RangeError, "no map named");
    assertThrows(() => object.map("__proto__"), RangeError, "no map named");
    assertThrows(() => object.variable("hit"), RangeError, '"hits"');
    assertThrows(() => object.variable(7 as never), RangeError, "number");
    assertEquals(object.map("table").info.type, "hash");
    assertEquals(object.maps.toString, undefined);
  },
);

const vmlinux = "/sys/kernel/btf/vmlinux";

testWith(bpfObjects, kernelBtf)(
  "BpfObject.load() relocates against the BTF of a file (needs clang, libbpf and the kernel's BTF)",
  async () => {
    const path = await objectFile("maps");
    using directory = new TemporaryDirectory();
    const btfPath = directory.join("kernel.btf");
    const count = () =>
      openDescriptors("anon_inode:bpf").length +
      openDescriptors("/memfd:").length;
    const before = count();
    Deno.copyFileSync(vmlinux, btfPath);
    {
      using object = BpfObject.load(path, { btfPath });
      assertEquals(Object.keys(object.programs), ["enter", "count"]);
    }
    // One without the struct that the program wants a field of.
    const own = await openNative("kconfig");
    Deno.writeFileSync(btfPath, own.btf()!);
    own.close();
    assertThrows(
      () => BpfObject.load(path, { btfPath }),
      VerifierError,
      "CO-RE relocation <byte_off>",
    );
    Deno.writeFileSync(btfPath, Deno.readFileSync(vmlinux).slice(0, 100_000));
    assertThrows(() => BpfObject.load(path, { btfPath }), BtfError);
    assertThrows(
      () => BpfObject.load(path, { btfPath: directory.join("none") }),
      Deno.errors.NotFound,
    );
    assertEquals(count(), before);
  },
);

objectTest(
  "A VerifierError names the program that is refused for its license (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("unlicensed", directory);
    const error = assertThrows(() => BpfObject.load(path), VerifierError);
    assertEquals(error.program, "stolen");
    assertStringIncludes(error.message, "GPL");
  },
);
