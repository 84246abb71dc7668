import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  bits,
  encode,
  enumeration,
  HostLayout,
  InvalidTypeError,
  jsonValue,
  Memory,
  snapshot,
  struct,
  type Type,
  u16,
  u32,
  u8,
} from "../../mod.ts";
import * as layout from "../../layout/mod.ts";
import { pythonModule, rustModule, SpscRing } from "../../sync/mod.ts";
import { outputOf } from "../cli/_hostmem.ts";
import { randomDeclaration } from "../layout/truth/random_declaration.ts";
import { make } from "../layout/truth/host_types.ts";
import { fire, sized } from "../_fire.ts";
import { numpy, python, rust, testWith } from "../_needs.ts";
import { Random, repository, seed, TemporaryDirectory } from "../_support.ts";
import { Everything, first, second } from "./_languages.ts";

const here = import.meta.dirname!;

/** Runs a program that must succeed, and returns what it prints. */
async function outputFrom(name: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, {
    args,
    stdin: "null",
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Writes the types of `_languages.ts` as the command does. */
async function writeTypes(language: string, file: string): Promise<void> {
  const types = `${repository}/tests/sync/_languages.ts`;
  const names = "Everything Color Inner Numbers Ring Lock Frame Messages".split(
    " ",
  );
  const references = names.map((name) => `${types}#${name}`);
  await outputOf("header", ...references, "--language", language, "-o", file);
}

/** A file with a value, and what it is afterwards. */
class Exchange {
  readonly path: string;

  constructor(directory: TemporaryDirectory) {
    this.path = directory.join("value");
    Deno.writeFileSync(this.path, encode(Everything, first));
  }

  after(): unknown {
    using memory = Memory.open(this.path, { allowTruncatable: true });
    return snapshot(memory.view(Everything, 0, { length: 0 }));
  }
}

for (const withNumpy of [false, true]) {
  const needs = withNumpy ? numpy : python;
  const by = withNumpy ? "numpy" : "ctypes";
  testWith(needs)(
    `pythonModule() has every value where it is here: ${by} reads and writes a mapping of it`,
    async () => {
      using directory = new TemporaryDirectory();
      await writeTypes("python", directory.join("types_of_test.py"));
      await Deno.copyFile(`${here}/_peer.py`, directory.join("peer.py"));
      const exchange = new Exchange(directory);
      const script = directory.join("peer.py");
      const flags = withNumpy ? ["numpy"] : [];
      const read = await outputFrom("python3", script, exchange.path, ...flags);
      assertEquals(JSON.parse(read), jsonValue(first));
      assertEquals(exchange.after(), second);
    },
  );
}

testWith(rust)(
  "rustModule() has every value where it is here: Rust reads and writes them",
  async () => {
    using directory = new TemporaryDirectory();
    await writeTypes("rust", directory.join("types_of_test.rs"));
    await Deno.copyFile(`${here}/_peer.rs`, directory.join("peer.rs"));
    const exchange = new Exchange(directory);
    const program = directory.join("peer");
    const source = directory.join("peer.rs");
    await outputFrom("rustc", "--edition=2021", source, "-o", program);
    await outputFrom(program, exchange.path);
    assertEquals(exchange.after(), second);
  },
);

/** Random structs and unions that can be written in other languages, by name. */
function randomTypes(count: number): Record<string, Type> {
  const types: Record<string, Type> = {};
  let refused = 0;
  for (let index = 0; Object.keys(types).length < count; index++) {
    const random = new Random(BigInt(seed()) << 32n | BigInt(index));
    const type = make(randomDeclaration(random), new Map());
    const name = `Random${index}`;
    try {
      pythonModule({ [name]: type });
      types[name] = type;
    } catch (error) {
      // Fields that share bytes, which random offsets make.
      if (!(error instanceof InvalidTypeError)) throw error;
      assert(++refused < count + 20, `${error}`);
    }
  }
  return types;
}

/** Declarations that each language is asked about; most mistakes show in ten. */
const RANDOM = sized(15, 300);

testWith(fire ? numpy : python)(
  "pythonModule() lays random structs out as they are here, or refuses them",
  async () => {
    using directory = new TemporaryDirectory();
    const file = directory.join("random.py");
    const types = randomTypes(RANDOM);
    // The module asserts every size and offset; numpy, which takes longest to be
    // imported, is asked for sizes where there is time.
    const sizes = Object.entries(types).map(([name, { size }]) =>
      `assert numpy is None or ${name}_dtype.itemsize == ${size}, "${name}"\n`
    );
    const begin = fire ? "" : 'import sys\nsys.modules["numpy"] = None\n';
    await Deno.writeTextFile(
      file,
      begin + pythonModule(types) + sizes.join(""),
    );
    await outputFrom("python3", "-W", "error", file);
  },
);

testWith(rust)(
  "rustModule() lays random structs out as they are here, or refuses them",
  async () => {
    using directory = new TemporaryDirectory();
    const file = directory.join("random.rs");
    await Deno.writeTextFile(file, rustModule(randomTypes(RANDOM)));
    const out = directory.join("random.rmeta");
    // Every size, alignment and offset is asserted while it compiles.
    await outputFrom(
      "rustc",
      ...[
        "--edition=2021",
        "--crate-type=lib",
        "--emit=metadata",
        "-Dwarnings",
      ],
      ...["-o", out, file],
    );
  },
);

Deno.test("docs/types.md has the fields that pythonModule() and rustModule() write", async () => {
  const page = await Deno.readTextFile(`${repository}/docs/types.md`);
  const cell = " +`([^`]*)` +\\|";
  const rows = page.matchAll(
    new RegExp(`^\\|${cell}${cell}${cell}(?:${cell}| +\\|)`, "gm"),
  );
  let count = 0;
  for (const [, type, rust, ctypes, numpy = ""] of rows) {
    const x = new Function(...Object.keys(layout), `return ${type};`)(
      ...Object.values(layout),
    );
    const Row = struct("Row", { _: HostLayout, tag: u8, x });
    const [inRust, inPython] = [rustModule({ Row }), pythonModule({ Row })];
    assert(inRust.includes(`\n    pub x: ${rust},\n`), `${type}: ${inRust}`);
    const field = `        ("x", ${ctypes}),\n`;
    assert(inPython.includes(field), `${type}: ${inPython}`);
    assert(inPython.includes(`${numpy}]`), `${type}: ${inPython}`);
    count++;
  }
  assert(count > 20, `${count}`);
});

Deno.test("pythonModule() and rustModule() give each gap a name of its own, whatever fields are called", () => {
  const Gaps = struct("Gaps", {
    _: HostLayout,
    a: u8,
    b: u32,
    c: u8,
    d: u32,
    _gap0: u8,
  });
  for (
    const [text, pattern] of [
      [pythonModule({ Gaps }), /^ {8}\("(\w+)", \(?ctypes/gm],
      [rustModule({ Gaps }), /^ {4}pub (\w+):/gm],
    ] as const
  ) {
    const names = Array.from(text.matchAll(pattern), ([, name]) => name);
    assertEquals(names.length, 8);
    assertEquals(new Set(names).size, 8, names.join(" "));
  }
});

Deno.test("pythonModule() and rustModule() store a bit-field without the bytes of those that share none with it", () => {
  const Apart = struct("Apart", {
    _: HostLayout,
    a: bits(u16, 8),
    b: bits(u16, 3),
  });
  assert(
    pythonModule({ Apart }).includes(`Apart.b = _bit_field("_bits1", 0, 3,`),
  );
  assert(rustModule({ Apart }).includes("pub _bits1: [u8; 1],"));
});

Deno.test("pythonModule() and rustModule() refuse what they cannot say, by name", () => {
  const Overlaid = struct("Overlaid", { _: HostLayout, a: u32, b: u16 }, {
    offsets: { b: 2 },
  });
  const Words = struct("Words", { _: HostLayout, in: u8 });
  const Self = struct("Self", { _: HostLayout, self: u8 });
  const Inner = struct("Inner", { _: HostLayout, _fields_: u8 });
  for (const write of [pythonModule, rustModule]) {
    assertThrows(() => write({ Overlaid }), InvalidTypeError, "Overlaid.b");
    assertThrows(() => write({ "1st": u8 }), InvalidTypeError, "1st");
    assertThrows(() => write({ Some: {} as never }), InvalidTypeError);
  }
  assertThrows(() => pythonModule({ Words }), InvalidTypeError, '"in"');
  assert(rustModule({ Words }).includes("pub r#in: u8,"));
  assertThrows(() => rustModule({ Own: Self }), InvalidTypeError, '"self"');
  assert(pythonModule({ Self }).includes("class Self("));
  assertThrows(() => pythonModule({ Inner }), InvalidTypeError, "_fields_");
  assertThrows(() => pythonModule({ numpy: u8 }), InvalidTypeError, "numpy");
  assertThrows(() => rustModule({ Be: u8 }), InvalidTypeError, "Be");
});

Deno.test("pythonModule() and rustModule() refuse names that they use themselves, or that mean something there", () => {
  const Ring = SpscRing(u32, 16);
  for (const write of [pythonModule, rustModule]) {
    assertThrows(
      () => write({ Ring, Ring_CAPACITY: u32 }),
      InvalidTypeError,
      "Ring_CAPACITY",
    );
  }
  for (const name of ["_bit_field", "_Wide"]) {
    assertThrows(() => pythonModule({ [name]: u8 }), InvalidTypeError, name);
  }
  assertThrows(() => rustModule({ bool: u8 }), InvalidTypeError, "bool");
  for (const name of ["mro", "", "_x_", "__x__", "_Color__x"]) {
    const Color = enumeration("Color", { red: 1, [name]: 2 });
    assertThrows(
      () => pythonModule({ Color }),
      InvalidTypeError,
      `Color.${name}`,
    );
  }
  const names = ["_x", "x_", "__x", "_x__", "_", "__", "___", "name", "a b"];
  const Color = enumeration(
    "Color",
    Object.fromEntries(names.entries().map(([value, name]) => [name, value])),
  );
  assert(pythonModule({ Color }).includes(`"a b": 8`));
  const Bits = struct("Bits", {
    _: HostLayout,
    x: bits(u8, 3),
    set_x: bits(u8, 3),
  });
  assertThrows(() => rustModule({ Bits }), InvalidTypeError, "Bits.set_x");
  assert(pythonModule({ Bits }).includes("Bits.set_x ="));
});
