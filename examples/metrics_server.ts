/**
 * Serves what the kernel counts: a BPF program adds to counters in its own
 * memory, which this process maps and reads without a system call.
 *
 * `/metrics` is text for Prometheus, `/` a page that plots the counters live.
 *
 * ```sh
 * sudo npx -y deno@2.9.6 run -A examples/metrics_server.ts [port]
 * ```
 *
 * Needs root, clang and the headers and library of libbpf (Debian: `clang
 * libbpf-dev`).
 *
 * @module
 */

import { array, HostLayout, struct, u64, type View } from "@hostmem/hostmem";
import { BpfObject, onlineCpus } from "@hostmem/hostmem/bpf";
import { compileBpf } from "./_compile_bpf.ts";

/** As metrics.bpf.c has it. */
const Counters = struct("counters", {
  _: HostLayout,
  syscalls: u64,
  contextSwitches: u64,
  packets: u64,
  bytes: u64,
}, { align: 64 });
const MAX_CPUS = 1024;
const Cpus = array(Counters, MAX_CPUS);

/** One counter, for each CPU. */
interface Metric {
  /** Its name for Prometheus. */
  readonly name: string;
  /** The words for what it counts. */
  readonly title: string;
  /** The counters in the program's memory. */
  readonly column: { at(cpu: number): bigint };
}

function metricsIn(cpus: View<typeof Cpus>): Metric[] {
  return [
    {
      name: "kernel_system_calls_total",
      title: "System calls",
      column: cpus.column("syscalls"),
    },
    {
      name: "kernel_context_switches_total",
      title: "Context switches",
      column: cpus.column("contextSwitches"),
    },
    {
      name: "kernel_received_packets_total",
      title: "Packets received",
      column: cpus.column("packets"),
    },
    {
      name: "kernel_received_bytes_total",
      title: "Bytes received",
      column: cpus.column("bytes"),
    },
  ];
}

/** The CPUs that programs run on: more than this process may, under taskset. */
const cpuNumbers = onlineCpus().filter((cpu) => cpu < MAX_CPUS);

function valuesOf({ column }: Metric): bigint[] {
  return cpuNumbers.map((cpu) => column.at(cpu));
}

/** The text format of Prometheus, version 0.0.4. */
function exposition(metrics: readonly Metric[]): string {
  return metrics.map((metric) => {
    const { name, title } = metric;
    const head = `# HELP ${name} ${title}\n# TYPE ${name} counter\n`;
    const lines = valuesOf(metric).map((value, index) =>
      `${name}{cpu="${cpuNumbers[index]}"} ${value}\n`
    );
    return head + lines.join("");
  }).join("");
}

/** Server-sent events: what there is to see, then the counters each second. */
function events(metrics: readonly Metric[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      const send = (event: string, data: unknown) => {
        const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
        controller.enqueue(encoder.encode(text));
      };
      const sample = () => {
        const values = metrics.map((metric) => valuesOf(metric).map(Number));
        send("sample", { time: performance.now(), values });
      };
      send("metrics", metrics.map(({ name, title }) => ({ name, title })));
      sample();
      timer = setInterval(sample, 1000);
    },
    cancel() {
      clearInterval(timer);
    },
  });
}

/** The names that this server goes by: a page of another name is not ours. */
const HOSTS = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

function respond(
  { method, url, headers }: Request,
  metrics: readonly Metric[],
  page: string,
): Response {
  if (!HOSTS.test(headers.get("host") ?? "")) {
    return new Response("There is no such host here\n", { status: 421 });
  }
  if (method !== "GET" && method !== "HEAD") {
    const allow = { allow: "GET, HEAD" };
    return new Response("There is only to read\n", {
      status: 405,
      headers: allow,
    });
  }
  switch (URL.parse(url)?.pathname) {
    case "/":
      return content(page, "text/html; charset=utf-8");
    case "/metrics":
      return content(exposition(metrics), "text/plain; version=0.0.4");
    case "/events":
      return content(events(metrics), "text/event-stream");
    default:
      return new Response("There are / and /metrics\n", { status: 404 });
  }
}

function content(body: BodyInit, type: string): Response {
  const headers = { "content-type": type, "cache-control": "no-store" };
  return new Response(body, { headers });
}

const page = await Deno.readTextFile(
  new URL("metrics_page.html", import.meta.url),
);
using object = BpfObject.load(
  await compileBpf(new URL("metrics.bpf.c", import.meta.url)),
);
const cpus = object.variable("cpus", Cpus).view();
const metrics = metricsIn(cpus);
using _enter = object.program("enter").attach();
using _switched = object.program("switched").attach();
using _received = object.program("received").attach();

// The kernel detaches the programs when this process ends, however it does.
await Deno.serve(
  { port: Number(Deno.args[0] ?? 9435), hostname: "127.0.0.1" },
  (request) => respond(request, metrics, page),
).finished;
