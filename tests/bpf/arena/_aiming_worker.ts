/// <reference lib="deno.worker" />
/**
 * A Worker that maps arenas one after another, each at an address where it must
 * lie. Given the first of them and how many, it answers how many held what it stored in them.
 *
 * @module
 */

import { Arena } from "../../../bpf/arena/arena.ts";
import { BpfMap } from "../../../bpf/map/map.ts";
import { u64 } from "../../../layout/mod.ts";

onmessage = ({ data: [first, rounds] }: MessageEvent<[bigint, bigint]>) => {
  let right = 0n;
  for (let i = 0n; i < rounds; i++) {
    const address = first + (i << 20n);
    using map = BpfMap.create({
      type: "arena",
      maxEntries: 16,
      flags: ["mmapable"],
      mapExtra: address,
    });
    using arena = new Arena(map);
    arena.pointer(u64).value = i;
    if (arena.at(u64, address).value === i) right++;
  }
  postMessage(right);
};
postMessage("ready");
