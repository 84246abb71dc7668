/**
 * Reasons that the kernel has to refuse memory, each provoked for real: the call,
 * the error number, and a hint that is so.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { SystemError } from "../../errors.ts";
import { array, u32 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import { bpfTest, command, ioUrings, kernelBtf, testWith } from "../_needs.ts";
import {
  commandPath,
  openDescriptors,
  run,
  TemporaryDirectory,
} from "../_support.ts";
import {
  BpfMap,
  closedDescriptor,
  ioUring,
  memfd,
  O_RDONLY,
  O_WRONLY,
  open,
  pipe,
} from "./_kernel.ts";

const page = pageSize();
const allowTruncatable = true;

/** A refusal: by which call, with which number, and what the hint says. */
type Refusal = [code: string, syscall: string, hint: RegExp];

function assertRefused(
  attempt: () => unknown,
  [code, syscall, hint]: Refusal,
): void {
  const before = openDescriptors().length;
  const error = assertThrows(attempt, SystemError);
  assertEquals([error.code, error.syscall], [code, syscall], error.message);
  assertMatch(error.hint ?? "", hint);
  assert(openDescriptors().length <= before);
}

/** Refusals of a path in a folder, which is made for it. */
const paths: [
  cause: string,
  path: (directory: TemporaryDirectory) => string,
  refusal: Refusal,
][] = [
  ["that does not exist", (directory) => directory.join("none"), [
    "ENOENT",
    "open",
    /^the path is ".*\/none"$/,
  ]],
  ["of a directory", (directory) => directory.path, [
    "EISDIR",
    "open",
    /^the path is "/,
  ]],
  ["through a file", (directory) => {
    Deno.writeTextFileSync(directory.join("file"), "");
    return directory.join("file/inner");
  }, ["ENOTDIR", "open", /file\/inner"$/]],
  ["of a link to itself", (directory) => {
    Deno.symlinkSync("loop", directory.join("loop"));
    return directory.join("loop");
  }, ["ELOOP", "open", /loop"$/]],
  ["that is too long", (directory) => directory.join("x".repeat(300)), [
    "ENAMETOOLONG",
    "open",
    /x"$/,
  ]],
  ["of a socket", (directory) => {
    const path = directory.join("listening");
    using _listener = Deno.listen({ transport: "unix", path });
    // Under another name it is left behind when it is closed.
    Deno.renameSync(path, directory.join("socket"));
    return directory.join("socket");
  }, ["ENXIO", "open", /socket"$/]],
];

for (const [cause, make, refusal] of paths) {
  Deno.test(`Memory.open() of a path ${cause} names it: ${refusal[0]}`, () => {
    using directory = new TemporaryDirectory();
    const path = make(directory);
    assertRefused(() => Memory.open(path, { allowTruncatable }), refusal);
  });
}

testWith(command("cat"))(
  "Memory.open() of a path of a program that runs names it: ETXTBSY",
  async () => {
    using directory = new TemporaryDirectory();
    // One of ours, which may be written while it does not run.
    const path = directory.join("cat");
    Deno.copyFileSync(commandPath("cat")!, path);
    const child = new Deno.Command(path, { stdin: "piped" }).spawn();
    try {
      assertRefused(() => Memory.open(path, { allowTruncatable }), [
        "ETXTBSY",
        "open",
        /^the path is ".*cat"/,
      ]);
    } finally {
      await child.stdin.close();
      await child.status;
    }
  },
);

Deno.test("Memory.map() of a descriptor that is not open says so: EBADF", () => {
  for (const fd of [-1, closedDescriptor()]) {
    assertRefused(() => Memory.map(fd, page), [
      "EBADF",
      "statx",
      /is not open/,
    ]);
  }
});

Deno.test("Memory.map() of what has no memory says so: ENODEV", () => {
  const [read, write] = pipe();
  using _read = read;
  using _write = write;
  using directory = open("/", O_RDONLY);
  for (const { fd } of [read, directory]) {
    assertRefused(() => Memory.map(fd, page), [
      "ENODEV",
      "mmap",
      /^what the descriptor refers to cannot be mapped$/,
    ]);
  }
});

Deno.test("Memory.map() of a descriptor for writing alone asks for reading: EACCES", () => {
  using folder = new TemporaryDirectory();
  const path = folder.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  using file = open(path, O_WRONLY);
  assertRefused(() => Memory.map(file.fd, page, { allowTruncatable }), [
    "EACCES",
    "mmap",
    /^the descriptor must be open for reading$/,
  ]);
});

testWith(ioUrings)(
  "Memory.map() of the rings of io_uring maps them, or says that they cannot be moved: EINVAL",
  () => {
    using ring = ioUring()!;
    const map = () => Memory.map(ring.fd, page);
    let memory: Memory;
    try {
      memory = map();
    } catch {
      assertRefused(map, [
        "EINVAL",
        "mremap",
        /cannot be moved: .*the rings of io_uring/,
      ]);
      return;
    }
    // A kernel from before 2023. Its 8 entries have a mask.
    assert([...memory.view(array(u32, 128))].includes(7));
    memory.close();
  },
);

testWith(kernelBtf)(
  "Memory.open() of the kernel's BTF does not blame its descriptor: EACCES",
  () => {
    const error = assertThrows(
      () =>
        Memory.open("/sys/kernel/btf/vmlinux", {
          readOnly: true,
          allowTruncatable,
        }),
      SystemError,
    );
    // Before Linux 6.16 it cannot be mapped; since then it can, but not shared.
    const hint = error.code === "ENODEV"
      ? /cannot be mapped/
      : /open for reading, and the object refuses to be mapped shared/;
    assertMatch(error.hint ?? "", hint);
  },
);

const maps: [cause: string, make: () => [BpfMap, size: number], Refusal][] = [
  ["without memory", () => [BpfMap.hash(1), page], [
    "ENOTSUPP",
    "mmap",
    /its kind does not support it/,
  ]],
  ["made without BPF_F_MMAPABLE", () => [BpfMap.unmappable(1), page], [
    "EINVAL",
    "mmap",
    /^the BPF map was made without BPF_F_MMAPABLE$/,
  ]],
  ["that is smaller", () => [BpfMap.array(1), 16 * page], [
    "EINVAL",
    "mmap",
    /^the range must lie within the BPF map$/,
  ]],
];

for (const [cause, make, refusal] of maps) {
  bpfTest(`Memory.map() of a BPF map ${cause} says so: ${refusal[0]}`, () => {
    const [map, size] = make();
    using _map = map;
    assertRefused(() => Memory.map(map.fd, size), refusal);
  });
}

Deno.test("Memory refuses an option that it does not know, and names those that it does", () => {
  using file = memfd(page);
  const attempts: [() => unknown, known: string][] = [
    [
      () => Memory.map(file.fd, page, { readonly: true } as object),
      `There is no option "readonly": the options are offset, readOnly, workers, allowTruncatable`,
    ],
    [
      () => Memory.create(page, { worker: true } as object),
      `There is no option "worker": the options are name, workers`,
    ],
    [
      () => Memory.open("/dev/zero", { length: page } as object),
      `There is no option "length": the options are offset, readOnly, workers, allowTruncatable, size`,
    ],
  ];
  for (const [attempt, message] of attempts) {
    assertThrows(attempt, TypeError, message);
  }
});

/** Limits of a process, by options of prlimit(1). */
const limits: [option: string, attempt: string, Refusal][] = [
  ["--nofile=256:256", "for (;;) kept.push(Memory.create(8));", [
    "EMFILE",
    "memfd_create",
    /the limit of open files is reached \(ulimit -n\)/,
  ]],
  ["--fsize=1073741824:1073741824", "Memory.create(2 ** 31);", [
    "EFBIG",
    "ftruncate",
    /the limit of file sizes may be reached \(ulimit -f\)/,
  ]],
];

for (const [option, attempt, [code, syscall, hint]] of limits) {
  testWith(command("prlimit"))(
    `Memory.create() under prlimit ${option} names the limit: ${code}`,
    async () => {
      const { stdout, stderr } = await run(
        `
        import { Memory, SystemError } from "@hostmem/hostmem";
        const kept: Memory[] = [];
        try {
          ${attempt}
        } catch (error) {
          if (!(error instanceof SystemError)) throw error;
          for (const memory of kept) memory.close();
          console.log(JSON.stringify([error.code, error.syscall, error.hint]));
        }
      `,
        { under: ["prlimit", option] },
      );
      const [actualCode, actualCall, actualHint] = JSON.parse(stdout || "[]");
      assertEquals([actualCode, actualCall], [code, syscall], stderr);
      assertMatch(actualHint, hint);
    },
  );
}
