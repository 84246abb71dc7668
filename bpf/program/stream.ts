/** Streams of programs, to which they print. */

import { show } from "../../base/show.ts";
import { NotSupportedError } from "../../errors.ts";
import { Block } from "../../ffi/block.ts";
import {
  checked,
  clearAttributes,
  run,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import { EINVAL } from "../../ffi/mod.ts";

/** A stream of a program's. */
export type ProgramStream = "stdout" | "stderr";

/** `linux/bpf.h`: `BPF_STDOUT`, `BPF_STDERR` */
const NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ["stdout", 1],
  ["stderr", 2],
]);

const CHUNK_SIZE = 4096;

/**
 * Takes all that there is in a stream.
 *
 * @throws {TypeError} if there is no such stream.
 * @throws {NotSupportedError} if the kernel has none.
 * @throws {SystemError} with the kernel's reason.
 */
export function readStream(fd: number, stream: unknown): string {
  const streamId = NUMBERS.get(stream);
  if (streamId === undefined) {
    throw new TypeError(
      `Stream must be "stdout" or "stderr": received ${show(stream)}`,
    );
  }
  const decoder = new TextDecoder();
  const chunk = new Block(CHUNK_SIZE);
  let text = "";
  for (;;) {
    const { streamRead } = clearAttributes();
    streamRead.buffer = chunk.address;
    streamRead.length = CHUNK_SIZE;
    streamRead.streamId = streamId;
    streamRead.progFd = fd;
    const command = "BPF_PROG_STREAM_READ_BY_FD";
    const result = run(command, SIZE.streamRead);
    if (result === -EINVAL) {
      throw new NotSupportedError(
        "The kernel has no streams of programs: Linux 6.17 or later has",
      );
    }
    const length = checked(command, result);
    if (length === 0) return text + decoder.decode();
    text += decoder.decode(chunk.bytes.subarray(0, length), { stream: true });
  }
}
