import { assertEquals, assertThrows } from "@std/assert";
import {
  array,
  HostLayout,
  pointer,
  snapshot,
  struct,
  u32,
} from "../../layout/mod.ts";

Deno.test("snapshot() of a typed array says how to copy it", () => {
  const Slots = struct("Slots", { _: HostLayout, slots: array(u32, 2) });
  const { slots } = pointer(Slots, new ArrayBuffer(8));
  assertThrows(
    () => snapshot(slots as never),
    TypeError,
    "copy it with Array.from(…) or slice()",
  );
  assertEquals(Array.from(slots), [0, 0]);
});
