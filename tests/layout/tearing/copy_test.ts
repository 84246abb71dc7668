import { assertEquals } from "@std/assert";
import {
  array,
  assign,
  HostLayout,
  pointer,
  struct,
  u16,
  u32,
  u64,
} from "../../../layout/mod.ts";

/**
 * The copies that the engine makes of or to shared memory, byte by byte, while a
 * function runs: where one side is no multiple of 8 bytes. To see such a copy
 * torn takes minutes.
 */
function copiesByByte(act: () => void): number {
  const { prototype } = Uint8Array;
  const { set } = prototype;
  let copies = 0;
  prototype.set = function (this: Uint8Array, source, offset = 0) {
    const sides = [source, this.subarray(offset, offset + source.length)]
      .filter((side) => side instanceof Uint8Array);
    if (
      sides.some(({ buffer }) => buffer instanceof SharedArrayBuffer) &&
      sides.some(({ byteOffset, length }) => (byteOffset | length) % 8 !== 0)
    ) copies++;
    set.call(this, source, offset);
  };
  try {
    act();
  } finally {
    prototype.set = set;
  }
  return copies;
}

for (const field of [u16, u32, u64]) {
  Deno.test(`assign() tears no ${field.name} of a struct that it copies in shared memory`, () => {
    const Three = struct("Three", {
      _: HostLayout,
      x: field,
      y: field,
      z: field,
    });
    const Threes = array(Three, 5);
    const size = 3 * field.size;
    for (const Buffer of [ArrayBuffer, SharedArrayBuffer]) {
      const source = new Uint8Array(new Buffer(5 * size));
      for (let i = 0; i < source.length; i++) source[i] = i + 1;
      const target = new Uint8Array(new SharedArrayBuffer(5 * size));
      const copies = copiesByByte(() => {
        for (const [from, to] of [[1, 3], [3, 1], [0, 2], [4, 0], [2, 4]]) {
          const value = pointer(Threes, source).at(from!);
          assign(pointer(Threes, target).at(to!), value);
          const expected = source.slice(from! * size, (from! + 1) * size);
          const actual = target.slice(to! * size, (to! + 1) * size);
          assertEquals([...actual], [...expected]);
        }
        assign(pointer(Threes, target), pointer(Threes, source));
        assertEquals([...target], [...source]);
      });
      assertEquals(copies, 0);
    }
  });
}
