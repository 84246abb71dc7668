import { assert, assertEquals, assertThrows } from "@std/assert";
import { SystemError } from "../../errors.ts";
import { check, errnoEntry, systemError } from "../../ffi/mod.ts";
import { sized } from "../_fire.ts";
import { run } from "../_support.ts";

const last = 133;

Deno.test("errnoEntry() has the text that libc has for every error of Linux", () => {
  const libc = Deno.dlopen("libc.so.6", {
    strerror: {
      name: "__xpg_strerror_r",
      parameters: ["i32", "buffer", "usize"],
      result: "i32",
    },
  });
  // 41 and 58 were never given out.
  for (let errno = 1; errno <= last; errno++) {
    const buffer = new Uint8Array(128);
    libc.symbols.strerror(errno, buffer, 128n);
    const text = new TextDecoder().decode(
      buffer.subarray(0, buffer.indexOf(0)),
    );
    const { code, description } = errnoEntry(errno);
    if (errno === 41 || errno === 58) {
      assertEquals(code, `ERRNO_${errno}`);
      continue;
    }
    assert(/^E[A-Z0-9]+$/.test(code), code);
    assertEquals(description.toLowerCase(), text.toLowerCase());
  }
  libc.close();
});

Deno.test("errnoEntry() has every name of the kernel's headers", async () => {
  let text = "";
  try {
    for (const file of ["errno-base.h", "errno.h"]) {
      text += await Deno.readTextFile(`/usr/include/asm-generic/${file}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("without kernel headers: a few names are checked");
    text = "#define\tEPERM\t1\n#define\tENOSPC\t28\n#define\tEHWPOISON\t133\n";
  }
  const defined = [...text.matchAll(/^#define\s+(E\w+)\s+(\d+)/gm)];
  for (const [, name, number] of defined) {
    assertEquals(errnoEntry(Number(number)).code, name);
  }
  assert(defined.length >= 3);
  assertEquals(errnoEntry(524).code, "ENOTSUPP");
});

Deno.test("errnoEntry() says so when it does not know a number", () => {
  assertEquals(errnoEntry(4000), {
    code: "ERRNO_4000",
    description: "unknown error",
  });
});

Deno.test("check() passes results on and throws negative error numbers", () => {
  assertEquals(check(0, "open"), 0);
  assertEquals(check(7, "open"), 7);
  const error = assertThrows(
    () => check(-2, "open", "look elsewhere"),
    SystemError,
    "open failed with ENOENT (no such file or directory): look elsewhere",
  );
  assertEquals(
    [error.code, error.errno, error.syscall, error.hint, error.name],
    ["ENOENT", 2, "open", "look elsewhere", "SystemError"],
  );
});

Deno.test("systemError() hints at what helps", () => {
  const hints: [errno: number, syscall: string, parts: string[]][] = [
    [524, "mmap", ["ENOTSUPP", "this map cannot be mapped"]],
    [13, "mmap", ["open for reading"]],
    [22, "mmap", ["BPF_F_MMAPABLE"]],
    [12, "mmap", ["vm.max_map_count"]],
    [24, "open", ["ulimit -n"]],
    [9, "close", ["not open"]],
  ];
  for (const [errno, syscall, parts] of hints) {
    const { message } = systemError(errno, syscall);
    for (const part of parts) assert(message.includes(part), message);
  }
  assertEquals(systemError(1, "open").hint, undefined);
});

const stress: Record<string, string[]> = {
  "as it comes": [],
  "in the interpreter": ["no-opt", "no-sparkplug", "no-maglev"],
  "while memory is compacted all the time": ["stress-compaction"],
  "while garbage is collected all the time": ["gc-interval=200"],
  "while marking never ends": ["stress-incremental-marking"],
};

for (const [name, v8Flags] of Object.entries(stress)) {
  Deno.test(`The error number of a failed call is the call's, ${name}`, async () => {
    const { code, stdout, stderr } = await run(
      `
      import {
        closeDescriptor,
        fileStatus,
        mmapOverlay,
        munmap,
        openFile,
      } from "./ffi/mod.ts";
      const calls = [
        () => closeDescriptor(-1),
        () => munmap(1n, 4096n),
        () => openFile("/nonexistent", 0),
        () => fileStatus(-1) as number,
        () => mmapOverlay(new Uint8Array(65536), 0n),
      ];
      const expected = [-9, -22, -2, -9, -22];
      const wrong: number[][] = [];
      let garbage: unknown[] = [];
      const end = performance.now() + Number(Deno.args[0]);
      let count = 0;
      while (performance.now() < end || count <= 1000) {
        for (let i = 0; i < 100; i++) {
          const which = count++ % calls.length;
          const result = calls[which]!();
          if (result !== expected[which]) wrong.push([which, result, count]);
          garbage.push({ count }, new Uint8Array(100));
          if (garbage.length > 1000) garbage = [];
        }
      }
      console.log(JSON.stringify({ count, wrong }));
    `,
      // Milliseconds: some hundred thousand calls.
      { v8Flags, args: [`${sized(150, 2000)}`] },
    );
    assertEquals(code, 0, stderr);
    const { count, wrong } = JSON.parse(stdout);
    assertEquals(wrong, []);
    assert(count > 1000, stdout);
  });
}
