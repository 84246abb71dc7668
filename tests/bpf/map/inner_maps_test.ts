import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap } from "../../../bpf/mod.ts";
import {
  ClosedError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import { u32 } from "../../../layout/mod.ts";
import { check } from "../../../ffi/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { bytes, mapExists, mappable, number } from "../_maps.ts";
import { Program } from "../_program.ts";

function holder(
  type: "array_of_maps" | "hash_of_maps",
  maxEntries = 4,
): BpfMap {
  using innerMap = mappable({ flags: [] });
  return BpfMap.create({ type, valueSize: 4, maxEntries, innerMap });
}

for (const type of ["array_of_maps", "hash_of_maps"] as const) {
  bpfTest(
    `BpfMap.updateMap() and lookupMap() keep maps in a map of type ${type}`,
    () => {
      using outer = holder(type);
      assertEquals(outer.lookupMap(2), undefined);
      const inner = mappable({ flags: [] });
      const { id } = inner.info;
      inner.update(1, bytes(7n));
      outer.updateMap(2, inner);
      inner.close();
      // Held by the map that it is in.
      using found = outer.lookupMap(2)!;
      assertEquals([found.info.id, number(found.lookup(1))], [id, 7n]);
      found.update(1, bytes(8n));
      using again = outer.lookupMap(2, { readOnly: true })!;
      assertEquals(number(again.lookup(1)), 8n);
      assertThrows(() => again.update(1, bytes(9n)), SystemError);
      assertEquals([...outer.entries()].filter(([, inside]) => inside === id), [
        [type === "array_of_maps" ? 2 : new Uint8Array([2, 0, 0, 0]), id],
      ]);
      assertEquals([...outer.table({ keyType: u32 })], [[2, id]]);
      found.close();
      again.close();
      assertEquals(outer.delete(2), true);
      assertEquals(outer.lookupMap(2), undefined);
    },
  );
}

bpfTest("BpfMap.updateMap() says what it cannot store", () => {
  using outer = holder("hash_of_maps");
  using other = mappable({ valueSize: 16, flags: [] });
  const unlike = assertThrows(() => outer.updateMap(1, other), SystemError);
  assertEquals(unlike.code, "EINVAL");
  using inner = mappable({ flags: [] });
  outer.updateMap(1, inner, "create");
  const present = assertThrows(
    () => outer.updateMap(1, inner, "create"),
    SystemError,
  );
  assertEquals(present.code, "EEXIST");
  for (const wrong of [undefined, null, 5, {}, Object.create(inner)]) {
    assertThrows(
      () => outer.updateMap(1, wrong as BpfMap),
      TypeError,
      "must be a BpfMap",
    );
  }
  assertThrows(
    () => outer.table({ keyType: u32 }).set(1, 5),
    NotSupportedError,
    "is given descriptors, and gives ids: use updateMap()",
  );
  assertThrows(
    () => outer.table({ keyType: u32 }).setAll([[1, 5]]),
    NotSupportedError,
    "updateMap()",
  );
  assertThrows(
    () => inner.updateMap(1, outer),
    NotSupportedError,
    "A map of type array holds no maps",
  );
  assertThrows(() => inner.lookupMap(1), NotSupportedError, "holds no maps");
  const gone = mappable({ flags: [] });
  gone.close();
  assertThrows(() => outer.updateMap(1, gone), ClosedError);
  outer.close();
  assertThrows(() => outer.updateMap(1, inner), ClosedError);
  assertThrows(() => outer.lookupMap(1), ClosedError);
});

bpfTest("BpfMap.entries() goes over the holes in an array of maps", () => {
  using outer = holder("array_of_maps", 300);
  using inner = mappable({ flags: [] });
  for (const index of [0, 7, 130, 299]) outer.updateMap(index, inner);
  const { id } = inner.info;
  assertEquals([...outer.entries()], [[0, id], [7, id], [130, id], [
    299,
    id,
  ]]);
  assertEquals(mapExists(id), true);
});

bpfTest(
  "BpfMap.entries() of programs, which have no batches, gives their ids",
  () => {
    using counters = mappable({ maxEntries: 1 });
    using program = Program.adding(counters.fd, 0, 1);
    using map = BpfMap.create({
      type: "prog_array",
      valueSize: 4,
      maxEntries: 500,
    });
    const fd = new Uint8Array(
      new Uint32Array([check(program.fd, "bpf")]).buffer,
    );
    const indices = [0, 63, 64, 65, 128, 499];
    for (const index of indices) map.update(index, fd);
    const entries = [...map.table()];
    assertEquals(entries.map(([key]) => key), indices);
    assertEquals(new Set(entries.map(([, id]) => id)).size, 1);
    assertThrows(
      () => map.table().set(1, 5),
      NotSupportedError,
      "use updateProgram()",
    );
    assertEquals(map.delete(63), true);
    assertEquals([...map.entries()].length, 5);
  },
);
