import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfObject, ClosedError, InvalidObjectError } from "../../bpf/mod.ts";
import { nativeOf } from "../../bpf/object/object.ts";
import { u64 } from "../../layout/mod.ts";
import { openDescriptors, run } from "../_support.ts";
import { canLoad, objectFile } from "./_objects.ts";

Deno.test({
  name:
    "BpfObject.load() reads each option once, and survives what reading does (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
    const path = await objectFile("constants");
    const before = openDescriptors("bpf").length;
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
    assertEquals(openDescriptors("bpf").length, before);
  },
});

Deno.test({
  name:
    "BpfObject.load() copies the bytes before it checks them (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
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
});

Deno.test({
  name:
    "A closed BpfObject gives nothing of libbpf's away (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
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
});

Deno.test("A BpfObject is loaded, and made in no other way", () => {
  assertThrows(
    // @ts-expect-error The constructor is private.
    () => new BpfObject(Symbol(), {}),
    TypeError,
    "Illegal constructor",
  );
});

Deno.test({
  name:
    "Replaced built-ins make no object's memory but its own (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
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
});

Deno.test({
  name:
    "BpfVariable takes no type that only looks like one (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
    using object = BpfObject.load(await objectFile("variables"));
    for (const type of [{ ...u64 }, Object.create(u64), null, 7, "u64"]) {
      assertThrows(() => object.variable("hits", type as never), TypeError);
    }
    assert(object.variable("hits", u64).pointer().value === 0n);
  },
});

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

Deno.test({
  name:
    "A BpfObject is freed once, whatever a program replaces (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
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
});

Deno.test({
  name:
    "A map that lies about itself is not reused for another (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
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
});

Deno.test({
  name:
    "No code of a program's runs while libbpf works (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
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
});

Deno.test({
  name:
    "What libbpf gave is not lost where nobody can be told of messages (needs clang and libbpf)",
  ignore: !canLoad,
  async fn() {
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
});
