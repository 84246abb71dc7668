/**
 * Has three threads make calls that fail, and prints what came of it: a third
 * of the calls each.
 *
 * @module
 */

import { failAll, type Findings, type Order } from "./_failing_calls.ts";

function inWorker(order: Order): Promise<Findings> {
  const worker = new Worker(import.meta.resolve("./_failing_worker.ts"), {
    type: "module",
  });
  worker.postMessage(order);
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Findings>) => {
      worker.terminate();
      resolve(data);
    };
  });
}

const [calls, kind] = Deno.args;
const order = { calls: Math.ceil(Number(calls) / 3), bpf: kind === "bpf" };
const others = [inWorker(order), inWorker(order)];
// Until both are at it, or nearly.
await new Promise((resolve) => setTimeout(resolve, 50));
console.log(JSON.stringify([failAll(order), ...await Promise.all(others)]));
