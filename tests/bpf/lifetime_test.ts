import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfMap } from "../../bpf/mod.ts";
import { ClosedError, SystemError } from "../../errors.ts";
import { array, HostLayout, struct, u32, u64 } from "../../layout/mod.ts";
import { sized } from "../_fire.ts";
import { bpfTest } from "../_needs.ts";
import {
  collect,
  eventually,
  mappings,
  openDescriptors,
  run,
} from "../_support.ts";
import { mapExists, mappable, number } from "./_maps.ts";

const Inner = struct("Inner", { _: HostLayout, x: u32 });
const Outer = struct("Outer", {
  _: HostLayout,
  inner: Inner,
  numbers: array(u32, 3),
});

/** Objects that a program can hold while the map is closed or dropped. */
const holders: Record<string, (map: BpfMap) => unknown> = {
  "the memory": (map) => map.memory(),
  "a pointer": (map) => map.pointer(Outer, 0),
  "a view": (map) => map.view(Outer, 0),
  "a nested pointer": (map) => map.pointer(Outer, 0).inner,
  "a typed array": (map) => map.pointer(Outer, 0).numbers,
  "the values": (map) => map.elements(Outer),
  "a column": (map) => map.elements(Outer).column("inner.x"),
};

for (const [name, hold] of Object.entries(holders)) {
  bpfTest(
    `A closed BpfMap's memory lives for as long as ${name} does`,
    async () => {
      let held: unknown;
      function make(): number {
        using map = mappable({ valueSize: 16 });
        held = hold(map);
        return map.info.id;
      }
      const id = make();
      for (let i = 0; i < 2; i++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 1));
        assert(mapExists(id));
      }
      assert(held !== undefined);
      held = undefined;
      await eventually(() => {
        collect();
        return !mapExists(id);
      }, 5000);
    },
  );
}

bpfTest(
  "A BpfMap that was dropped without close goes, descriptor and memory",
  async () => {
    const before = openDescriptors("anon_inode:bpf-map").length;
    function make(): number {
      const map = mappable({ valueSize: 16 });
      map.pointer(Outer, 0).inner.x = 1;
      return map.info.id;
    }
    const id = make();
    await eventually(() => {
      collect();
      return !mapExists(id);
    }, 5000);
    assertEquals(openDescriptors("anon_inode:bpf-map").length, before);
  },
);

bpfTest(
  "BpfMap.close() leaves pointers working, and the memory to its holder",
  () => {
    const map = mappable();
    using same = BpfMap.fromFd(map.fd);
    const memory = map.memory();
    const pointer = map.pointer(u64, 1);
    map.close();
    pointer.value = 9n;
    assertEquals(number(same.lookup(1)), 9n);
    assertEquals(memory.closed, false);
    memory.close();
    assertThrows(() => pointer.value, ClosedError);
    same.freeze();
  },
);

bpfTest(
  "BpfMap.freeze() fails with EBUSY before Memory.close() and succeeds after",
  () => {
    using map = mappable();
    const pointer = map.pointer(u64, 0);
    const error = assertThrows(
      () => map.freeze(),
      SystemError,
      "must be closed first: map.memory().close()",
    );
    assertEquals([error.code, error.errno, error.syscall], [
      "EBUSY",
      16,
      "bpf(BPF_MAP_FREEZE)",
    ]);
    map.memory().close();
    map.freeze();
    assertThrows(() => pointer.value, ClosedError);
    const again = assertThrows(
      () => map.freeze(),
      SystemError,
      "frozen already",
    );
    assertEquals(again.code, "EPERM");
  },
);

bpfTest("BpfMap leaves no descriptor and no mapping behind", () => {
  const descriptors = openDescriptors("anon_inode:bpf-map").length;
  const lines = mappings("anon_inode:bpf-map").length;
  {
    using map = mappable();
    using same = BpfMap.fromFd(map.fd);
    using other = BpfMap.fromId(map.info.id);
    assertEquals(openDescriptors("anon_inode:bpf-map").length, descriptors + 3);
    using _memory = map.memory();
    same.memory().close();
    other.memory().close();
    // A mapping holds the map without a descriptor.
    assertEquals(openDescriptors("anon_inode:bpf-map").length, descriptors + 3);
  }
  assertEquals(openDescriptors("anon_inode:bpf-map").length, descriptors);
  assertEquals(mappings("anon_inode:bpf-map").length, lines);
});

bpfTest(
  "BPF maps mapped and dropped leave mappings, descriptors and address space bounded",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      import { u64 } from "@hostmem/hostmem";
      import {
        addressSpace,
        collect,
        eventually,
        mappings,
        openDescriptors,
      } from "./tests/_support.ts";
      function drop(count: number): void {
        for (let i = 0; i < count; i++) {
          const map = BpfMap.create({
            type: "array",
            valueSize: 8,
            maxEntries: 1,
            flags: ["mmapable"],
          });
          map.pointer(u64, 0).value = 1n;
          // The descriptor at once; the mapping is left to the collector.
          map.close();
        }
      }
      drop(100);
      collect();
      const before = addressSpace();
      let most = 0;
      for (let i = 0; i < Number(Deno.args[0]); i++) {
        drop(1000);
        most = Math.max(most, mappings().length);
      }
      await eventually(() => {
        collect();
        return mappings("anon_inode:bpf-map").length === 0;
      });
      console.log(JSON.stringify({
        most,
        growth: addressSpace() - before,
        descriptors: openDescriptors("anon_inode:bpf-map").length,
      }));
    `,
      // Thousands. Those that exceed the budget of mappings are the memory's
      // business, and under fire this one's, too.
      {
        permissions: ["-A"],
        v8Flags: ["expose-gc"],
        args: [`${sized(3, 20)}`],
      },
    );
    assertEquals(code, 0, stderr);
    const { most, growth, descriptors } = JSON.parse(stdout);
    assertEquals(descriptors, 0);
    assert(most < 45_000, stdout);
    assert(growth < 2 ** 30, stdout);
  },
);
