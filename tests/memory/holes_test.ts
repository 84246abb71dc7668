import { assert, assertEquals } from "@std/assert";
import { mounts, testWith } from "../_needs.ts";
import { run, TemporaryDirectory } from "../_support.ts";

/**
 * Maps a sparse file on a tmpfs that is full, and tells how that went. The
 * tmpfs is in a mount namespace of the child's own.
 */
const program = `
  import { Memory, pageSize } from "./memory/mod.ts";
  const [directory, kind] = Deno.args;
  const mounted = new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=1M", "tmpfs", directory!],
  }).outputSync();
  if (!mounted.success) throw new Error("mount");
  const path = directory + "/sparse";
  const size = 16 * pageSize();
  Deno.writeFileSync(path, new Uint8Array(pageSize()).fill(1));
  Deno.truncateSync(path, size);
  if (kind !== "room") {
    try {
      Deno.writeFileSync(directory + "/filler", new Uint8Array(2 ** 20));
    } catch { /* full */ }
  }
  const readOnly = kind === "read";
  try {
    using memory = Memory.open(path, { readOnly, allowTruncatable: true });
    let sum = 0;
    if (readOnly) {
      for (let i = 0; i < size; i += 4096) {
        const bytes = new Uint8Array(1);
        memory.readAt(bytes, i);
        sum += bytes[0]!;
      }
    } else {
      const bytes = new Uint8Array(memory.webAssembly.buffer, 0, size);
      bytes.fill(2);
      sum = bytes.reduce((a, b) => a + b);
    }
    console.log("mapped", sum);
  } catch (error) {
    console.log(String(error));
  }
`;

const mountTest = testWith(mounts);

async function outcome(kind: string): Promise<string> {
  using directory = new TemporaryDirectory();
  const { code, signal, stdout, stderr } = await run(program, {
    under: ["unshare", "--mount"],
    permissions: ["-A"],
    args: [directory.path, kind],
  });
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  return stdout;
}

mountTest(
  "Memory.open() fills the holes of a file before a store could miss a page",
  async () => {
    assertEquals(await outcome("room"), `mapped ${2 * 16 * 4096}\n`);
  },
);

mountTest(
  "Memory.open() fails with ENOSPC on a full file system and not with SIGBUS later",
  async () => {
    const text = await outcome("write");
    assert(
      text.startsWith("SystemError: fallocate failed with ENOSPC"),
      text,
    );
  },
);

mountTest(
  "Memory.open() for reading fails where a full tmpfs has no room for a hole",
  async () => {
    const text = await outcome("read");
    assert(text.startsWith("SystemError: madvise failed with EFAULT"), text);
  },
);
