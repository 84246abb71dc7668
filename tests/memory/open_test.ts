import { assert, assertEquals, assertThrows } from "@std/assert";
import { toFileUrl } from "@std/path";
import {
  BoundsError,
  NotSupportedError,
  ReadOnlyError,
  SystemError,
} from "../../errors.ts";
import { u32 } from "../../layout/mod.ts";
import { Memory, pageSize } from "../../memory/mod.ts";
import {
  openDescriptors,
  run,
  TemporaryDirectory,
  withoutCapabilities,
} from "../_support.ts";

const page = pageSize();
const allowTruncatable = true;

Deno.test("Memory.open() maps a file on disk and in /dev/shm", () => {
  for (const parent of [undefined, "/dev/shm"]) {
    using directory = new TemporaryDirectory(parent);
    const path = directory.join("file");
    Deno.writeFileSync(path, new Uint8Array(100));
    using memory = Memory.open(path, { allowTruncatable });
    assertEquals([memory.size, memory.readOnly], [100, false]);
    memory.pointer(u32, 4).value = 0x01020304;
    assertEquals([...Deno.readFileSync(path).subarray(4, 8)], [4, 3, 2, 1]);
    memory.flush();
    assertThrows(() => memory.pointer(u32, 100), BoundsError);
  }
});

Deno.test("Memory.open() takes a part of a file", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  const bytes = new Uint8Array(3 * page);
  bytes[2 * page] = 5;
  Deno.writeFileSync(path, bytes);
  const read = (memory: Memory) => {
    const target = new Uint8Array(1);
    memory.readAt(target, 0);
    return target[0];
  };
  using tail = Memory.open(path, { offset: 2 * page, allowTruncatable });
  assertEquals([tail.size, read(tail)], [page, 5]);
  using part = Memory.open(path, {
    offset: page,
    size: page + 1,
    allowTruncatable,
  });
  assertEquals(part.size, page + 1);
  assertEquals(part.view(u32, page - 4).value, 0);
  assertThrows(() => part.view(u32, page), BoundsError);
});

Deno.test("Memory.open() takes a file URL and follows a symbolic link", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("a file, 100 %ä");
  Deno.writeFileSync(path, new Uint8Array([1, 2, 3, 4]));
  const link = directory.join("link");
  Deno.symlinkSync(path, link);
  for (const given of [toFileUrl(path), link, toFileUrl(link)]) {
    using memory = Memory.open(given, { readOnly: true, allowTruncatable });
    assertEquals(memory.view(u32).value, 0x04030201);
  }
  assertThrows(
    () => Memory.open(new URL("https://example.com/x")),
    TypeError,
    "file URL",
  );
});

Deno.test("Memory.open() refuses paths that are none", () => {
  for (const path of ["", "a\0b", null, undefined, 5, {}]) {
    assertThrows(
      () => Memory.open(path as string),
      TypeError,
      "Path must be a string",
    );
  }
});

Deno.test("Memory.open() refuses a file that could be truncated, and says why it cannot be sealed", () => {
  using directory = new TemporaryDirectory("/dev/shm");
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  const error = assertThrows(() => Memory.open(path), NotSupportedError);
  for (
    const part of [
      `"${path}"`,
      "files on disk and in /dev/shm cannot be sealed",
      "pass allowTruncatable: true",
    ]
  ) {
    assertEquals(error.message.includes(part), true, error.message);
  }
});

Deno.test("Memory.open() refuses what a file does not have", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(100));
  const open = (options: { size?: number; offset?: number }) => () =>
    Memory.open(path, { ...options, allowTruncatable });
  assertThrows(
    open({ size: 101 }),
    BoundsError,
    `Cannot map 101 bytes at offset 0: "${path}" has 100 bytes`,
  );
  assertThrows(open({ offset: page }), BoundsError, "has 100 bytes");
  assertThrows(open({ offset: 1 }), RangeError, "multiple of the page size");
  assertThrows(open({ size: 0 }), RangeError, "above 0");
  assertThrows(open({ size: 0.5 }), RangeError, "above 0");
  Deno.writeFileSync(path, new Uint8Array(0));
  assertThrows(open({}), BoundsError, "has 0 bytes; give it a size");
});

Deno.test("Memory.open() passes on the kernel's reason, with the path", () => {
  const before = openDescriptors().length;
  const missing = assertThrows(
    () => Memory.open("/nonexistent/file"),
    SystemError,
    `the path is "/nonexistent/file"`,
  );
  assertEquals([missing.code, missing.syscall], ["ENOENT", "open"]);
  const directory = assertThrows(
    () => Memory.open("/tmp", { readOnly: true, size: page }),
    SystemError,
  );
  assertEquals([directory.code, directory.syscall], ["ENODEV", "mmap"]);
  assert(openDescriptors().length <= before);
});

Deno.test("Memory.open() does not wait for the other end of a pipe", async () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("pipe");
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const error = assertThrows(
    () => Memory.open(path, { readOnly: true, size: page }),
    SystemError,
  );
  assertEquals([error.code, error.syscall], ["ENODEV", "mmap"]);
});

Deno.test("Memory.open() of a file that may not be written fails with EACCES and names it", async () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  Deno.chmodSync(path, 0o444);
  const { code, stdout, stderr } = await run(
    `
    import { Memory } from "./memory/mod.ts";
    const [path] = Deno.args;
    try {
      Memory.open(path!, { allowTruncatable: true });
    } catch (error) {
      console.log(String(error));
    }
    using memory = Memory.open(path!, {
      readOnly: true,
      allowTruncatable: true,
    });
    console.log(memory.readOnly);
  `,
    { under: withoutCapabilities, permissions: ["-A"], args: [path] },
  );
  assertEquals(code, 0, stderr);
  assertEquals(
    stdout,
    `SystemError: open failed with EACCES (permission denied): the path is "${path}"; readOnly: true asks for reading alone\ntrue\n`,
  );
});

Deno.test("Memory.open() with readOnly: true cannot write", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  using memory = Memory.open(path, { readOnly: true, allowTruncatable });
  assertThrows(() => memory.writeAt(new Uint8Array(1), 0), ReadOnlyError);
});

Deno.test("Memory.open() asks Deno for what libc would do behind its back", async () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(page));
  const program = `
    import { Memory } from "./memory/mod.ts";
    const [path, readOnly] = Deno.args;
    try {
      Memory.open(path!, {
        readOnly: readOnly === "true",
        allowTruncatable: true,
      });
      console.log("opened");
    } catch (error) {
      console.log(\`\${error}\`);
    }
  `;
  const outcome = async (readOnly: boolean, ...permissions: string[]) => {
    const { stdout } = await run(program, {
      permissions: ["--allow-ffi", ...permissions],
      args: [path, `${readOnly}`],
    });
    return stdout.trim();
  };
  const refusal = (kind: string) =>
    `NotCapable: Requires ${kind} access to "${path}", run again with the --allow-${kind} flag`;
  const read = `--allow-read=${directory.path}`;
  const write = `--allow-write=${directory.path}`;
  assertEquals(await outcome(true), refusal("read"));
  assertEquals(await outcome(true, "--allow-read=/etc"), refusal("read"));
  assertEquals(await outcome(true, write), refusal("read"));
  assertEquals(await outcome(true, read), "opened");
  assertEquals(await outcome(false, read), refusal("write"));
  assertEquals(await outcome(false, read, write), "opened");
});

Deno.test("Memory.open() opens the path that Deno was asked for, not one through a link and back", async () => {
  using directory = new TemporaryDirectory();
  const inside = directory.join("inside");
  const outside = directory.join("outside");
  Deno.mkdirSync(inside);
  Deno.mkdirSync(`${outside}/folder`, { recursive: true });
  Deno.writeTextFileSync(`${inside}/file`, "mine");
  Deno.writeTextFileSync(`${outside}/file`, "not granted");
  // The kernel takes inside/link/../file for outside/file.
  Deno.symlinkSync(`${outside}/folder`, `${inside}/link`);
  const { code, stdout, stderr } = await run(
    `
      import { Memory } from "@hostmem/hostmem";
      for (const path of Deno.args) {
        using memory = Memory.open(path, { allowTruncatable: true });
        const bytes = new Uint8Array(memory.size);
        memory.readAt(bytes, 0);
        console.log(new TextDecoder().decode(bytes));
      }
    `,
    {
      permissions: [
        "--allow-ffi",
        `--allow-read=${inside}`,
        `--allow-write=${inside}`,
      ],
      args: [
        `${inside}/link/../file`,
        `${inside}/./link//..///file`,
        `/../${inside}/link/../../inside/file`,
      ],
    },
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertEquals(stdout, "mine\nmine\nmine\n");
});
