/**
 * Serves a page that shows a market live. The trades come from a program in C, over
 * a ring in memory that both have: no socket, no copy, no text to parse.
 *
 * ```sh
 * npx -y deno@2.9.6 run -A cli/mod.ts header examples/ticker/types.ts#Trades -o /tmp/trades.h
 * cc -O2 -I/tmp -o /tmp/feed examples/ticker/feed.c
 * npx -y deno@2.9.6 run -A examples/ticker/server.ts /tmp/feed [port [trades [pause]]]
 * ```
 *
 * @module
 */

import { Memory, sizeOf, type View } from "@hostmem/hostmem";
import { RingConsumer } from "@hostmem/hostmem/sync";
import { type Trade, Trades } from "./types.ts";

/** The figures of a symbol that the page shows. */
interface Quote {
  readonly symbol: string;
  last: number;
  trades: number;
  volume: number;
  /** The time that the latest trade was on its way, in microseconds. */
  delay: number;
}

const quotes = new Map<string, Quote>();
/** True if the feed has closed its end of the ring. */
let ended = false;

function count(trade: View<typeof Trade>): void {
  const { symbol, price, size, time } = trade;
  let quote = quotes.get(symbol);
  if (quote === undefined) {
    quote = { symbol, last: price, trades: 0, volume: 0, delay: 0 };
    quotes.set(symbol, quote);
  }
  quote.last = price;
  quote.trades++;
  quote.volume += size;
  quote.delay = Date.now() * 1000 - Number(time / 1000n);
}

/** Server-sent events: all quotes, four times a second until the feed ends. */
function events(): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      const send = () => {
        const data = JSON.stringify({ ended, quotes: [...quotes.values()] });
        controller.enqueue(encoder.encode(`data: ${data}\n\n`));
      };
      send();
      timer = setInterval(send, 250);
    },
    cancel() {
      clearInterval(timer);
    },
  });
}

/** The names that this server goes by: a page of another name is not ours. */
const HOSTS = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

function respond({ url, headers }: Request, page: string): Response {
  if (!HOSTS.test(headers.get("host") ?? "")) {
    return new Response("There is no such host here\n", { status: 421 });
  }
  switch (URL.parse(url)?.pathname) {
    case "/":
      return content(page, "text/html; charset=utf-8");
    case "/events":
      return content(events(), "text/event-stream");
    default:
      return new Response("There are / and /events\n", { status: 404 });
  }
}

function content(body: BodyInit, type: string): Response {
  const headers = { "content-type": type, "cache-control": "no-store" };
  return new Response(body, { headers });
}

const [program, port = "9436", trades = "0", pause = "500"] = Deno.args;
if (program === undefined) {
  console.error(
    "usage: server.ts <the compiled feed.c> [port [trades [pause]]]",
  );
  Deno.exit(2);
}
const page = await Deno.readTextFile(new URL("page.html", import.meta.url));
using memory = Memory.create(sizeOf(Trades), { name: "trades" });
using consumer = RingConsumer.open(memory.pointer(Trades));
// It has no path, but a process of the same user can open it through ours.
const path = `/proc/${Deno.pid}/fd/${memory.fd}`;
const feed = new Deno.Command(program, { args: [path, trades, pause] }).spawn();
// One that never took its end of the ring is nobody whose death would be noticed.
feed.status.then(({ success, code }) => {
  if (success) return;
  console.error(`${program} failed with exit code ${code}`);
  Deno.exit(1);
});
const server = Deno.serve(
  { port: Number(port), hostname: "127.0.0.1" },
  (request) => respond(request, page),
);
for await (const trade of consumer) count(trade);
ended = true;
await server.finished;
