import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap, type MapFlag } from "../../../bpf/mod.ts";
import { NotSupportedError, ReadOnlyError } from "../../../errors.ts";
import { u64 } from "../../../layout/mod.ts";
import { bpfTest } from "../../_needs.ts";
import { mappings } from "../../_support.ts";
import { bytes, mappable } from "../_maps.ts";

/** Memory of a map whose entry 1 is 7, and that the kernel lets nobody write. */
function assertReadOnly(map: BpfMap): void {
  const memory = map.memory();
  assertEquals(memory.readOnly, true);
  assertThrows(() => map.pointer(u64, 1), ReadOnlyError, "use view()");
  assertThrows(() => map.elements(u64), ReadOnlyError, "use elementViews()");
  assertThrows(() => memory.pointer(u64), ReadOnlyError);
  assertThrows(() => memory.writeAt(bytes(1n), 0), ReadOnlyError);
  const view = map.view(u64, 1);
  assertEquals(view.value, 7n);
  assertThrows(() => (view as { value: bigint }).value = 1n, TypeError);
  assertEquals([...map.elementViews(u64)], [0n, 7n, 0n, 0n]);
  const target = new Uint8Array(8);
  assertEquals(memory.readAt(target, 8), 8);
  assertEquals(target, bytes(7n));
}

bpfTest(
  "BpfMap.memory() falls back to read-only on EACCES of rdonly_prog",
  () => {
    using map = mappable({ flags: ["mmapable", "rdonly_prog"] });
    map.update(1, bytes(7n));
    assertReadOnly(map);
    const view = map.view(u64, 1);
    map.update(1, bytes(8n));
    assertEquals(view.value, 8n);
    map.memory().close();
  },
);

bpfTest(
  "BpfMap.memory() falls back to read-only on EPERM of a frozen map",
  () => {
    using map = mappable();
    map.pointer(u64, 1).value = 7n;
    map.memory().close();
    map.freeze();
    assertReadOnly(map);
    using again = BpfMap.fromFd(map.fd);
    assertReadOnly(again);
    again.memory().close();
    map.memory().close();
  },
);

bpfTest(
  "BpfMap.elements() of read-only memory refuses before it looks at the type",
  () => {
    using map = mappable({ flags: ["mmapable", "rdonly_prog"] });
    assertThrows(() => map.elements(null as never), ReadOnlyError);
    assertThrows(() => map.pointer(null as never, 99), ReadOnlyError);
    map.memory().close();
  },
);

const limited: [MapFlag, string][] = [
  ["rdonly", "rdonly (BPF_F_RDONLY)"],
  ["wronly", "wronly (BPF_F_WRONLY)"],
];

for (const [flag, shown] of limited) {
  bpfTest(
    `BpfMap.memory() says that a descriptor opened ${flag} cannot be mapped`,
    () => {
      const before = mappings("anon_inode:bpf-map").length;
      using map = mappable({ flags: ["mmapable", flag] });
      for (const use of [() => map.memory(), () => map.view(u64, 0)]) {
        const error = assertThrows(
          use,
          NotSupportedError,
          `its descriptor was opened ${shown}, and such a descriptor cannot be mapped at all`,
        );
        assertEquals((error.cause as Error).name, "SystemError");
      }
      assertEquals(mappings("anon_inode:bpf-map").length, before);
    },
  );
}

bpfTest(
  "BpfMap.fromId() for reading alone gives a descriptor that cannot be mapped",
  () => {
    using map = mappable();
    using readable = BpfMap.fromId(map.info.id, { readOnly: true });
    // It is the descriptor that is limited: the flags of the map are not.
    assertEquals(readable.info.flags, ["mmapable"]);
    assertThrows(() => readable.memory(), NotSupportedError, "BPF_F_RDONLY");
    using both = BpfMap.fromId(map.info.id);
    assertEquals(both.memory().readOnly, false);
    both.memory().close();
  },
);
