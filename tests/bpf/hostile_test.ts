import { assertEquals } from "@std/assert";
import { bpfTest } from "../_needs.ts";
import { run } from "../_support.ts";

bpfTest("BpfMap survives a program that replaces what it uses", async () => {
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
});

bpfTest("MapTable survives a program that replaces what it uses", async () => {
  const { code, signal, stdout, stderr } = await run(
    `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      import { array, HostLayout, struct, text, u32, u64 } from "@hostmem/hostmem";

      const Value = struct("Value", {
        _: HostLayout,
        count: u64,
        sizes: array(u32, 2),
        name: text(8),
      });
      using map = BpfMap.create({
        type: "hash",
        keySize: 4,
        valueSize: 24,
        maxEntries: 1000,
      });
      using percpu = BpfMap.create({
        type: "percpu_array",
        valueSize: 24,
        maxEntries: 100,
      });
      using queue = BpfMap.create({ type: "queue", valueSize: 8, maxEntries: 4 });
      const table = map.table({ keyType: u32, valueType: Value });
      const raw = map.table();
      const cpus = percpu.perCpu({ valueType: array(u64, 3) });
      const jobs = queue.queue({ valueType: u64 });
      for (let i = 0; i < 900; i++) table.set(i, { count: 5n });

      const { isView } = ArrayBuffer;
      const { ownKeys, defineProperty, getPrototypeOf } = Reflect;
      const { transfer } = ArrayBuffer.prototype;
      const { call } = Function.prototype;
      let stolen = 0;
      // Whatever comes by is looked into; buffers are taken away.
      function look(value: unknown, depth = 0): void {
        if (typeof value !== "object" || value === null || depth > 3) return;
        let buffer: unknown;
        if (isView(value)) buffer = bufferOf(value);
        else if (value instanceof ArrayBuffer) buffer = value;
        if (buffer !== undefined) {
          if (lengthOf(buffer) <= 256) return; // One of the values.
          stolen++;
          try {
            transfer.call(buffer as ArrayBuffer, 0);
          } catch {
            // Not one of those.
          }
          return;
        }
        for (const key in value) {
          try {
            look((value as Record<string, unknown>)[key], depth + 1);
          } catch {
            // A getter.
          }
        }
      }
      const bufferOf = Function.prototype.call.bind(
        Object.getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), "buffer")!.get!,
      ) as (view: unknown) => unknown;
      const lengthOf = Function.prototype.call.bind(
        Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")!.get!,
      ) as (buffer: unknown) => number;

      let inside = false;
      function spy(owner: object, name: PropertyKey): void {
        const original = (owner as Record<PropertyKey, unknown>)[name];
        if (typeof original !== "function") return;
        try {
          defineProperty(owner, name, {
            __proto__: null,
            value(this: unknown, ...given: unknown[]) {
              const result = original.apply(this, given);
              if (!inside) {
                inside = true;
                look(this);
                for (let i = 0; i < given.length; i++) look(given[i]);
                look(result);
                inside = false;
              }
              return result;
            },
          } as PropertyDescriptor);
        } catch {
          // Not to be replaced.
        }
      }
      const generator = getPrototypeOf(function* () {}.prototype);
      const iterator = getPrototypeOf([][Symbol.iterator]());
      for (const owner of [generator, iterator, Array.prototype, Object, Array,
        Map.prototype, WeakMap.prototype, WeakRef.prototype, Math, Number, JSON,
        Uint8Array.prototype, getPrototypeOf(Uint8Array.prototype), DataView.prototype,
        ArrayBuffer.prototype, TextDecoder.prototype]) {
        for (const name of ownKeys(owner)) {
          if (name !== "constructor" && name !== "prototype") {
            const descriptor = Object.getOwnPropertyDescriptor(owner, name);
            if (descriptor?.get === undefined) spy(owner, name);
          }
        }
      }
      globalThis.BigInt = (() => 1n) as unknown as BigIntConstructor;

      const uses: (() => unknown)[] = [
        () => { for (const [key, value] of table) look(value); },
        () => { for (const [key, value] of raw) { look(key); look(value); } },
        () => { for (const entry of map.entries()) look(entry); },
        () => table.setAll([[5, { count: 1n }], [1000, { count: 1n }]]),
        () => table.get(5),
        () => raw.get(5),
        () => raw.set(7, new Uint8Array(24)),
        () => table.take(8),
        () => table.deleteAll([1, 2, 3]),
        () => look(cpus.get(1)),
        () => { for (const [, sum] of cpus.sums()) look(sum); },
        () => { for (const entry of percpu.entries()) look(entry); },
        () => cpus.set(1, cpus.get(1)!),
        () => jobs.push(1n),
        () => jobs.pop(),
        () => look(raw.takeAll()),
        () => table.takeAll(),
      ];
      const { exit } = Deno;
      let done = 0;
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < uses.length; i++) {
          try {
            uses[i]!();
            done++;
          } catch {
            // Whatever it says, as long as it is no crash.
          }
        }
      }
      if (done < 200) exit(101);
      exit(stolen > 100 ? 100 : stolen);
    `,
    { permissions: ["-A"], flags: ["--no-check"] },
  );
  assertEquals({ code, signal }, { code: 0, signal: null }, stdout + stderr);
});
