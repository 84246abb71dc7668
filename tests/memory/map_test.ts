import { assert, assertEquals, assertThrows } from "@std/assert";
import { BoundsError, NotSupportedError, SystemError } from "../../errors.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { arenas, bpfTest, testWith } from "../_needs.ts";
import { mappings, openDescriptors, TemporaryDirectory } from "../_support.ts";
import {
  BpfMap,
  canMapAt,
  closedDescriptor,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  memfd,
  O_RDONLY,
  O_WRONLY,
  open,
  pipe,
} from "./_kernel.ts";

const page = pageSize();

function assertSystemError(
  call: () => unknown,
  code: string,
  syscall: string,
  text = "",
): void {
  const error = assertThrows(call, SystemError, text);
  assertEquals([error.code, error.syscall], [code, syscall]);
}

Deno.test("Memory.map() shares a descriptor's bytes in both directions", () => {
  using file = memfd(2 * page).seal(F_SEAL_SHRINK);
  using one = Memory.map(file.fd, 2 * page);
  using two = Memory.map(file.fd, 2 * page);
  one.writeAt(new Uint8Array([1, 2, 3]), page);
  const bytes = new Uint8Array(4);
  assertEquals(two.readAt(bytes, page), 4);
  assertEquals([...bytes], [1, 2, 3, 0]);
  two.writeAt(new Uint8Array([9]), page + 1);
  one.readAt(bytes, page);
  assertEquals([...bytes], [1, 9, 3, 0]);
  assertEquals([one.size, one.readOnly, one.workers, one.closed], [
    2 * page,
    false,
    false,
    false,
  ]);
});

Deno.test("Memory.map() maps from an offset", () => {
  using file = memfd(3 * page).seal(F_SEAL_SHRINK);
  using whole = Memory.map(file.fd, 3 * page);
  using part = Memory.map(file.fd, page, { offset: 2 * page });
  whole.writeAt(new Uint8Array([7]), 2 * page);
  const byte = new Uint8Array(1);
  part.readAt(byte, 0);
  assertEquals([part.size, byte[0]], [page, 7]);
});

Deno.test("Memory.map() neither keeps nor closes the descriptor", () => {
  let memory: Memory;
  {
    using file = memfd(page).seal(F_SEAL_SHRINK);
    memory = Memory.map(file.fd, page);
    assertEquals(memory.fd, undefined);
  }
  memory.writeAt(new Uint8Array([5]), 0);
  const byte = new Uint8Array(1);
  memory.readAt(byte, 0);
  assertEquals(byte[0], 5);
  memory.close();
});

Deno.test("Memory.map() refuses sizes that are not whole pages", () => {
  using file = memfd(4 * page).seal(F_SEAL_SHRINK);
  for (const size of [1, page - 1, page + 1, 100]) {
    assertThrows(
      () => Memory.map(file.fd, size),
      RangeError,
      `must be a multiple of the page size: requested ${size} bytes, a page has ${page}; the next multiple is ${
        Math.ceil(size / page) * page
      }`,
    );
  }
  const wrong = [0, -page, 0.5, NaN, Infinity, 2 ** 53, "4096", null, 4096n];
  for (const size of wrong) {
    const error = assertThrows(
      () => Memory.map(file.fd, size as number),
      RangeError,
      "Size must be a whole number of bytes above 0",
    );
    assertEquals(error.message.includes(String(size)), true, error.message);
  }
});

Deno.test("Memory.map() refuses offsets that are not whole pages", () => {
  using file = memfd(4 * page).seal(F_SEAL_SHRINK);
  assertThrows(
    () => Memory.map(file.fd, page, { offset: 100 }),
    RangeError,
    "Offset must be a multiple of the page size: requested 100 bytes",
  );
  for (const offset of [-page, 0.5, NaN, "0", null, 2 ** 53]) {
    assertThrows(
      () => Memory.map(file.fd, page, { offset: offset as number }),
      RangeError,
      "Offset must be a whole number of bytes from 0",
    );
  }
  assertThrows(
    () => Memory.map(file.fd, 2 ** 34, { offset: 2 ** 53 - page }),
    RangeError,
    `${2 ** 34} bytes at offset ${2 ** 53 - page} end at ${
      2n ** 53n - BigInt(page) + 2n ** 34n
    }`,
  );
});

Deno.test("Memory.map() refuses what is no descriptor", () => {
  for (const fd of [1.5, NaN, 2 ** 31, "3", null, undefined, {}]) {
    assertThrows(
      () => Memory.map(fd as number, page),
      RangeError,
      "Descriptor must be a 32-bit integer",
    );
  }
});

Deno.test("Memory.map() refuses a range beyond the end of a file", () => {
  using file = memfd(2 * page).seal(F_SEAL_SHRINK);
  assertThrows(
    () => Memory.map(file.fd, 3 * page),
    BoundsError,
    `Cannot map ${3 * page} bytes at offset 0: descriptor ${file.fd} has ${
      2 * page
    } bytes`,
  );
  assertThrows(
    () => Memory.map(file.fd, page, { offset: 2 * page }),
    BoundsError,
  );
  using short = memfd(page - 1).seal(F_SEAL_SHRINK);
  assertThrows(() => Memory.map(short.fd, page), BoundsError);
  using empty = memfd(0).seal(F_SEAL_SHRINK);
  assertThrows(() => Memory.map(empty.fd, page), BoundsError, "has 0 bytes");
});

Deno.test("Memory.map() refuses a file that could be truncated, and says what to do", () => {
  using sealable = memfd(page);
  assertThrows(
    () => Memory.map(sealable.fd, page),
    NotSupportedError,
    "seal it with F_SEAL_SHRINK, or pass allowTruncatable: true",
  );
  using unsealable = memfd(page).seal(F_SEAL_SEAL);
  assertThrows(
    () => Memory.map(unsealable.fd, page),
    NotSupportedError,
    "cannot be sealed",
  );
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  using file = open(path, O_RDONLY);
  assertThrows(
    () => Memory.map(file.fd, page),
    NotSupportedError,
    "pass allowTruncatable: true",
  );
  using memory = Memory.map(file.fd, page, { allowTruncatable: true });
  assertEquals(memory.readOnly, true);
});

Deno.test("Memory.map() passes on the kernel's reason", () => {
  assertSystemError(() => Memory.map(-1, page), "EBADF", "statx");
  const closed = closedDescriptor();
  assertSystemError(() => Memory.map(closed, page), "EBADF", "statx");
  const [read, write] = pipe();
  using _read = read;
  using _write = write;
  assertSystemError(() => Memory.map(read.fd, page), "ENODEV", "mmap");
  // A pipe's end for writing cannot be read, which is refused first.
  assertSystemError(() => Memory.map(write.fd, page), "EACCES", "mmap");
  using directory = open("/", O_RDONLY);
  assertSystemError(() => Memory.map(directory.fd, page), "ENODEV", "mmap");
  using folder = new TemporaryDirectory();
  const path = folder.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  using writeOnly = open(path, O_WRONLY);
  assertSystemError(
    () => Memory.map(writeOnly.fd, page, { allowTruncatable: true }),
    "EACCES",
    "mmap",
    "must be open for reading",
  );
});

bpfTest("Memory.map() says why a BPF map cannot be mapped", () => {
  using hash = BpfMap.hash(1);
  assertSystemError(
    () => Memory.map(hash.fd, page),
    "ENOTSUPP",
    "mmap",
    "this map cannot be mapped",
  );
  using plain = BpfMap.unmappable(1);
  assertSystemError(
    () => Memory.map(plain.fd, page),
    "EINVAL",
    "mmap",
    "BPF_F_MMAPABLE",
  );
  using array = BpfMap.array(1);
  assertSystemError(
    () => Memory.map(array.fd, 16 * page),
    "EINVAL",
    "mmap",
    "within the BPF map",
  );
});

testWith(arenas)(
  "Memory.map() refuses a BPF arena by name and leaves it usable",
  () => {
    using arena = BpfMap.arena(4);
    assertThrows(
      () => Memory.map(arena.fd, 4 * page),
      NotSupportedError,
      "is a BPF arena",
    );
    // The first mapping fixes an arena's address: none has been made yet.
    assertEquals(canMapAt(arena.fd, 2n ** 44n, 4 * page), true);
  },
);

Deno.test("Memory.map() leaves no descriptor and no mapping when it fails", () => {
  const before = openDescriptors().length;
  using file = memfd(page, "leftover");
  assertThrows(() => Memory.map(file.fd, page), NotSupportedError);
  assertThrows(
    () => Memory.map(file.fd, 2 * page, { allowTruncatable: true }),
    BoundsError,
  );
  assertEquals(mappings("/memfd:leftover").length, 0);
  assert(openDescriptors().length <= before + 1);
});

Deno.test("Memory cannot be constructed by a program", () => {
  const Forged = Memory as unknown as new (...args: unknown[]) => Memory;
  assertThrows(() => new Forged(), TypeError, "Illegal constructor");
  assertThrows(
    () => new Forged(Symbol("Memory"), {}),
    TypeError,
    "Illegal constructor",
  );
  assertThrows(
    () => Reflect.get(Memory.prototype, "size"),
    TypeError,
  );
});
