import { onlineCpus } from "../bpf/mod.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Page } from "../tests/_browser.ts";
import {
  bpfObjects,
  command,
  rawTracepoint,
  testWith,
} from "../tests/_needs.ts";
import { Server } from "../tests/_server.ts";

const example = new URL("./metrics_server.ts", import.meta.url);

const start = () => Server.start(example, "0");

let shared: Promise<Server> | undefined;

/** A server that several tests ask, since none of them leaves a trace in it. */
async function anyServer(): Promise<Server> {
  shared ??= start().then((server) => server.untilTheEnd());
  return await shared;
}

async function metricsOf(server: Server): Promise<string> {
  const response = await fetch(`${server.address}/metrics`);
  const text = await response.text();
  assertEquals(response.status, 200, text);
  return text;
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
    await using server = await start();
    const before = await metricsOf(server);
    assertMatch(before, /^# TYPE kernel_system_calls_total counter$/m);
    const file = await Deno.open("/dev/null");
    for (let i = 0; i < 10_000; i++) file.statSync();
    file.close();
    // Of its own it has received at least what asked for this.
    const after = await metricsOf(server);
    const grown = (name: string) => sumOf(after, name) - sumOf(before, name);
    assert(grown("kernel_system_calls_total") >= 10_000n, after);
    assert(grown("kernel_context_switches_total") > 0n, after);
    assert(grown("kernel_received_packets_total") > 0n, after);
    assert(grown("kernel_received_bytes_total") > 100n, after);
  },
);

serverTest("metrics_server.ts answers other paths with 404", async () => {
  const server = await anyServer();
  const response = await fetch(`${server.address}/nothing`);
  assertEquals(await response.text(), "There are / and /metrics\n");
  assertEquals(response.status, 404);
});

serverTest(
  "metrics_server.ts reads alone, under its own names, and of all CPUs",
  async () => {
    const server = await anyServer();
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
      assertEquals(await server.statusFor(name, "/metrics"), status, name);
    }
    const text = await metricsOf(server);
    const counters = text.matchAll(/^kernel_system_calls_total{/gm);
    assertEquals([...counters].length, onlineCpus().length);
  },
);

testWith(needs, command("chromium"))(
  "metrics_server.ts plots the counters of each CPU live",
  async () => {
    const server = await anyServer();
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
