import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { main } from "../../cli/main.ts";
import {
  bpfMaps,
  clang,
  command,
  kernelBtf,
  libbpf,
  rawTracepoint,
  root,
  testWith,
} from "../_needs.ts";
import { repository, TemporaryDirectory } from "../_support.ts";
import { compilerArguments, succeed } from "../bpf/_objects.ts";

/** The blocks of code in docs/guide.md that begin so, in order. */
async function blocks(language: string): Promise<string[]> {
  const guide = await Deno.readTextFile(join(repository, "docs/guide.md"));
  const fence = "```";
  return Array.from(
    guide.matchAll(new RegExp(`^${fence}${language}\n(.*?)^${fence}$`, "gms")),
    ([, text]) => text!,
  );
}

testWith(
  clang,
  command("bpftool"),
  kernelBtf,
  bpfMaps,
  libbpf,
  rawTracepoint,
  root,
)("the programs of the guide do what it says", async () => {
  // Below the repository, where the name of the package resolves.
  using directory = new TemporaryDirectory(repository);
  const [execs, short] = await blocks("c");
  const [program, shortTest, execsTest] = await blocks("ts ignore");
  const files = {
    "vmlinux.h": await succeed("bpftool", [
      ..."btf dump file /sys/kernel/btf/vmlinux format c".split(" "),
    ]),
    "execs.bpf.c": execs!,
    "short.bpf.c": short!,
    "main.ts": program!,
    "short_test.ts": shortTest!,
    "execs_test.ts": execsTest!,
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(directory.join(name), text);
  }
  for (const name of ["execs", "short"]) {
    const object = directory.join(`${name}.bpf.o`);
    const source = directory.join(`${name}.bpf.c`);
    await succeed("clang", compilerArguments(source, object));
    const output = directory.join(`${name}.ts`);
    assertEquals(
      await main([
        "skeleton",
        object,
        "--output",
        output,
        "--import",
        "@hostmem/hostmem",
      ]),
      0,
    );
  }
  const modules = ["main.ts", "short_test.ts", "execs_test.ts"];
  await succeed(Deno.execPath(), [
    "check",
    ...modules.map((name) => directory.join(name)),
  ]);
  await succeed(Deno.execPath(), [
    "test",
    "--no-check",
    "--allow-ffi",
    "--allow-read",
    "--allow-run=/bin/true",
    directory.path,
  ]);

  // Until it is told of a program, and is told to end.
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-ffi", "--allow-read", directory.join("main.ts")],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let text = "";
  let told = false;
  const starting = setInterval(
    () => void new Deno.Command("/bin/true").output(),
    50,
  );
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (told || !text.includes("/bin/true")) continue;
    told = true;
    clearInterval(starting);
    child.kill("SIGTERM");
  }
  clearInterval(starting);
  assert(told, text);
  assertEquals((await child.status).code, 0);
  assertStringIncludes(text, "0 records were lost; by user:");
});
