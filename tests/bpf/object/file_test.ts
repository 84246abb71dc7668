import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { existsSync } from "node:fs";
import {
  BpfObject,
  BtfError,
  InvalidObjectError,
  readObjectFile,
  SystemError,
} from "../../../bpf/mod.ts";
import { type Enumeration, u32, u64 } from "../../../layout/mod.ts";
import { fire } from "../../_fire.ts";
import {
  bpfObjects,
  clang,
  command,
  kernelBtf,
  objectTest,
  testWith,
} from "../../_needs.ts";
import { hasCommand, TemporaryDirectory } from "../../_support.ts";
import { compile, objectFile, runProgram, succeed } from "../_objects.ts";

const compileTest = testWith(bpfObjects, clang);

compileTest(
  "A BpfObject without BTF has its variables as bytes (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("variables", directory, { flags: ["-g0"] });
    using object = BpfObject.load(path, {
      constants: { limit: [7, 0, 0, 0] },
      variables: { step: [2] },
    });
    assertEquals(object.btf, undefined);
    const { hits, limit } = object.variables;
    assertEquals([hits!.type.name, limit!.get()], ["u8[8]", [7, 0, 0, 0]]);
    const counter = object.variable("hits", u64).pointer();
    runProgram(object, "count", 5);
    assertEquals(counter.value, 10n);
    assertEquals(hits!.get(), [10, 0, 0, 0, 0, 0, 0, 0]);
    assertEquals(object.variable("limit", u32).view().value, 7);
    assertEquals(
      Object.keys(object.variables).includes("LICENSE"),
      false,
    );
  },
);

testWith(bpfObjects, command("llvm-strip"))(
  "A stripped object is the same BpfObject (needs clang, llvm-strip and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("variables", directory);
    using object = BpfObject.load(path);
    const size = Deno.statSync(path).size;
    await succeed("llvm-strip", ["-g", path]);
    assert(Deno.statSync(path).size < size);
    using stripped = BpfObject.load(path);
    const types = ({ variables }: BpfObject) =>
      Object.entries(variables).map(([name, { type, section, offset }]) =>
        `${name} ${type.name} ${section} ${offset}`
      );
    assertEquals(types(stripped), types(object));
    runProgram(stripped, "count");
    assertEquals(stripped.variable("hits").get(), 1n);
  },
);

compileTest(
  "BpfObject.load() refuses a big-endian object (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("variables", directory, { target: "bpfeb" });
    assertThrows(
      () => BpfObject.load(path),
      InvalidObjectError,
      "little-endian: it is big-endian; compile with -target bpf",
    );
  },
);

Deno.test("What is wrong with an object file is told with its path", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("notes.bpf.o");
  Deno.writeTextFileSync(path, "#".repeat(64));
  for (const use of [BpfObject.load, readObjectFile]) {
    const error = assertThrows(() => use(path), InvalidObjectError);
    assertEquals(
      error.message,
      `"${path}": An object file must be ELF, and begin with 7f454c46: it begins with 23232323`,
    );
  }
});

Deno.test("BpfObject.load() refuses what is no object file for BPF", () => {
  for (
    const [bytes, message] of [
      [new Uint8Array(), "at least 64 bytes: received 0 bytes"],
      [new Uint8Array(63), "at least 64 bytes: received 63 bytes"],
      [
        new Uint8Array(64),
        "must be ELF, and begin with 7f454c46: it begins with 00000000",
      ],
      [
        Deno.readFileSync(Deno.execPath()).slice(0, 4096),
        "for the machine 247",
      ],
    ] as const
  ) {
    assertThrows(() => BpfObject.load(bytes), InvalidObjectError, message);
  }
  for (
    const source of [undefined, null, 7, {}, [127, 69], new Uint16Array(64)]
  ) {
    assertThrows(
      () => BpfObject.load(source as never),
      TypeError,
      "a path, a file URL or a Uint8Array",
    );
  }
  assertThrows(() => BpfObject.load("/none.o"), Deno.errors.NotFound);
  assertThrows(
    () => BpfObject.load(new URL("https://example.com/a.o")),
    TypeError,
    "file URL",
  );
});

objectTest(
  "BpfObject.load() refuses BTF that refers to nothing (needs clang and libbpf)",
  async () => {
    const bytes = Deno.readFileSync(await objectFile("variables"));
    const at = find(bytes, [0x9f, 0xeb, 1, 0, 24]);
    const words = new DataView(bytes.buffer, at);
    const types = 24 + words.getUint32(8, true);
    // The first type's name.
    words.setUint32(types, 0xffff, true);
    assertThrows(() => BpfObject.load(bytes), BtfError);
  },
);

function find(bytes: Uint8Array, pattern: number[]): number {
  for (let i = 0; i < bytes.length; i++) {
    if (pattern.every((byte, j) => bytes[i + j] === byte)) return i;
  }
  throw new Error("Not found");
}

testWith(bpfObjects, clang, command("bpftool"))(
  "Static variables of one name are told apart by their sections (needs clang, bpftool and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const linked = directory.join("linked.bpf.o");
    await succeed("bpftool", [
      "gen",
      "object",
      linked,
      ...await Promise.all(
        [["1", ".data.one"], ["2", ".data.two"]].map(([unit, section]) =>
          compile("statics", directory, {
            flags: [`-DUNIT=${unit}`, `-DSECTION_NAME="${section}"`],
          })
        ),
      ),
    ]);
    using object = BpfObject.load(linked, {
      variables: { ".data.two/shared": 40 },
    });
    runProgram(object, "bump_1", 3);
    runProgram(object, "bump_2", 2);
    assertEquals(Object.keys(object.variables).toSorted(), [
      ".data.one/shared",
      ".data.two/shared",
      "bump_1.inner",
      "bump_2.inner",
    ]);
    assertEquals(object.variable(".data.one/shared").get(), 3);
    assertEquals(object.variable(".data.two/shared").get(), 42);
    assertEquals(object.variable("bump_1.inner").get(), 4);
    assertThrows(
      () => object.variable("shared"),
      RangeError,
      'There are several variables named "shared", in .data.one at 0 and in .data.two at 0: say which by ".data.one/shared" or ".data.two/shared"',
    );
    assertThrows(
      () => object.variable("twice"),
      RangeError,
      'several variables named "twice", in .data.twice at 0 and in .data.twice at 4: rename one',
    );
    assertThrows(
      () => BpfObject.load(linked, { variables: { shared: 1 } }),
      RangeError,
      "several",
    );
  },
);

compileTest(
  "Variables of a section where all are static are live, too (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("statics", directory, {
      flags: ["-DUNIT=7", '-DSECTION_NAME=".data.only"'],
    });
    using object = BpfObject.load(path);
    const shared = object.variable("shared").pointer() as { value: number };
    runProgram(object, "bump_7", 3);
    assertEquals(shared.value, 3);
    shared.value = 9;
    assertEquals(object.map(".data.only").lookup(0)![0], 9);
  },
);

objectTest(
  "Variables in .kconfig are the kernel's configuration, and what kconfig says (needs clang and libbpf)",
  async () => {
    const path = await objectFile("kconfig");
    using object = BpfObject.load(path, {
      kconfig:
        'CONFIG_HOSTMEM_SWITCH=y\nCONFIG_HOSTMEM_NAME="abc"\nCONFIG_HOSTMEM_NUMBER=77\n',
    });
    const { variables } = object;
    assertArrayIncludes(await versionCodes(), [
      variables.LINUX_KERNEL_VERSION!.get() as number,
    ]);
    assertEquals(variables.CONFIG_HOSTMEM_SWITCH!.get(), true);
    assertEquals(variables.CONFIG_HOSTMEM_NAME!.get(), "abc");
    assertEquals(variables.CONFIG_HOSTMEM_NUMBER!.get(), 77n);
    assertEquals(variables.CONFIG_HOSTMEM_NUMBER!.view(u64).value, 77n);
    assertEquals(variables.CONFIG_HOSTMEM_NUMBER!.readOnly, true);
    for (const options of ["constants", "variables"]) {
      assertThrows(
        () =>
          BpfObject.load(path, { [options]: { CONFIG_HOSTMEM_NUMBER: 1n } }),
        RangeError,
        "pass a line CONFIG_HOSTMEM_NUMBER=",
      );
    }
    assertThrows(
      () => BpfObject.load(path, { kconfig: "a\0" }),
      TypeError,
      "without NUL",
    );
    const error = assertThrows(
      () => BpfObject.load(path, { kconfig: "CONFIG_HOSTMEM_NUMBER=many\n" }),
      SystemError,
    );
    assertEquals(error.syscall, "bpf_object__load");
  },
);

/**
 * The values that `LINUX_KERNEL_VERSION` may have. Ubuntu and Debian tell
 * elsewhere than in the release what their kernel was made of, and libbpf looks
 * there, or not, by its own version.
 */
async function versionCodes(): Promise<number[]> {
  const said = [
    await succeed("uname", ["-r"]),
    /Debian (.*)/.exec(await succeed("uname", ["-v"]))?.[1],
    existsSync("/proc/version_signature")
      ? Deno.readTextFileSync("/proc/version_signature").split(" ")[2]
      : undefined,
  ];
  return said.filter((text) => text !== undefined).map((text) => {
    const [major, minor, patch] = text.match(/\d+/g)!.map(Number);
    return major! * 65536 + minor! * 256 + Math.min(patch!, 255);
  });
}

/** Under fire each compiler in several ways, which are one to its BTF. */
const flagsOf = fire ? [[], ["-O1"], ["-mcpu=v3"]] : [[]];

const compilers = [
  "clang",
  ...[11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]
    .map((version) => `clang-${version}`),
].filter(hasCommand);

for (const compiler of compilers) {
  testWith(bpfObjects, clang, kernelBtf)(
    `Objects of ${compiler} are loaded, and typed (needs libbpf)`,
    async () => {
      using directory = new TemporaryDirectory();
      for (const name of ["variables", "constants", "kconfig", "maps"]) {
        for (const flags of flagsOf) {
          const path = await compile(name, directory, { compiler, flags });
          using object = BpfObject.load(path);
          for (const variable of Object.values(object.variables)) {
            const value = variable.get();
            if (variable.readOnly) continue;
            if (variable.type.kind !== "union") variable.set(value);
            assertEquals(variable.get(), value, variable.name);
          }
        }
      }
      const path = await compile("variables", directory, { compiler });
      using object = BpfObject.load(path);
      object.variable("wide").set(2n ** 64n - 1n);
      const level = object.variable("level");
      const { members } = level.type as Enumeration;
      // Compilers before clang 15 do not tell that it has a sign.
      level.set(members.LOW);
      runProgram(object, "copy");
      const { points } = object.variable("nested").get() as {
        points: unknown[];
      };
      assertEquals(points[1], { x: -2n, y: -1n });
      assertEquals(object.variable("aligned_hits").get(), 2n ** 63n + 53n);
    },
  );
}
