/**
 * Runs programs one after the other, each in a network namespace of its own. Lines
 * of JSON on standard input name them: the address of a module, and the arguments
 * of the function that it exports by default, whose result is a line of JSON on
 * standard output. One that throws ends this process.
 *
 * @module
 */

/** `linux/sched.h` */
const CLONE_NEWNET = 0x4000_0000;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  unshare: { parameters: ["i32"], result: "i32" },
});

/** The lines of standard input. */
async function* requests(): AsyncGenerator<string> {
  let text = "";
  for await (
    const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (text + part).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

for await (const request of requests()) {
  const [module, ...args] = JSON.parse(request);
  // Of this thread, which makes the calls and starts the commands.
  if (libc.unshare(CLONE_NEWNET) !== 0) throw new Error("unshare failed");
  const { default: program } = await import(module);
  console.log(JSON.stringify(await program(...args)));
}
