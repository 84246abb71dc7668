import { assert, assertEquals, assertThrows } from "@std/assert";
import { ReadOnlyError, SystemError } from "../../errors.ts";
import { u32 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { bpfMaps, bpfTest, command, testWith } from "../_needs.ts";
import { run, TemporaryDirectory } from "../_support.ts";
import {
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BpfMap,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_SHRINK,
  memfd,
  O_RDONLY,
  open,
} from "./_kernel.ts";

const page = pageSize();

/** Read-only memory reads, refuses every way to write, and stays as it was. */
function assertReadOnly(memory: Memory, first: number): void {
  assertEquals(memory.readOnly, true);
  assertThrows(
    () => memory.writeAt(new Uint8Array(1), 0),
    ReadOnlyError,
    "mapped read-only",
  );
  assertThrows(() => memory.pointer(u32), ReadOnlyError, "mapped read-only");
  assertThrows(() => memory.webAssembly, ReadOnlyError, "mapped read-only");
  assertEquals(memory.view(u32).value, first);
  const bytes = new Uint8Array(4);
  assertEquals(memory.readAt(bytes, 0), 4);
  assertEquals(new Uint32Array(bytes.buffer)[0], first);
}

Deno.test("Memory.map() falls back to read-only on EPERM of a memfd sealed with F_SEAL_FUTURE_WRITE", () => {
  using file = memfd(page).seal(F_SEAL_SHRINK);
  {
    using memory = Memory.map(file.fd, page);
    memory.writeAt(new Uint8Array([1, 0, 0, 0]), 0);
  }
  file.seal(F_SEAL_FUTURE_WRITE);
  using memory = Memory.map(file.fd, page);
  assertReadOnly(memory, 1);
});

Deno.test("Memory.map() falls back to read-only on EACCES of a file opened O_RDONLY", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page).fill(2, 0, 1));
  using file = open(path, O_RDONLY);
  using memory = Memory.map(file.fd, page, { allowTruncatable: true });
  assertReadOnly(memory, 2);
});

bpfTest(
  "Memory.map() falls back to read-only on EPERM of a frozen BPF map",
  () => {
    using map = BpfMap.array(1);
    map.update(0, 3n);
    assert(map.freeze());
    using memory = Memory.map(map.fd, page);
    assertReadOnly(memory, 3);
  },
);

bpfTest(
  "Memory.map() falls back to read-only on EACCES of a BPF map made with BPF_F_RDONLY_PROG",
  () => {
    using map = BpfMap.array(1, BPF_F_RDONLY_PROG);
    map.update(0, 4n);
    using memory = Memory.map(map.fd, page);
    assertReadOnly(memory, 4);
    map.update(0, 5n);
    assertReadOnly(memory, 5);
  },
);

bpfTest(
  "Memory.map() says that a BPF_F_RDONLY descriptor cannot be mapped",
  () => {
    using map = BpfMap.array(1);
    using readable = map.reopen(BPF_F_RDONLY);
    for (const readOnly of [false, true]) {
      const error = assertThrows(
        () => Memory.map(readable.fd, page, { readOnly }),
        SystemError,
        "BPF_F_RDONLY cannot be mapped at all",
      );
      assertEquals([error.code, error.syscall], ["EINVAL", "mmap"]);
    }
  },
);

Deno.test("Memory.map() asks for reading alone with readOnly: true", () => {
  using file = memfd(page).seal(F_SEAL_SHRINK);
  using writable = Memory.map(file.fd, page);
  writable.writeAt(new Uint8Array([6]), 0);
  using memory = Memory.map(file.fd, page, { readOnly: true });
  assertReadOnly(memory, 6);
});

testWith(bpfMaps, command("strace"))(
  "Memory.map() falls back for no error but EPERM and EACCES",
  async () => {
    // Only the system calls tell: what refuses to be written for another reason
    // refuses to be read as well.
    using directory = new TemporaryDirectory();
    const log = directory.join("log");
    const { code, stdout, stderr } = await run(
      `
      import { Memory, pageSize } from "./memory/mod.ts";
      import { BpfMap, O_RDONLY, open } from "./tests/memory/_kernel.ts";
      const fds = [
        BpfMap.hash(1).fd,
        BpfMap.unmappable(1).fd,
        open("/", O_RDONLY).fd,
      ];
      for (const fd of fds) {
        try {
          Memory.map(fd, pageSize());
        } catch (error) {
          console.log(fd, (error as { code: string }).code);
        }
      }
    `,
      {
        under: ["strace", "-f", "-o", log, "-e", "trace=mmap"],
        permissions: ["-A"],
      },
    );
    assertEquals(code, 0, stderr);
    const calls = Deno.readTextFileSync(log).split("\n");
    const outcomes = stdout.trim().split("\n").map((line) => line.split(" "));
    assertEquals(outcomes.map(([, code]) => code), [
      "ENOTSUPP",
      "EINVAL",
      "ENODEV",
    ]);
    const [forReading, forReadingAfterEacces] = [
      outcomes.slice(0, 2),
      outcomes.slice(2),
    ].map((some) =>
      some.flatMap(([fd]) =>
        calls.filter((call) =>
          new RegExp(`PROT_READ, MAP_SHARED.*, ${fd}, 0\\)`).test(call)
        )
      )
    );
    assertEquals(forReading, []);
    assertEquals(forReadingAfterEacces!.length, 2);
  },
);

Deno.test("Read-only memory for Workers refuses to give its WebAssembly.Memory", () => {
  using file = memfd(page).seal(F_SEAL_SHRINK);
  using memory = Memory.map(file.fd, page, { readOnly: true, workers: true });
  assertReadOnly(memory, 0);
});

Deno.test("A store to a read-only mapping would end the process, which is why no array of it is given", async () => {
  const { signal } = await run(`
    import { Memory, pageSize } from "./memory/mod.ts";
    import { mapOverPages } from "./memory/map/map_over_pages.ts";

    const size = pageSize();
    using origin = Memory.create(size);
    const mapping = mapOverPages({
      fd: origin.fd!,
      offset: 0,
      length: size,
      granule: size,
      readOnly: true,
      forWorkers: false,
    });
    mapping.bytes()[0] = 1;
  `);
  assertEquals(signal, "SIGSEGV");
});
