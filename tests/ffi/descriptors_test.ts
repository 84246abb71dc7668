import { assert, assertEquals } from "@std/assert";
import {
  closeDescriptor,
  createMemfd,
  duplicate,
  fileStatus,
  fileSystemStatus,
  flagsOf,
  HUGETLBFS_MAGIC,
  O_ACCMODE,
  O_RDONLY,
  O_RDWR,
  openFile,
  S_IFMT,
  S_IFREG,
  TMPFS_MAGIC,
  truncateFile,
} from "../../ffi/mod.ts";
import { TemporaryDirectory } from "../_support.ts";

/** The device of struct stat as that of struct statx: makedev(3). */
function deviceOf(dev: number): bigint {
  const number = BigInt(dev);
  const major = number >> 8n & 0xfffn | number >> 32n & 0xfffff000n;
  const minor = number & 0xffn | number >> 12n & 0xffffff00n;
  return minor << 32n | major;
}

Deno.test("fileStatus() tells what Deno.stat tells", () => {
  using directory = new TemporaryDirectory();
  const path = directory.join("file");
  Deno.writeFileSync(path, new Uint8Array(5000).fill(1));
  for (const name of [path, directory.path, "/dev/null"]) {
    const fd = openFile(name, O_RDONLY);
    const { mode, size, blocks, dev, ino } = Deno.statSync(name);
    assertEquals(fileStatus(fd), {
      mode: mode!,
      size,
      allocated: blocks! * 512,
      device: deviceOf(dev),
      inode: BigInt(ino!),
    });
    closeDescriptor(fd);
  }
  assertEquals(fileStatus(-1), -9);
});

Deno.test("fileSystemStatus() knows a memfd's file system", () => {
  const fd = createMemfd("x");
  const status = fileSystemStatus(fd);
  assert(typeof status === "object");
  assertEquals([status.type, status.blocks], [TMPFS_MAGIC, 0]);
  assert(status.type !== HUGETLBFS_MAGIC);
  closeDescriptor(fd);
  const disk = openFile("/", O_RDONLY);
  const { stdout } = new Deno.Command("stat", {
    args: ["--file-system", "--format", "%t %S", "/"],
  }).outputSync();
  const [type, blockSize] = new TextDecoder().decode(stdout).trim().split(" ");
  const root = fileSystemStatus(disk);
  assert(typeof root === "object");
  assertEquals(root.type, parseInt(type!, 16));
  assertEquals(root.blockSize, Number(blockSize));
  closeDescriptor(disk);
});

Deno.test("duplicate() gives a descriptor of the same file that a child does not inherit", async () => {
  const fd = createMemfd("duplicated");
  truncateFile(fd, 100);
  const copy = duplicate(fd);
  assert(copy > fd);
  closeDescriptor(fd);
  const status = fileStatus(copy);
  assert(typeof status === "object");
  assertEquals([status.size, status.mode & S_IFMT], [100, S_IFREG]);
  assertEquals(flagsOf(copy) & O_ACCMODE, O_RDWR);
  const { stdout } = await new Deno.Command("ls", {
    args: ["-l", "/proc/self/fd"],
  }).output();
  assert(!new TextDecoder().decode(stdout).includes("duplicated"));
  closeDescriptor(copy);
  assertEquals(duplicate(copy), -9);
});
