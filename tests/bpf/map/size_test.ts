import { assertEquals, assertThrows } from "@std/assert";
import { arraySize, strideOf } from "../../../bpf/map/array_memory.ts";

Deno.test("The stride of an array's entries is their size rounded up to 8 bytes", () => {
  const sizes = [1, 4, 7, 8, 9, 12, 16, 17, 2 ** 31 - 1, 2 ** 32 - 1];
  assertEquals(
    sizes.map(strideOf),
    [8, 8, 8, 8, 16, 16, 16, 24, 2 ** 31, 2 ** 32],
  );
});

Deno.test("The memory of an array is its entries in whole pages", () => {
  assertEquals(arraySize(8, 1, 4096), 4096);
  assertEquals(arraySize(8, 512, 4096), 4096);
  assertEquals(arraySize(8, 513, 4096), 8192);
  assertEquals(arraySize(4, 513, 4096), 8192);
  assertEquals(arraySize(9, 256, 4096), 4096);
  assertEquals(arraySize(9, 257, 4096), 8192);
  assertEquals(arraySize(8, 1, 65536), 65536);
  assertEquals(arraySize(8, 8193, 65536), 131072);
});

Deno.test("The memory of 2^29 + 1 eight-byte entries is a page beyond 4 GiB", () => {
  assertEquals(arraySize(8, 2 ** 29 + 1, 4096), 2 ** 32 + 4096);
  assertEquals(arraySize(1, 2 ** 29 + 1, 4096), 2 ** 32 + 4096);
  assertEquals(arraySize(8, 2 ** 29 + 1, 65536), 2 ** 32 + 65536);
  assertEquals(arraySize(2 ** 32 - 1, 2, 4096), 2 ** 33);
});

Deno.test("A size agrees with exact arithmetic up to 2^53 and is refused beyond", () => {
  const largest = 2 ** 32 - 1;
  for (
    const valueSize of [1, 8, 4096, 2 ** 20 + 1, 2 ** 21, 2 ** 31, largest]
  ) {
    for (const entries of [1, 2, 3, 2 ** 21, 2 ** 21 - 1, 2 ** 31, largest]) {
      const stride = (BigInt(valueSize) + 7n) / 8n * 8n;
      const exact = (stride * BigInt(entries) + 4095n) / 4096n * 4096n;
      if (exact <= BigInt(Number.MAX_SAFE_INTEGER)) {
        assertEquals(BigInt(arraySize(valueSize, entries, 4096)), exact);
      } else {
        assertThrows(
          () => arraySize(valueSize, entries, 4096),
          RangeError,
          `at most 2^53 - 1 bytes: it has ${entries} entries of ${stride} bytes`,
        );
      }
    }
  }
});

Deno.test("A size that reaches 2^53 only by its last page is refused", () => {
  // 2^53 - 2^22 fits; one entry more rounds up to 2^53.
  assertEquals(arraySize(2 ** 22, 2 ** 31 - 1, 4096), 2 ** 53 - 2 ** 22);
  assertThrows(() => arraySize(2 ** 22, 2 ** 31, 4096), RangeError);
  assertThrows(() => arraySize(2 ** 22, 2 ** 31 - 1, 2 ** 30), RangeError);
});
