/// <reference lib="deno.worker" />
/**
 * A Worker that drains a ring buffer until it has read so many records, or one
 * that writes so many.
 *
 * @module
 */

import { UserRingBuffer } from "../../bpf/mod.ts";
import { runProgram } from "./_assembled.ts";

onmessage = async ({ data: { task, fd, count, first } }) => {
  if (task === "drain") {
    let read = 0;
    while (read < count) {
      const result = Number(BigInt.asIntN(64, runProgram(fd)[0]!));
      if (result < 0) throw new Error(`Error ${-result}`);
      read += result;
    }
    postMessage(read);
  } else {
    using ring = new UserRingBuffer({ fd });
    const words = new BigUint64Array(2);
    const bytes = new Uint8Array(words.buffer);
    for (let i = 0; i < count; i++) {
      words[0] = words[1] = first + BigInt(i);
      if (i % 3 === 0) {
        while (!ring.write(bytes)) await ring.ready(16);
        continue;
      }
      let record;
      while ((record = ring.reserve(16)) === undefined) await ring.ready(16);
      record.writeAt(bytes);
      record.submit();
    }
    postMessage(count);
  }
  close();
};
