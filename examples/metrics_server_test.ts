import { onlineCpus } from "../bpf/mod.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Page } from "../tests/_browser.ts";
import {
  bpfObjects,
  command,
  rawTracepoint,
  testWith,
} from "../tests/_needs.ts";
import { repository } from "../tests/_support.ts";

const example = new URL("./metrics_server.ts", import.meta.url);

/** The server, on a port of its own choice. */
class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly address: string;

  private constructor(child: Deno.ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  static async start(): Promise<Server> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", fromFileUrl(example), "0"],
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

  async get(path: string): Promise<string> {
    const response = await fetch(this.address + path);
    const text = await response.text();
    assertEquals(response.status, 200, text);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    assertEquals((await this.#child.status).signal, "SIGTERM");
  }
}

/** The sum of a counter over all CPUs. */
function sumOf(text: string, name: string): bigint {
  const lines = text.matchAll(new RegExp(`^${name}{cpu="\\d+"} (\\d+)$`, "gm"));
  return [...lines].reduce((sum, [, value]) => sum + BigInt(value!), 0n);
}

const needs = [...bpfObjects, rawTracepoint];
const serverTest = testWith(needs);

serverTest(
  "metrics_server.ts serves what the kernel counted to Prometheus",
  async () => {
    await using server = await Server.start();
    const before = await server.get("/metrics");
    assertMatch(before, /^# TYPE kernel_system_calls_total counter$/m);
    const file = await Deno.open("/dev/null");
    for (let i = 0; i < 10_000; i++) file.statSync();
    file.close();
    // Of its own it has received at least what asked for this.
    const after = await server.get("/metrics");
    const grown = (name: string) => sumOf(after, name) - sumOf(before, name);
    assert(grown("kernel_system_calls_total") >= 10_000n, after);
    assert(grown("kernel_context_switches_total") > 0n, after);
    assert(grown("kernel_received_packets_total") > 0n, after);
    assert(grown("kernel_received_bytes_total") > 100n, after);
  },
);

serverTest("metrics_server.ts answers other paths with 404", async () => {
  await using server = await Server.start();
  const response = await fetch(`${server.address}/nothing`);
  assertEquals(await response.text(), "There are / and /metrics\n");
  assertEquals(response.status, 404);
});

serverTest(
  "metrics_server.ts reads alone, under its own names, and of all CPUs",
  async () => {
    await using server = await Server.start();
    const { host, port } = new URL(server.address);
    for (const method of ["POST", "DELETE"]) {
      const response = await fetch(server.address, { method });
      await response.body?.cancel();
      assertEquals(response.status, 405);
    }
    for (
      const [name, status] of [
        [host, 200],
        [`localhost:${port}`, 200],
        ["a:99999", 421],
        ["evil.example", 421],
      ] as const
    ) {
      assertEquals(await statusFor(Number(port), name), status, name);
    }
    const text = await server.get("/metrics");
    const counters = text.matchAll(/^kernel_system_calls_total{/gm);
    assertEquals([...counters].length, onlineCpus().length);
  },
);

/** The status of an answer to a request for a host of that name. */
async function statusFor(port: number, host: string): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request =
    `GET /metrics HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return Number(answer.split(" ")[1]);
}

testWith(needs, command("chromium"))(
  "metrics_server.ts plots the counters of each CPU live",
  async () => {
    await using server = await Server.start();
    await using page = await Page.open(server.address);
    await page.until(
      `document.querySelector("polyline")?.points.numberOfItems >= 3`,
    );
    assertEquals(
      await page.evaluate(`document.querySelectorAll("polyline").length`),
      onlineCpus().length,
    );
    const tiles = await page.evaluate(
      `[...document.querySelectorAll(".tiles button")].map((tile) => tile.innerText)`,
    ) as string[];
    assertEquals(tiles.length, 4);
    assertMatch(tiles[0]!, /^[\d.]+[KM]?\s+System calls \/ s$/);

    // Another counter, by a click.
    await page.evaluate(
      `document.querySelectorAll(".tiles button")[1].click()`,
    );
    assertEquals(
      await page.evaluate(`document.getElementById("plot").ariaLabel`),
      "Context switches per second, for each CPU",
    );
    const file = Deno.env.get("HOSTMEM_SCREENSHOT");
    if (file !== undefined) {
      await page.until(
        `document.querySelector("polyline").points.numberOfItems >= 12`,
      );
      await Deno.writeFile(file, await page.screenshot());
    }
    assertEquals(page.errors, []);
  },
);
