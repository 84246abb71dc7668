import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfObject, ClosedError, InvalidObjectError } from "../../bpf/mod.ts";
import { nativeOf } from "../../bpf/object/object.ts";
import { u64 } from "../../layout/mod.ts";
import { bpfObjects, kernelBtf, objectTest, testWith } from "../_needs.ts";
import { openDescriptors, run } from "../_support.ts";
import { objectFile } from "./_objects.ts";

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
    const object = BpfObject.load(await objectFile("variables"));
    const native = nativeOf(object);
    const [program] = native.programs;
    const [map] = native.maps;
    const release = native.retain();
    const other = native.retain();
    // Undone once, it is not undone for the other, nor for the object.
    for (let i = 0; i < 4; i++) other();
    assertEquals(map!.valueSize, object.map(map!.name).info.valueSize);
    object.close();
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
        () => object.map(".bss").memory(),
        () => object.map(".bss").lookup(0),
        () => object.variable("hits").get(),
      ]
    ) {
      assertThrows(use, ClosedError);
    }
    assertEquals(program!.name, "count");
    assertEquals(Object.keys(object.variables).length, 25);
    release();
    release();
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
  "Replaced built-ins make no object's memory but its own (needs clang and libbpf)",
  async () => {
    const { code, signal, stderr } = await run(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      const bytes = Deno.readFileSync(Deno.args[0]);
      BpfObject.load(bytes).close();
      const wrong = () => 2 ** 31;
      for (const prototype of [
        DataView.prototype,
        Object.getPrototypeOf(Uint8Array.prototype),
        Map.prototype,
        String.prototype,
      ]) {
        for (const name of Object.getOwnPropertyNames(prototype)) {
          const old = Object.getOwnPropertyDescriptor(prototype, name);
          if (!old.configurable || name === "constructor") continue;
          Object.defineProperty(prototype, name, {
            configurable: true,
            value: wrong,
          });
          try {
            const object = BpfObject.load(bytes, { constants: { limit: 3 } });
            for (const name in object.variables) object.variables[name].get();
            object.close();
          } catch {
            // An error is as good.
          } finally {
            Object.defineProperty(prototype, name, old);
          }
        }
      }
    `,
      {
        permissions: ["--allow-ffi", "--allow-read"],
        args: [await objectFile("variables")],
      },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  },
);

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
  "A BpfObject is freed once, whatever a program replaces (needs clang and libbpf)",
  async () => {
    await survives(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      FinalizationRegistry.prototype.unregister = () => true;
      for (let i = 0; i < 5; i++) BpfObject.load(Deno.args[0]).close();
      for (let i = 0; i < 5; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    `,
      "variables",
    );
  },
);

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

objectTest(
  "No code of a program's runs while libbpf works (needs clang and libbpf)",
  async () => {
    const stdout = await survives(
      `
      import { BpfObject, onLibbpfMessage } from "@hostmem/hostmem/bpf";
      const [path] = Deno.args;
      let heard = 0;
      onLibbpfMessage(() => heard++);
      BpfObject.load(path).close();
      const once = heard;
      const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
      const stackOf = () => new Error().stack ?? "";
      const includes = Function.prototype.call.bind(String.prototype.includes);
      let watching = false;
      let inside = 0;
      function look(): void {
        if (watching) return;
        watching = true;
        if (includes(stackOf(), "receive")) inside++;
        watching = false;
      }
      const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
      for (const prototype of [
        typedArray,
        Array.prototype,
        RegExp.prototype,
        String.prototype,
        TextDecoder.prototype,
      ]) {
        for (const name of ownKeys(prototype)) {
          const old = getOwnPropertyDescriptor(prototype, name)!;
          if (!old.configurable || name === "constructor") continue;
          const { value, get } = old;
          if (get !== undefined) {
            old.get = function () {
              look();
              return apply(get, this, []);
            };
          } else if (typeof value === "function") {
            old.value = function (...given: unknown[]) {
              look();
              return apply(value, this, given);
            };
          }
          defineProperty(prototype, name, old);
        }
      }
      BpfObject.load(path).close();
      watching = true;
      console.log(inside, heard === 2 * once && once > 0);
    `,
      "variables",
    );
    assertEquals(stdout, "0 true\n");
  },
);

objectTest(
  "What libbpf gave is not lost where nobody can be told of messages (needs clang and libbpf)",
  async () => {
    await survives(
      `
      import { BpfObject, onLibbpfMessage } from "@hostmem/hostmem/bpf";
      const [path] = Deno.args;
      globalThis.reportError = () => {
        throw new Error("Nobody is told");
      };
      onLibbpfMessage(() => {
        throw new Error("Mine");
      });
      for (let i = 0; i < 3; i++) BpfObject.load(path).close();
      onLibbpfMessage(undefined);
      Array.prototype.push = reportError;
      for (let i = 0; i < 3; i++) {
        try {
          BpfObject.load(path).close();
        } catch (error) {
          if (error.message !== "Nobody is told") throw error;
        }
      }
    `,
      "variables",
    );
  },
);

btfTest(
  "Replaced built-ins let no file past the checks (needs clang and libbpf)",
  async () => {
    const stdout = await survives(
      `
      import { Btf } from "@hostmem/hostmem/btf";
      import { BpfObject } from "@hostmem/hostmem/bpf";
      const [path] = Deno.args;
      const good = Deno.readFileSync(path);
      const other = Btf.parse(Deno.readFileSync("/sys/kernel/btf/vmlinux"));

      /** The file with one word of a section changed. */
      function spoil(name: string, at: (view: DataView) => number, word: number) {
        const bytes = new Uint8Array(good);
        const view = new DataView(bytes.buffer);
        const headers = Number(view.getBigUint64(40, true));
        const header = (index: number) => headers + 64 * index;
        const offset = (index: number) =>
          Number(view.getBigUint64(header(index) + 24, true));
        const names = offset(view.getUint16(62, true));
        for (let i = 1; i < view.getUint16(60, true); i++) {
          const from = names + view.getUint32(header(i), true);
          const text = new TextDecoder().decode(bytes.subarray(from, bytes.indexOf(0, from)));
          if (text !== name) continue;
          const section = new DataView(bytes.buffer, offset(i));
          section.setUint32(at(section), word, true);
          return bytes;
        }
        throw new Error("Not found");
      }
      const files = [
        // The name of the first type; the place of the third symbol; the type
        // of the first function.
        spoil(".BTF", () => 24, 0xffffff),
        spoil(".symtab", () => 2 * 24 + 8, 0x7fffffff),
        spoil(".BTF.ext", (view) => view.getUint32(4, true) + 4 + 8 + 4, 0xffffff),
      ];
      const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
      const owners = [
        Array,
        Array.prototype,
        Btf,
        Btf.prototype,
        BigInt,
        DataView.prototype,
        Map.prototype,
        Math,
        Number,
        Object,
        Set.prototype,
        String.prototype,
        Uint8Array.prototype,
        Object.getPrototypeOf(Uint8Array),
        Object.getPrototypeOf(Uint8Array.prototype),
        Object.getPrototypeOf([][Symbol.iterator]()),
      ];
      const nothing = {
        none: () => undefined,
        empty: () => [],
        first: (self: unknown, given: unknown[]) => given[0],
        done: () => ({ done: true, value: undefined }),
      };
      let tries = 0;
      const past: string[] = [];
      function attempt(what: string, replaced: PropertyDescriptor, owner: object, key: PropertyKey) {
        for (let i = 0; i < files.length; i++) {
          const old = getOwnPropertyDescriptor(owner, key);
          let name = "loaded";
          const { value } = replaced;
          const counted = { ...replaced };
          if (typeof value === "function") {
            counted.value = function (...given: unknown[]) {
              return value(this, given);
            };
          }
          defineProperty(owner, key, counted);
          try {
            BpfObject.load(files[i]!).close();
          } catch (error) {
            name = error.name;
          } finally {
            if (old === undefined) delete (owner as Record<PropertyKey, unknown>)[key];
            else defineProperty(owner, key, old);
          }
          tries++;
          if (name === "loaded" || name === "SystemError") {
            past[past.length] = what + " of file " + i + ": " + name;
          }
        }
      }
      const configurable = true;
      const all = owners.flatMap((owner) =>
        ownKeys(owner).map((key) => ({ owner, key, old: getOwnPropertyDescriptor(owner, key)! }))
      ).filter(({ old }) => old.configurable);
      for (let i = 0; i < all.length; i++) {
        const { owner, key, old } = all[i]!;
        for (const name in nothing) {
          // Without an end nothing ends.
          if (key === "next" && name !== "done") continue;
          const value = nothing[name as keyof typeof nothing];
          const what = String(key) + " gives " + name;
          if (typeof old.value === "function") {
            attempt(what, { configurable, writable: true, value }, owner, key);
          } else if (old.get) {
            attempt(what, { configurable, get: () => value(undefined, []) }, owner, key);
          }
        }
      }
      for (const key of ["base", "size", "type", "kind", "length", "get", "set", "value", "0", "1", "25"]) {
        for (const [what, value] of Object.entries({ zero: 0, btf: other, void: undefined })) {
          const polluting = { configurable, writable: true, value };
          attempt(key + " is " + what, polluting, Object.prototype, key);
          if (key !== "length") attempt(key + " is " + what, polluting, Array.prototype, key);
        }
        attempt(key + " is set", { configurable, set() {}, get() {} }, Object.prototype, key);
      }
      console.log(tries > 1000, past.slice(0, 20).join("; "));
    `,
      "maps",
    );
    assertEquals(stdout, "true \n");
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

objectTest(
  "What a replaced method of arrays comes by does no harm (needs clang and libbpf)",
  async () => {
    const stdout = await survives(
      `
      import { BpfMap, BpfObject } from "@hostmem/hostmem/bpf";
      const [path] = Deno.args;
      const { apply } = Reflect;
      let found: any[] = [];
      for (const name of ["filter", "find", "map"] as const) {
        const method = Array.prototype[name] as any;
        Array.prototype[name] = function (this: any, ...given: any[]) {
          const [first] = this;
          if (typeof first === "object" && first !== null && "pinPath" in first) {
            found = this;
          }
          return apply(method, this, given);
        } as any;
      }
      const large = BpfMap.create({
        type: "array",
        valueSize: 1 << 24,
        maxEntries: 1,
        flags: ["mmapable"],
      });
      const like = { info: { ...large.info, typeNumber: 2 }, open: () => large.fd };
      const attacks = [
        (map: any) => map.setValueSize(1 << 24),
        (map: any) => map.setMaxEntries(1 << 24),
        (map: any) => map.reuse(like),
        (map: any) => Object.defineProperty(map, "isSection", { value: false }),
        (map: any) => (map.isSection = false, map.setValueSize(1 << 24)),
        (map: any) => {
          const prototype = Object.getPrototypeOf(map);
          Object.defineProperty(prototype, "valueSize", { value: 1 << 24 });
          map.reuse(like);
        },
        (map: any) => {
          Object.defineProperty(map, "valueSize", { value: 1 << 24 });
          map.reuse(like);
        },
      ];
      let refused = 0;
      for (const attack of attacks) {
        const constants = {
          get limit(): number {
            for (const map of found) {
              if (map.name !== ".bss") continue;
              try {
                attack(map);
              } catch {
                refused++;
              }
            }
            return 4;
          },
        };
        BpfObject.load(path, { constants }).close();
      }
      for (let i = 0; i < 1000; i++) new Uint8Array(100_000);
      console.log(found.length > 0, refused);
    `,
      "variables",
    );
    assertEquals(stdout, "true 7\n");
  },
);
