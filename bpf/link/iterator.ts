/** Reading what an iterator writes: `BPF_ITER_CREATE`. */

import { check, EAGAIN, EINTR, EINVAL, readNext } from "../../ffi/mod.ts";
import {
  NativeArrayBuffer,
  NativeUint8Array,
  typedArrayLength,
  typedArraySet,
} from "../../layout/intrinsics.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { clearAttributes, runChecked, SIZE } from "../../ffi/bpf/attributes.ts";

/** How much is read at once: the kernel gathers up to 8 pages. */
const CHUNK = 65536;

/** Begins a walk of an iterator's: a descriptor to read. @throws {SystemError} */
function begin(link: number): Descriptor {
  const { linkFd } = clearAttributes();
  linkFd.linkFd = link;
  return new Descriptor(runChecked("BPF_ITER_CREATE", SIZE.iteratorCreate));
}

/**
 * What an iterator writes, bit by bit, in one walk.
 *
 * @param link The descriptor of the iterator's link.
 * @throws {SystemError} with the kernel's reason, as in bpf(2) and read(2).
 */
export function* chunksOf(
  link: number,
): Generator<Uint8Array<ArrayBuffer>, void> {
  const walk = begin(link);
  try {
    const buffer = new NativeArrayBuffer(CHUNK);
    const room = new NativeUint8Array(buffer);
    for (;;) {
      const length = readNext(walk.fd, room, CHUNK);
      // After a million objects of which it wrote nothing it says EAGAIN.
      if (length === -EAGAIN || length === -EINTR) continue;
      const hint = length === -EINVAL
        ? "the program's output for one object does not fit the kernel's buffer"
        : undefined;
      check(length, "read", hint);
      if (length === 0) return;
      const chunk = new NativeUint8Array(new NativeArrayBuffer(length));
      typedArraySet(chunk, new NativeUint8Array(buffer, 0, length));
      yield chunk;
    }
  } finally {
    walk.close();
  }
}

/** All that an iterator writes, in one walk. */
export function readAll(link: number): Uint8Array<ArrayBuffer> {
  const chunks = [...chunksOf(link)];
  let length = 0;
  for (const chunk of chunks) length += typedArrayLength(chunk);
  const all = new NativeUint8Array(new NativeArrayBuffer(length));
  let at = 0;
  for (const chunk of chunks) {
    typedArraySet(all, chunk, at);
    at += typedArrayLength(chunk);
  }
  return all;
}
