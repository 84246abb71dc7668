/**
 * A test from end to end: an object is loaded and attached, counts, and sends
 * records that are waited for.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { BpfObject, RingBuffer } from "../../bpf/mod.ts";
import { atomic, HostLayout, struct, u64 } from "../../layout/mod.ts";
import { objectTest } from "../_needs.ts";
import { TemporaryDirectory } from "../_support.ts";
import { compile } from "../bpf/_objects.ts";

const Call = struct("call", { _: HostLayout, number: u64 });

objectTest(
  "An object counts system calls once attached, and its records arrive (needs clang and libbpf)",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compile("core", directory);
    using object = BpfObject.load(path, { constants: { process: Deno.pid } });
    using ring = new RingBuffer(object.map("calls"), Call);
    using _link = object.program("count").attach();
    const numbers: bigint[] = [];
    for await (const { number } of ring) {
      if (numbers.push(number) === 4) break;
    }
    assertEquals(numbers, [0n, 1n, 2n, 3n]);
    const hits = object.variable("hits", atomic(u64)).pointer();
    assert(hits.load() >= 4n);
  },
);
