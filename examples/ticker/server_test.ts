import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Page } from "../../tests/_browser.ts";
import { command, compilerOfC, testWith } from "../../tests/_needs.ts";
import { Server } from "../../tests/_server.ts";
import { compileC, run, TemporaryDirectory } from "../../tests/_support.ts";
import { outputOf } from "../../tests/cli/_hostmem.ts";

const example = new URL("server.ts", import.meta.url);
const SYMBOLS = ["ACME", "GLOBEX", "HOOLI", "INITECH"];

/** The market, as the server tells of it. */
interface Market {
  readonly ended: boolean;
  readonly quotes: readonly {
    readonly symbol: string;
    readonly last: number;
    readonly trades: number;
    readonly volume: number;
  }[];
}

let compiled: Promise<string> | undefined;

/** The feed, compiled once with the header of its types. */
function feed(): Promise<string> {
  return compiled ??= compileFeed();
}

async function compileFeed(): Promise<string> {
  const directory = new TemporaryDirectory();
  addEventListener("unload", () => directory[Symbol.dispose]());
  const types = fromFileUrl(new URL("types.ts", import.meta.url));
  const header = directory.join("trades.h");
  await outputOf("header", `${types}#Trades`, "-o", header);
  return await compileC(new URL("feed.c", import.meta.url), directory, [
    ...["-O2", "-Wall", "-Wextra", "-Werror"],
    `-I${directory.path}`,
  ]);
}

/** Reads what a server tells, until that is enough. */
async function marketOf(
  { address }: Server,
  isEnough: (market: Market) => boolean,
): Promise<Market> {
  const response = await fetch(`${address}/events`);
  let text = "";
  for await (
    const part of response.body!.pipeThrough(new TextDecoderStream())
  ) {
    text += part;
    const lines = text.split("\n\n");
    text = lines.pop()!;
    for (const line of lines) {
      const market = JSON.parse(line.slice("data: ".length)) as Market;
      if (isEnough(market)) return market;
    }
  }
  throw new Error("The server told nothing more");
}

testWith(compilerOfC)(
  "ticker/server.ts tells of every trade that its feed in C made",
  async () => {
    const args = [await feed(), "0", "100000", "0"];
    await using server = await Server.start(example, ...args);
    const { quotes } = await marketOf(server, ({ ended }) => ended);
    assertEquals(quotes.map(({ symbol }) => symbol), SYMBOLS);
    for (const [index, { trades, volume, last }] of quotes.entries()) {
      assertEquals(trades, 25_000);
      // Sizes are 1 to 100 in turn: each symbol has every fourth of them.
      assertEquals(volume, 1000 * (1200 + 25 * (index + 1)));
      assert(last > 0, `${last}`);
    }
    const response = await fetch(`${server.address}/nothing`);
    assertEquals(await response.text(), "There are / and /events\n");
    assertEquals(response.status, 404);
    const { host } = new URL(server.address);
    assertEquals(await server.statusFor(host, "/"), 200);
    assertEquals(await server.statusFor("evil.example", "/"), 421);
  },
);

testWith(compilerOfC, command("chromium"))(
  "ticker/server.ts shows its market live",
  async () => {
    const args = [await feed(), "0", "0", "100"];
    await using server = await Server.start(example, ...args);
    await using page = await Page.open(server.address);
    await page.until(
      `document.querySelector("polyline")?.points.numberOfItems >= 3`,
    );
    const rows = await page.evaluate(
      `[...document.querySelectorAll("tbody tr")].map((row) => row.innerText)`,
    ) as string[];
    assertEquals(rows.map((row) => row.split(/\s/)[0]), SYMBOLS);
    assertMatch(rows[0]!, /^ACME\s+1\d\d\.\d{4}\s+[\d,]+\s+[\d,]+\s+[\d,]+ µs/);
    assertEquals(page.errors, []);
  },
);

Deno.test("ticker/server.ts ends with its feed, and says how it is called", async () => {
  const failed = await run(example, {
    permissions: ["-A"],
    args: ["/bin/false", "0"],
  });
  assertEquals(failed.code, 1);
  assert(failed.stderr.includes("/bin/false failed"), failed.stderr);
  const { code, stderr } = await run(example);
  assertEquals(code, 2);
  assert(stderr.includes("usage: server.ts"), stderr);
});
