/**
 * A headless Chromium, spoken to by its DevTools protocol
 * (https://chromedevtools.github.io/devtools-protocol).
 *
 * @module
 */

import { join } from "@std/path";
import { TemporaryDirectory } from "./_support.ts";

/** The browser's flags, by which it may not ask other hosts for anything. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--window-size=1000,700",
  "--remote-debugging-port=0",
];

/** The answer to a command, or an event. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** One page. */
export class Page implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #socket: WebSocket;
  readonly #directory: Disposable;
  readonly #answers = new Map<number, PromiseWithResolvers<Message>>();
  /** The errors that the page's scripts threw or logged. */
  readonly errors: string[] = [];
  #count = 0;

  private constructor(
    child: Deno.ChildProcess,
    socket: WebSocket,
    directory: Disposable,
  ) {
    this.#child = child;
    this.#socket = socket;
    this.#directory = directory;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  /** Starts a browser and opens an address in it. */
  static async open(address: string): Promise<Page> {
    const directory = new TemporaryDirectory();
    const child = new Deno.Command("chromium", {
      args: [...flags, `--user-data-dir=${directory.path}`, "about:blank"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const port = await portIn(join(directory.path, "DevToolsActivePort"));
    const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
    const target = targets.find(({ type }: { type: string }) =>
      type === "page"
    );
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve) => socket.onopen = resolve);
    const page = new Page(child, socket, directory);
    await page.#command("Runtime.enable");
    await page.#command("Page.enable");
    await page.#command("Page.navigate", { url: address });
    return page;
  }

  /** The value of an expression in the page; promises are waited for. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.#command("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    return (result?.result as { value?: unknown }).value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, seconds = 60): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (await this.evaluate(expression) !== true) {
      if (performance.now() > end) {
        throw new Error(`Not true in ${seconds} s: ${expression}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Takes a picture of the page, as a PNG. */
  async screenshot(): Promise<Uint8Array<ArrayBuffer>> {
    const { result } = await this.#command("Page.captureScreenshot");
    return Uint8Array.fromBase64(result?.data as string);
  }

  /** Ends the browser. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    this.#child.kill("SIGTERM");
    await this.#child.status;
    // Processes that it had started write there for a moment longer.
    for (let left = 50; left > 0; left--) {
      try {
        return this.#directory[Symbol.dispose]();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    this.#directory[Symbol.dispose]();
  }

  async #command(
    method: string,
    params: Record<string, unknown> = {},
  ): Promise<Message> {
    const id = ++this.#count;
    const answer = Promise.withResolvers<Message>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    const message = await answer.promise;
    if (message.error !== undefined) throw new Error(message.error.message);
    return message;
  }

  #receive(message: Message): void {
    if (message.id !== undefined) {
      this.#answers.get(message.id)?.resolve(message);
      this.#answers.delete(message.id);
    } else if (message.method === "Runtime.exceptionThrown") {
      this.errors.push(JSON.stringify(message.params));
    } else if (
      message.method === "Runtime.consoleAPICalled" &&
      message.params?.type === "error"
    ) {
      this.errors.push(JSON.stringify(message.params.args));
    }
  }
}

/** The port that the browser chose, once it says so. */
async function portIn(file: string): Promise<string> {
  for (let i = 0; i < 600; i++) {
    try {
      const [port, path] = (await Deno.readTextFile(file)).split("\n");
      if (path !== undefined) return port!;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("The browser did not start");
}
