import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasCommand } from "../_support.ts";
import { command, testWith } from "../_needs.ts";
import config from "../../deno.json" with { type: "json" };
import { hostmem, hostmemHere, outputOf } from "./_hostmem.ts";

/** The names of the commands, as the help lists them. */
async function commandNames(): Promise<string[]> {
  const help = await outputOf("--help");
  const [, list] = /\nCommands:\n([\s\S]*?)\n\n/.exec(help)!;
  return list!.split("\n").map((line) => line.trim().split(" ")[0]!);
}

Deno.test("hostmem without a command shows the help, and fails as misused", async () => {
  const { code, stdout, stderr } = await hostmem([]);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  assertEquals(stderr, await outputOf("--help"));
});

Deno.test("Each command has a help with its usage, its options and an example", async () => {
  const names = await commandNames();
  const all = await outputOf("--help");
  for (const line of all.split("\n")) assert(line.length <= 80, line);
  assertEquals(await outputOf("help", "maps"), await outputOf("maps", "-h"));
  await Promise.all(names.map(async (name) => {
    const help = await outputOf(name, "--help");
    assertStringIncludes(help, `\nUsage: hostmem ${name}`);
    assertStringIncludes(help, "--help");
    assert(/\nExamples?:\n {2}hostmem /.test(help), help);
    for (const line of help.split("\n")) assert(line.length <= 80, line);
  }));
});

Deno.test("hostmem --version tells the version of the package", async () => {
  assertEquals(await outputOf("--version"), `hostmem ${config.version}\n`);
});

Deno.test("A command line that is not understood ends with 2 and says why", async () => {
  const mistakes: [args: string[], said: string][] = [
    [["mapz"], `"mapz"`],
    [["mapz"], "See: hostmem --help\n"],
    [["maps", "--jsn"], "no option --jsn: the options are --json, --help\n"],
    [["maps", "-x"], "no option -x: "],
    [["dump", ""], "must not be empty"],
    [["maps", "--jsn"], "See: hostmem maps --help\n"],
    [["maps", "extra"], "extra"],
    [["dump"], "<id|name|path>"],
    [["dump", "1", "--interval", "fast"], "fast"],
    [["dump", "1", "--json", "--watch"], "exclude"],
    [["types", "vmlinux"], "names"],
    [["types", "vmlinux", "file", "--check", "nowhere"], "nowhere"],
    [["completions", "powershell"], "powershell"],
    [["maps", "--json=yes"], "--json"],
    [["\u202e"], "\\u{202e}"],
  ];
  await Promise.all(mistakes.map(async ([args, said]) => {
    const { code, stdout, stderr } = await hostmemHere(args);
    assertEquals({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
    assertStringIncludes(stderr, said);
    assert(stderr.startsWith("hostmem: "), stderr);
    assert(!stderr.includes("\x1b"), "an escape reached the terminal");
    assert(!/\n +at /.test(stderr), "a stack trace was shown");
  }));
});

testWith(command("bash"))(
  "The completion for bash knows the commands and their options",
  async () => {
    const script = await outputOf("completions", "bash");
    const complete = async (...words: string[]) => {
      const { stdout, success } = await new Deno.Command("bash", {
        args: [
          "-c",
          `${script}\nCOMP_WORDS=(${
            words.map((word) => `'${word}'`).join(" ")
          }) COMP_CWORD=${
            words.length - 1
          }; _hostmem; printf '%s\\n' "\${COMPREPLY[@]}"`,
        ],
      }).output();
      assert(success);
      return new TextDecoder().decode(stdout).trim().split("\n").sort();
    };
    assertEquals(await complete("hostmem", "ma"), ["maps"]);
    assertEquals(await complete("hostmem", "dump", "--wa"), ["--watch"]);
    assertEquals(await complete("hostmem", "maps", "--"), ["--help", "--json"]);
  },
);

Deno.test("The completions for zsh and fish name every command", async () => {
  const names = await commandNames();
  for (const shell of ["zsh", "fish"]) {
    const script = await outputOf("completions", shell);
    for (const name of names) assertStringIncludes(script, name);
    if (!hasCommand(shell)) continue;
    const check = new Deno.Command(shell, { args: ["-n"], stdin: "piped" });
    await using child = check.spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(script));
    await writer.close();
    assert((await child.status).success);
  }
});
