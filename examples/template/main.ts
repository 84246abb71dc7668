/** Counts the packets of an interface, until it is told to end. */

import { dateOf, formatAddress } from "@hostmem/hostmem/bpf";
import { load, rings } from "./count.ts";

const [name] = Deno.args;
if (name === undefined) {
  console.error("Usage: deno task start <interface>");
  Deno.exit(2);
}

using object = load({ constants: { large_from: 1400 } });
using large = rings.large(object);
using _link = object.programs.count.attach({ kind: "xdp", interface: name });

const end = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => end.abort());
}

console.log(`Counting what ${name} receives`);
for await (
  const { time, from, bytes } of large.records({ until: end.signal })
) {
  console.log(dateOf(time).toISOString(), formatAddress(from), bytes);
}

for (
  const [protocol, { packets, bytes }] of object.maps.by_protocol.perCpu()
    .sums()
) {
  console.log(`protocol ${protocol}: ${packets} packets, ${bytes} bytes`);
}
