import { resultOf, resultOfOne } from "../errno/errno.ts";
import { libcBpf } from "../libc/functions.ts";
import { platform } from "../libc/platform.ts";

/** `linux/bpf.h`: runs a program, which has effects of its own. */
const BPF_PROG_TEST_RUN = 10;
/** `linux/bpf.h`: the first and the last command on many elements at once. */
const BPF_MAP_LOOKUP_BATCH = 24;
const BPF_MAP_DELETE_BATCH = 27;

/**
 * `bpf(2)`: its result, or the negative error number.
 *
 * @param command The command (`linux/bpf.h`, `enum bpf_cmd`).
 * @param attributes A `union bpf_attr`.
 * @param size How many bytes of it are given.
 */
export function bpf(
  command: number,
  attributes: ArrayBufferView | ArrayBuffer,
  size: number,
): number {
  const { bpf: number } = platform();
  // A batch that failed may have done a part, and says so in its attributes; a
  // program that was interrupted has run.
  const once = command === BPF_PROG_TEST_RUN ||
    (command >= BPF_MAP_LOOKUP_BATCH && command <= BPF_MAP_DELETE_BATCH);
  return (once ? resultOfOne : resultOf)(() =>
    libcBpf().bpf(number, command, attributes as BufferSource, size)
  );
}
