import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  BpfObject,
  ClosedError,
  InvalidObjectError,
} from "../../../bpf/mod.ts";
import { u64 } from "../../../layout/mod.ts";
import {
  bpfObjects,
  clang,
  kernelBtf,
  libbpfVersion,
  objectTest,
  testWith,
} from "../../_needs.ts";
import { openDescriptors, run, TemporaryDirectory } from "../../_support.ts";
import { compileText, objectFile, openNative } from "../_objects.ts";

const btfTest = testWith(bpfObjects, kernelBtf);

objectTest(
  "BpfObject.load() reads each option once, and survives what reading does (needs clang and libbpf)",
  async () => {
    const path = await objectFile("constants");
    const before = openDescriptors("anon_inode:bpf").length;
    let reads = 0;
    const constants = {
      get careless(): boolean {
        reads++;
        // Another object is loaded while this one is being set up.
        BpfObject.load(path, { constants: { rounds: 5 } }).close();
        return true;
      },
      rounds: 2000,
    };
    // Its log is so long that the object is opened more than once.
    const error = assertThrows(() => BpfObject.load(path, { constants }));
    assertEquals((error as Error).name, "VerifierError");
    assertEquals(reads, 1);
    for (
      const options of [
        {
          constants: {
            get rounds(): number {
              throw new Error("mine");
            },
          },
        },
        {
          get maps(): never {
            throw new Error("mine");
          },
        },
        {
          maps: {
            get table(): never {
              throw new Error("mine");
            },
          },
        },
        {
          programs: {
            get fine(): never {
              throw new Error("mine");
            },
          },
        },
      ]
    ) {
      assertThrows(() => BpfObject.load(path, options), Error, "mine");
    }
    assertEquals(openDescriptors("anon_inode:bpf").length, before);
  },
);

objectTest(
  "BpfObject.load() copies the bytes before it checks them (needs clang and libbpf)",
  async () => {
    const bytes = Deno.readFileSync(await objectFile("variables"));
    const constants = {
      get limit(): number {
        bytes.fill(255);
        return 4;
      },
    };
    using object = BpfObject.load(bytes, { constants });
    assertEquals(object.variable("limit").get(), 4);
    assertThrows(() => BpfObject.load(bytes), InvalidObjectError);
    const detached = new Uint8Array(100);
    structuredClone(detached, { transfer: [detached.buffer] });
    assertThrows(() => BpfObject.load(detached), TypeError, "detached");
    const shared = new Uint8Array(new SharedArrayBuffer(100));
    assertThrows(() => BpfObject.load(shared), InvalidObjectError, "ELF");
  },
);

objectTest(
  "A closed BpfObject gives nothing of libbpf's away (needs clang and libbpf)",
  async () => {
    const native = await openNative("variables");
    const [program] = native.programs;
    const [map] = native.maps;
    const release = native.retain();
    const other = native.retain();
    // Undone once, it is not undone for the other, nor for the object.
    for (let i = 0; i < 4; i++) other();
    assert(map!.valueSize > 0);
    native.close();
    for (
      const use of [
        () => native.handle,
        () => native.btf(),
        () => native.load(),
        () => native.retain(),
        () => program!.handle,
        () => program!.fd,
        () => program!.autoload,
        () => map!.handle,
        () => map!.fd,
        () => map!.initialValue(),
      ]
    ) {
      assertThrows(use, ClosedError);
    }
    assertEquals(program!.name, "count");
    release();
    release();
    native.close();
    const object = BpfObject.load(await objectFile("variables"));
    object.close();
    for (
      const use of [
        () => object.map(".bss").memory(),
        () => object.map(".bss").lookup(0),
        () => object.variable("hits").get(),
      ]
    ) {
      assertThrows(use, ClosedError);
    }
    assertEquals(Object.keys(object.variables).length, 25);
    object.close();
  },
);

Deno.test("A BpfObject is loaded, and made in no other way", () => {
  assertThrows(
    // @ts-expect-error The constructor is private.
    () => new BpfObject(Symbol(), {}),
    TypeError,
    "Illegal constructor",
  );
});

objectTest(
  "BpfVariable takes no type that only looks like one (needs clang and libbpf)",
  async () => {
    using object = BpfObject.load(await objectFile("variables"));
    for (const type of [{ ...u64 }, Object.create(u64), null, 7, "u64"]) {
      assertThrows(() => object.variable("hits", type as never), TypeError);
    }
    assert(object.variable("hits", u64).pointer().value === 0n);
  },
);

/** Runs a program that uses an object's file, its first argument. */
async function survives(program: string, object: string): Promise<string> {
  const { code, signal, stdout, stderr } = await run(program, {
    permissions: ["--allow-all"],
    v8Flags: ["expose-gc"],
    args: [await objectFile(object)],
  });
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return stdout;
}

objectTest(
  "A map that lies about itself is not reused for another (needs clang and libbpf)",
  async () => {
    // libbpf would unmap a section by the size of the map in its place.
    const stdout = await survives(
      `
      import { BpfMap, BpfObject } from "@hostmem/hostmem/bpf";
      const [path] = Deno.args;
      using first = BpfObject.load(path);
      const { info } = first.map(".bss");
      const large = () =>
        BpfMap.create({
          type: "array",
          valueSize: 1 << 24,
          maxEntries: 1,
          flags: ["mmapable"],
        });
      const own = Object.defineProperty(large(), "info", { value: info });
      const proxy = new Proxy(large(), {
        get: (map, name) => name === "info" ? info : Reflect.get(map, name, map),
      });
      const forged = Object.create(BpfMap.prototype, {
        info: { value: info },
        fd: { value: large().fd },
      });
      const inherited = large();
      for (const reuse of [own, proxy, forged, inherited]) {
        if (reuse === inherited) {
          Object.defineProperty(BpfMap.prototype, "info", { get: () => info });
        }
        try {
          BpfObject.load(path, { maps: { ".bss": { reuse } } }).close();
          console.log("reused");
        } catch (error) {
          console.log(error.name);
        }
      }
      for (let i = 0; i < 1000; i++) new Uint8Array(100_000);
    `,
      "variables",
    );
    assertEquals(stdout.split("\n"), [
      "RangeError",
      "TypeError",
      "TypeError",
      "RangeError",
      "",
    ]);
  },
);

btfTest(
  "Nobody writes into the kernel's BTF between check and use (needs clang and libbpf)",
  async () => {
    const tried: string[] = [];
    const constants = {
      get limit(): number {
        for (const { name } of Deno.readDirSync("/proc/self/fd")) {
          const path = `/proc/self/fd/${name}`;
          try {
            if (!Deno.readLinkSync(path).startsWith("/memfd:btf")) continue;
          } catch {
            continue; // That of the directory.
          }
          try {
            using file = Deno.openSync(path, { write: true });
            file.writeSync(new Uint8Array(4096).fill(255));
            tried.push("written");
          } catch (error) {
            tried.push((error as Error).name);
          }
        }
        return 4;
      },
    };
    using object = BpfObject.load(await objectFile("variables"), {
      constants,
      btfPath: "/sys/kernel/btf/vmlinux",
    });
    assertEquals(object.variable("limit").get(), 4);
    assertEquals(tried, ["PermissionDenied"]);
    assertEquals(openDescriptors("/memfd:btf"), []);
  },
);

btfTest(
  "A type that libbpf would not survive is refused (needs clang and libbpf)",
  async () => {
    const maps = JSON.stringify(await objectFile("maps"));
    const tasks = JSON.stringify(await objectFile("tasks"));
    const { code, signal, stdout, stderr } = await run(
      `
      import { BpfObject } from "./bpf/mod.ts";
      const tell = (path: string, options: object) => {
        try {
          BpfObject.load(path, options).close();
          console.log("loaded");
        } catch (error) {
          console.log((error as Error).message.split(":")[0]);
        }
      };
      tell(${maps}, { maps: { table: { type: "struct_ops" } } });
      // Libbpf before 1.2 looks for the function all the same.
      tell(${tasks}, {
        programs: { count_tasks: { load: true, type: "xdp" } },
      });
    `,
      { permissions: ["-A"] },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
    const [map, program] = stdout.split("\n");
    assertEquals(
      map,
      "Cannot set type of the map table from hash to struct_ops",
    );
    const [, minor] = libbpfVersion()!;
    assertEquals(
      program,
      minor < 2
        ? "Cannot set type of the program count_tasks from tracing to xdp"
        : "loaded",
    );
  },
);

testWith(bpfObjects, clang)(
  "A map of struct_ops that is defined as other maps are is refused (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    for (const type of ["int (*type)[26]", "void *type, *key"]) {
      const path = await compileText(
        `struct { ${type}; int (*max_entries)[1]; } defined SEC(".maps");
SEC("socket") int nothing(void *context) { return 0; }`,
        directory,
      );
      const { code, signal, stdout, stderr } = await run(
        `
        import { BpfObject } from "./bpf/mod.ts";
        try {
          BpfObject.load(${JSON.stringify(path)}).close();
        } catch (error) {
          console.log(String(error));
        }
      `,
        { permissions: ["-A"] },
      );
      assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
      assertMatch(
        stdout,
        type.startsWith("int")
          ? /^InvalidObjectError: .* map defined must be defined in section "\.struct_ops"/
          : /^SystemError/,
      );
    }
  },
);
