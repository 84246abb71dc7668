import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { main as hostmem } from "../../cli/main.ts";
import {
  bpfMaps,
  clang,
  command,
  kernelBtf,
  libbpf,
  rawTracepoint,
  root,
  testWith,
  unmetOf,
} from "../_needs.ts";
import { fire } from "../_fire.ts";
import { repository, TemporaryDirectory } from "../_support.ts";
import { checkedTogether } from "../_checked_together.ts";
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

const template = join(repository, "examples/template");

/** A copy of the template, in a folder of its own. */
async function copyTemplate(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  for await (const { name, isFile } of Deno.readDir(template)) {
    if (isFile) await Deno.copyFile(join(template, name), join(folder, name));
  }
}

/** The configuration of the template. */
interface Configuration {
  tasks: Record<string, { command: string }>;
  links?: string[];
}

async function configurationIn(folder: string): Promise<Configuration> {
  return JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
}

/**
 * Builds the template beside the guide's programs, by its own command, and
 * compares the skeleton with the one that lies in the template and is checked
 * with all of the repository.
 */
async function compileTemplate(directory: TemporaryDirectory): Promise<void> {
  const folder = directory.join("template");
  await copyTemplate(folder);
  await Deno.rename(directory.join("vmlinux.h"), join(folder, "vmlinux.h"));
  const { tasks } = await configurationIn(folder);
  await succeed("sh", ["-c", `cd "$0" && ${tasks.compile!.command}`, folder]);
  const skeleton = tasks.skeleton!.command;
  const [, options] = /(--import .*)$/.exec(skeleton)!;
  const output = join(folder, "count.ts");
  const object = join(folder, "count.bpf.o");
  const args = ["skeleton", object, "--output", output];
  assertEquals(await hostmem([...args, ...options!.split(" ")]), 0);
  assertEquals(
    await Deno.readTextFile(output),
    await Deno.readTextFile(join(template, "count.ts")),
  );
  // The tests resolve the package's name by the repository.
  await Deno.remove(join(folder, "deno.json"));
}

/** The sources of the modules in a folder, by their names. */
async function modulesIn(folder: string): Promise<Record<string, string>> {
  const sources: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".ts")) continue;
    sources[name] = await Deno.readTextFile(join(folder, name));
  }
  return sources;
}

const needs = [
  clang,
  command("bpftool"),
  command("llvm-strip"),
  kernelBtf,
  bpfMaps,
  libbpf,
  rawTracepoint,
  root,
];

let built: Promise<TemporaryDirectory> | undefined;

/** The folder of the guide's programs, which are built once. */
function guide(): Promise<TemporaryDirectory> {
  return built ??= buildGuide();
}

async function buildGuide(): Promise<TemporaryDirectory> {
  // Below the repository, where the name of the package resolves.
  const directory = new TemporaryDirectory(repository);
  addEventListener("unload", () => directory[Symbol.dispose]());
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
      await hostmem([
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
  return directory;
}

const typeErrors = checkedTogether("guide", async () => {
  if (unmetOf(needs) !== undefined) return {};
  return await modulesIn((await guide()).path);
});

testWith(needs)(
  "the programs of the guide, and the template, do what they say",
  async () => {
    const directory = await guide();
    assertEquals(Object.keys(await modulesIn(directory.path)).length, 5);
    assertEquals(await typeErrors(), "");
    await compileTemplate(directory);
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
    for await (
      const part of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
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
  },
);

// It takes eight processes of Deno; the parts of it are tried above.
if (fire) {
  testWith(needs)(
    "a copy of the template builds and passes its tests in an empty folder, and as one file",
    async () => {
      using directory = new TemporaryDirectory();
      const folder = directory.join("own");
      await copyTemplate(folder);
      const configuration = await configurationIn(folder);
      // In place of what it would have from JSR.
      configuration.links = ["", "shim/assert", "shim/path"]
        .map((part) => join(repository, part));
      for (const task of Object.values(configuration.tasks)) {
        task.command = task.command.replace("sudo $(which deno)", "deno");
      }
      await Deno.writeTextFile(
        join(folder, "deno.json"),
        JSON.stringify(configuration),
      );
      await Deno.remove(join(folder, "count.ts"));
      for (const task of ["build", "test"]) {
        await succeed(Deno.execPath(), ["task", "--cwd", folder, task]);
      }
      const skeleton = await Deno.readTextFile(join(folder, "count.ts"));
      assertStringIncludes(skeleton, `from "@hostmem/hostmem"`);

      // As one file, with the object in it, which is run where nothing else is.
      const { command } = configuration.tasks.skeleton!;
      configuration.tasks.skeleton!.command = `${command} --embed`;
      configuration.tasks.bundle = {
        command: "deno bundle --minify --quiet --output ../all_test.js test.ts",
      };
      await Deno.writeTextFile(
        join(folder, "deno.json"),
        JSON.stringify(configuration),
      );
      for (const task of ["skeleton", "bundle"]) {
        await succeed(Deno.execPath(), ["task", "--cwd", folder, task]);
      }
      await Deno.remove(folder, { recursive: true });
      await succeed(Deno.execPath(), [
        "test",
        "--no-check",
        "--no-config",
        "--allow-ffi",
        directory.join("all_test.js"),
      ]);
    },
  );
}
