import { assertEquals, assertThrows } from "@std/assert";
import { pathOf } from "../../base/path.ts";

Deno.test("pathOf() takes paths and file URLs, and leaves out what is entered and left", () => {
  assertEquals(pathOf("/sys/fs/bpf/x"), "/sys/fs/bpf/x");
  assertEquals(pathOf(new URL("file:///a%20b/c")), "/a b/c");
  assertEquals(pathOf(new URL("file:///a%zz")), "/a%zz");
  assertEquals(pathOf("/a/../b/./c"), "/b/c");
  assertEquals(pathOf("a/../../b"), "../b");
  assertEquals(pathOf("a/.."), ".");
  assertEquals(pathOf("/../.."), "/");
});

Deno.test("pathOf() refuses what is not a path", () => {
  for (const path of ["", "a\0b", 5, null, {}]) {
    assertThrows(() => pathOf(path), TypeError, "Path must be a string");
  }
  for (
    const url of ["https://a/b", "file://host/b", "file:///%ff"]
  ) assertThrows(() => pathOf(new URL(url)), TypeError, "file URL");
});
