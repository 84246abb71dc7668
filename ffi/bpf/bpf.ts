import { resultOf, resultOfOne } from "../errno/errno.ts";
import { libcBpf } from "../libc/functions.ts";
import { platform } from "../libc/platform.ts";
import { mustRunOnce } from "./commands.ts";

/**
 * `bpf(2)`: its result, or the negative error number.
 *
 * @param command The command (`linux/bpf.h`, `enum bpf_cmd`).
 * @param attributes A `union bpf_attr`.
 * @param size The number of its bytes that are given.
 */
export function bpf(
  command: number,
  attributes: ArrayBufferView | ArrayBuffer,
  size: number,
): number {
  const { bpf: number } = platform();
  return (mustRunOnce(command) ? resultOfOne : resultOf)(() =>
    libcBpf().bpf(number, command, attributes as BufferSource, size)
  );
}
