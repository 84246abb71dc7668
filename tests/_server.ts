/**
 * A script that serves pages, in a process and on a port of its own.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { kill, repository } from "./_support.ts";

/** One server, which has all permissions. */
export class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  /** Its address, without a slash at the end. */
  readonly address: string;

  private constructor(child: Deno.ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  /** Starts a script, and waits until it says on which address it listens. */
  static async start(script: URL, ...args: string[]): Promise<Server> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", fromFileUrl(script), ...args],
      cwd: repository,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let text = "";
    const lines = child.stderr.pipeThrough(new TextDecoderStream());
    for await (const part of lines) {
      text += part;
      const [, address] = /on (http:\S+)\/\s/.exec(text) ?? [];
      if (address !== undefined) return new Server(child, address);
    }
    throw new Error(`The server did not start: ${text}`);
  }

  /** The status of its answer to a request for a host of that name. */
  async statusFor(host: string, path: string): Promise<number> {
    const { hostname, port } = new URL(this.address);
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const request =
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const answer = await new Response(connection.readable).text();
    return Number(answer.split(" ")[1]);
  }

  /** Ends it when all tests of this process have ended. */
  untilTheEnd(): this {
    addEventListener("unload", () => kill(this.#child, "SIGTERM"));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    assertEquals((await this.#child.status).signal, "SIGTERM");
  }
}
