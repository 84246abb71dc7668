/** The answers of deleting by key, for maps of every type. */

import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap, type CreateMapOptions } from "../../../bpf/mod.ts";
import { NotSupportedError } from "../../../errors.ts";
import { pageSize } from "../../../memory/mod.ts";
import { bpfTest } from "../../_needs.ts";

bpfTest("BpfMap.delete() says of each type whether there was an entry", () => {
  using inner = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
  const slots: [CreateMapOptions, boolean][] = [
    [{ type: "prog_array", valueSize: 4, maxEntries: 4 }, false],
    [{ type: "perf_event_array", valueSize: 4, maxEntries: 4 }, false],
    [{ type: "cgroup_array", valueSize: 4, maxEntries: 4 }, false],
    [{ type: "stack_trace", valueSize: 64, maxEntries: 4 }, false],
    [{ type: "sockmap", valueSize: 8, maxEntries: 4 }, false],
    [{ type: "reuseport_sockarray", valueSize: 8, maxEntries: 4 }, false],
    [
      { type: "array_of_maps", valueSize: 4, maxEntries: 4, innerMap: inner },
      false,
    ],
    // Of these the kernel does not tell.
    [{ type: "devmap", valueSize: 4, maxEntries: 4 }, true],
    [{ type: "cpumap", valueSize: 4, maxEntries: 4 }, true],
  ];
  for (const [options, empty] of slots) {
    using map = BpfMap.create(options);
    const deleted = [map.delete(3), map.delete(4), map.delete(2 ** 32 - 1)];
    assertEquals(deleted, [empty, false, false], options.type);
    if (options.type === "perf_event_array") continue;
    if (options.type === "cgroup_array") continue;
    assertEquals(map.table().deleteAll([9]), 0, options.type);
  }
});

bpfTest("BpfMap.delete() says which maps have no entries to delete", () => {
  for (const type of ["queue", "stack", "bloom_filter", "ringbuf"] as const) {
    const isRing = type === "ringbuf";
    using map = BpfMap.create({
      type,
      valueSize: isRing ? 0 : 8,
      maxEntries: isRing ? pageSize() : 4,
    });
    assertThrows(
      () => map.delete(new Uint8Array(0)),
      NotSupportedError,
      `A map of type ${type} cannot be deleted from by key`,
    );
  }
});
