import { assertEquals } from "@std/assert";
import { canBpf, run } from "../_support.ts";

Deno.test({
  name: "BpfMap survives a program that replaces what it uses",
  ignore: !canBpf,
  async fn() {
    const { code, signal, stdout, stderr } = await run(
      `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      import { Memory, pageSize, u64 } from "@hostmem/hostmem";

      using map = BpfMap.create({
        type: "array",
        valueSize: 8,
        maxEntries: 4,
        flags: ["mmapable", "rdonly_prog"],
      });
      using percpu = BpfMap.create({
        type: "percpu_array",
        valueSize: 8,
        maxEntries: 4,
      });
      const value = new Uint8Array(8).fill(1);
      const { log, error } = console;
      const { isView } = ArrayBuffer;
      const mine = value.buffer;
      const seen: unknown[] = new Array(10_000).fill(undefined);
      let count = 0;
      function steal(this: unknown, given: unknown): undefined {
        if (count < 9_998) {
          seen[count++] = this;
          seen[count++] = given;
        }
      }
      const { ownKeys, defineProperty, getPrototypeOf } = Reflect;
      const typedArray = getPrototypeOf(Uint8Array);
      const trap = { __proto__: null, get: steal, set: steal };
      for (const prototype of [
        typedArray.prototype,
        Uint8Array.prototype,
        Uint32Array.prototype,
        BigUint64Array.prototype,
        DataView.prototype,
        ArrayBuffer.prototype,
        WebAssembly.Memory.prototype,
      ]) {
        const names = ownKeys(prototype);
        for (let i = 0; i < names.length; i++) {
          if (names[i] !== "constructor") {
            defineProperty(prototype, names[i]!, trap as PropertyDescriptor);
          }
        }
      }
      for (const name of ["isSafeInteger", "isInteger", "isFinite"] as const) {
        Number[name] = () => true;
      }
      for (const name of ["ceil", "floor", "max", "min"] as const) {
        Math[name] = () => 1;
      }
      globalThis.BigInt = (() => 1n) as unknown as BigIntConstructor;
      globalThis.Uint8Array = class {
        constructor(...given: unknown[]) {
          steal.call(this, given[0]);
        }
      } as unknown as Uint8ArrayConstructor;
      for (const key of [0, 1, 2, 3, 4, "buffer", "bytes", "address", "value"]) {
        defineProperty(Object.prototype, key, trap as PropertyDescriptor);
      }
      const uses: (() => unknown)[] = [
        () => map.update(1, value),
        () => map.lookup(1),
        () => map.lookup(2 ** 33),
        () => map.lookup(-1),
        () => percpu.lookup(1),
        () => percpu.update(1, value),
        () => map.view(1, u64).value,
        () => map.view(4, u64).value,
        () => map.view(2 ** 40, u64).value,
        () => map.view(0.5, u64).value,
        () => map.values(u64, { readOnly: true }).at(1),
        () => map.values(u64, { readOnly: true }).at(512),
        () => map.memory().close(),
        () => map.freeze(),
      ];
      for (let i = 0; i < uses.length; i++) {
        try {
          uses[i]!();
        } catch {
          // Whatever it says, as long as it is no crash.
        }
      }
      const found = map.lookup(1);
      let stolen = found?.[0] === 1 ? 0 : 100;
      for (let i = 0; i < count; i++) {
        const one = seen[i];
        if (one !== value && isView(one)) stolen++;
        if (one instanceof ArrayBuffer && one !== mine) stolen++;
        if (one instanceof WebAssembly.Memory) stolen++;
      }
      Deno.exit(stolen);
    `,
      { permissions: ["-A"] },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stdout + stderr);
  },
});
