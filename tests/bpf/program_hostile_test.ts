import { assertEquals } from "@std/assert";
import { bpfMaps, root, testWith } from "../_needs.ts";
import { run } from "../_support.ts";

testWith(bpfMaps, root)(
  "BpfProgram and BpfLink survive a program that replaces what they use",
  async () => {
    const { code, signal, stdout, stderr } = await run(
      `
      import { BpfLink, BpfMap, BpfProgram } from "@hostmem/hostmem/bpf";
      import { Program } from "./tests/bpf/_program.ts";

      using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1, flags: ["mmapable"] });
      using xdp = Program.counting(map.fd, { type: 6, returns: 2 });
      using raw = Program.counting(map.fd, { type: 17 });
      using event = Program.counting(map.fd, { type: 7 });
      const data = new Uint8Array(64).fill(3);
      const context = new Uint8Array(24);
      new Uint32Array(context.buffer)[1] = 64;
      const fds = [xdp.fd, raw.fd, event.fd];
      const mine = [data.buffer, context.buffer];
      // Everything is used once before, so that what is lazy is there.
      using first = BpfProgram.fromFd(xdp.fd);
      first.run({ data, context });
      first.attach({ kind: "xdp", interface: "lo" }).close();
      const { isView } = ArrayBuffer;
      const seen: unknown[] = new Array(100_000).fill(undefined);
      let count = 0;
      function steal(this: unknown, given: unknown): undefined {
        if (count < 99_998) {
          seen[count++] = this;
          seen[count++] = given;
        }
      }
      const { ownKeys, defineProperty, getPrototypeOf } = Reflect;
      const trap = { __proto__: null, get: steal, set: steal };
      for (const prototype of [
        getPrototypeOf(Uint8Array).prototype,
        Uint8Array.prototype,
        Uint32Array.prototype,
        Int32Array.prototype,
        BigUint64Array.prototype,
        DataView.prototype,
        ArrayBuffer.prototype,
        Map.prototype,
        WeakMap.prototype,
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
      for (const name of ["ceil", "floor", "max", "min"] as const) Math[name] = () => 1;
      Array.prototype.includes = () => true;
      Array.prototype.indexOf = () => 2 ** 40;
      String.prototype.includes = () => false;
      RegExp.prototype.test = () => true;
      globalThis.BigInt = (() => 2n ** 60n) as unknown as BigIntConstructor;
      for (const key of [0, 1, 2, 3, "at", "size", "length", "buffer", "bytes", "address", "value", "open"]) {
        defineProperty(Object.prototype, key, trap as PropertyDescriptor);
      }
      function attempt(use: () => unknown): void {
        try {
          use();
          done++;
        } catch {
          // Whatever it says, as long as it is no crash.
        }
      }
      let done = 0;
      for (const fd of fds) {
        attempt(() => {
          const program = BpfProgram.fromFd(fd);
          for (const target of [
            undefined,
            { kind: "xdp", interface: "lo" },
            { kind: "xdp", interface: 2 ** 40 },
            { kind: "tcx", interface: "lo", direction: "ingress", before: {} },
            { kind: "raw_tracepoint", name: "sys_enter" },
            { kind: "raw_tracepoint", name: "x".repeat(2 ** 20) },
            { kind: "perf_event", event: "cpu_clock", cpu: 0, period: 1e9 },
            { kind: "perf_event", event: {}, cpu: -1, period: {} },
            { kind: "tracepoint", category: {}, name: [] },
            { kind: "uprobe", path: "/bin/sh", offset: 2 ** 70 },
            { kind: "uprobe", path: "/bin/sh", symbol: {} },
            { kind: "cgroup", cgroup: "/", attachType: "nothing" },
            { kind: "netfilter", family: "ipv4", hook: "local_in", priority: {} },
            { kind: "iterator", map: {}, pid: {} },
            { kind: "nothing" },
            5,
          ]) {
            attempt(() => {
              const link = program.attach(target as never);
              attempt(() => link.info);
              attempt(() => link.update(program));
              attempt(() => link.read());
              attempt(() => BpfLink.fromFd(link.fd).info);
              link.close();
            });
          }
          for (const options of [
            { data },
            { data, context },
            { data, repeat: 2 ** 33 },
            { data: { length: 2 ** 40 } },
            { data: new Uint8Array(200_000) },
            { context, cpu: 5000 },
            { data, liveFrames: {} },
          ]) {
            attempt(() => program.run(options as never));
          }
          attempt(() => program.info);
          attempt(() => program.links);
        });
      }
      let stolen = 0;
      for (let i = 0; i < count; i++) {
        const one = seen[i];
        if (isView(one) && one !== data && one !== context) stolen++;
        if (one instanceof ArrayBuffer && one !== mine[0] && one !== mine[1]) stolen++;
      }
      console.log(done > 15 ? "enough was done" : done);
      Deno.exit(stolen > 100 ? 100 : stolen);
    `,
      { permissions: ["-A"] },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stdout + stderr);
    assertEquals(stdout, "enough was done\n");
  },
);
