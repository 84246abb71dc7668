/// <reference lib="deno.worker" />
/**
 * A Worker that drains a ring buffer until it has read so many records, one that
 * writes so many, or one that has its lock for so many milliseconds, each moment
 * as another writer.
 *
 * @module
 */

// Each imports what its task takes, since to import all of bpf/mod.ts takes longer
// than most tasks.
import { runProgram } from "../_assembled.ts";

/** The longest time without a record in milliseconds: one that is lost never comes. */
const SILENCE_MAX = 60_000;

onmessage = async ({ data: { task, fd, count, first } }) => {
  if (task === "drain") {
    let read = 0;
    let since = performance.now();
    while (read < count) {
      const result = Number(BigInt.asIntN(64, runProgram(fd)[0]!));
      if (result < 0) throw new Error(`Error ${-result}`);
      read += result;
      const now = performance.now();
      if (result > 0) since = now;
      else if (now - since > SILENCE_MAX) {
        throw new Error(`Only ${read} of ${count} records came`);
      }
    }
    postMessage(read);
  } else if (task === "hold") {
    const { u32 } = await import("../../../layout/mod.ts");
    const { Memory, pageSize } = await import("../../../memory/mod.ts");
    const page = pageSize();
    using producer = Memory.map(fd, page, { offset: page });
    const lock = producer.pointer(u32, page - 4);
    const end = performance.now() + count;
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let token = 1; performance.now() < end; token++) {
      lock.value = token;
      Atomics.wait(never, 0, 0, 5);
    }
    producer.pointer(u32, page - 8).value = 1;
    lock.value = 0;
    postMessage(count);
  } else {
    const { UserRingBuffer } = await import(
      "../../../bpf/ring/user/buffer.ts"
    );
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
