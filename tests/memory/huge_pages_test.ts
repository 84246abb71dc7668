import { assertEquals, assertThrows } from "@std/assert";
import { NotSupportedError, SystemError } from "../../errors.ts";
import { u32 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { HugePagePool } from "../_huge_pages.ts";
import { hugePages, hugePageSize, testWith } from "../_needs.ts";
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_SHRINK,
  memfd,
  MFD_HUGETLB,
} from "./_kernel.ts";

const huge = hugePageSize;

/** Has `count` huge pages in the pool while `body` runs, if root may. */
function withHugePages(count: number, body: () => void): void {
  using pool = new HugePagePool();
  pool.count = count;
  assertEquals(pool.count, count);
  body();
}

const hugePagesTest = testWith(hugePages);

for (const workers of [false, true]) {
  const kind = workers ? " for Workers" : "";
  hugePagesTest(
    `Memory.map()${kind} maps huge pages, and nothing beside them`,
    () => {
      withHugePages(3, () => {
        using file = memfd(3 * huge, "huge", MFD_HUGETLB).seal(F_SEAL_SHRINK);
        using memory = Memory.map(file.fd, 3 * huge, { workers });
        using part = Memory.map(file.fd, huge, { offset: huge, workers });
        memory.pointer(u32, huge).value = 5;
        memory.pointer(u32, 3 * huge - 4).value = 6;
        assertEquals(part.view(u32).value, 5);
        assertEquals([memory.size, part.size], [3 * huge, huge]);
        assertThrows(
          () => memory.webAssembly,
          NotSupportedError,
          "of huge pages",
        );
        memory.flush();
        const kept = memory.pointer(u32);
        memory.close();
        assertThrows(() => kept.value);
        assertEquals(part.view(u32).value, 5);
      });
    },
  );
}

hugePagesTest(
  "Memory.map() refuses parts of huge pages, which the kernel would round up",
  () => {
    withHugePages(2, () => {
      using file = memfd(2 * huge, "huge", MFD_HUGETLB).seal(F_SEAL_SHRINK);
      assertThrows(
        () => Memory.map(file.fd, pageSize()),
        RangeError,
        `must be multiples of the huge page size, ${huge} bytes, to map descriptor ${file.fd}: size is ${pageSize()}`,
      );
      assertThrows(
        () => Memory.map(file.fd, huge, { offset: pageSize() }),
        RangeError,
        `offset is ${pageSize()}`,
      );
    });
  },
);

hugePagesTest(
  "Memory.attach() works for huge pages, writable and read-only",
  () => {
    withHugePages(2, () => {
      using file = memfd(2 * huge, "huge", MFD_HUGETLB).seal(F_SEAL_SHRINK);
      for (const readOnly of [false, true]) {
        const memory = Memory.map(file.fd, huge, {
          offset: huge,
          workers: true,
          readOnly,
        });
        const same = Memory.attach(structuredClone(memory.handle));
        if (!readOnly) memory.pointer(u32, huge - 4).value = 4;
        assertEquals([same.size, same.readOnly], [huge, readOnly]);
        assertEquals(same.view(u32, huge - 4).value, 4);
        assertThrows(() => same.webAssembly);
        same.close();
        assertEquals(memory.closed, true);
      }
    });
  },
);

hugePagesTest(
  "Memory.map() falls back to read-only on EPERM of sealed huge pages",
  () => {
    withHugePages(2, () => {
      using file = memfd(huge, "huge", MFD_HUGETLB)
        .seal(F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
      using memory = Memory.map(file.fd, huge);
      assertEquals([memory.readOnly, memory.view(u32).value], [true, 0]);
    });
  },
);

hugePagesTest("Memory.map() says ENOMEM where there are no huge pages", () => {
  withHugePages(1, () => {
    using file = memfd(8 * huge, "huge", MFD_HUGETLB).seal(F_SEAL_SHRINK);
    const error = assertThrows(
      () => Memory.map(file.fd, 8 * huge),
      SystemError,
      "huge pages",
    );
    assertEquals([error.code, error.syscall], ["ENOMEM", "mmap"]);
  });
});
