/**
 * Programs that run in a process with mounts of its own, each of them in a network
 * namespace of its own. The process is started once and takes one after the other:
 * to start Deno and to import `bpf/mod.ts` takes longer than most of them do.
 *
 * @module
 */

import { fromFileUrl, join, toFileUrl } from "@std/path";
import { kill, repository } from "../_support.ts";

/** Milliseconds until the process is killed, for each program. */
const TIMEOUT = 120_000 * Number(Deno.env.get("HOSTMEM_PATIENCE") ?? 1);

/** The process. */
class Child {
  readonly #process: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;

  /** Starts it. */
  constructor() {
    const script = new URL("./_isolated_child.ts", import.meta.url);
    this.#process = new Deno.Command("unshare", {
      args: [
        "--mount",
        Deno.execPath(),
        ...["run", "--quiet", "--no-prompt", "--no-lock", "-A"],
        `--config=${join(repository, "deno.json")}`,
        fromFileUrl(script),
      ],
      cwd: repository,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#requests = this.#process.stdin.getWriter();
    this.#answers = this.#process.stdout
      .pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(this.#process.stderr).text();
  }

  /** Has it run a program. @throws {Error} if it ended over that. */
  async run(module: URL, args: readonly string[]): Promise<unknown> {
    const timer = setTimeout(() => this.kill(), TIMEOUT);
    try {
      const request = `${JSON.stringify([module, ...args])}\n`;
      // If it ends meanwhile, that is told of below.
      this.#requests.write(new TextEncoder().encode(request)).catch(() => {});
      let answer = "";
      while (!answer.endsWith("\n")) {
        const { done, value } = await this.#answers.read();
        if (done) throw new Error(await this.#end());
        answer += value;
      }
      return JSON.parse(answer);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells how it ended. */
  async #end(): Promise<string> {
    const { code, signal } = await this.#process.status;
    return `The process ended: ${JSON.stringify({ code, signal })}\n${await this
      .#errors}`;
  }

  /** Ends it. */
  kill(): void {
    kill(this.#process);
  }
}

let child: Child | undefined;
addEventListener("unload", () => child?.kill());

/**
 * Runs the text of a module, which lies in the root of the repository as it were:
 * what the function that it exports by default returns for the arguments.
 *
 * @throws {Error} if the process ended over it, with what it wrote; the next
 * program has a process of its own then.
 */
export async function runIsolated(
  text: string,
  args: readonly string[],
): Promise<unknown> {
  const file = join(repository, `.run-${crypto.randomUUID()}.ts`);
  await Deno.writeTextFile(file, text);
  child ??= new Child();
  try {
    return await child.run(toFileUrl(file), args);
  } catch (error) {
    child.kill();
    child = undefined;
    throw error;
  } finally {
    await Deno.remove(file);
  }
}
