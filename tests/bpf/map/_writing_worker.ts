/**
 * A Worker that stores and deletes entries of a map all the time, until it is
 * told in shared memory to stop. The keys below `stable` it leaves alone.
 *
 * @module
 */

import { BpfMap } from "../../../bpf/map/map.ts";
import { u32 } from "../../../layout/mod.ts";

/** The globals of a Worker; the types here are those of the main thread. */
interface WorkerScope {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
}

const scope = self as unknown as WorkerScope;

/** The order that the Worker gets. */
export interface WritingOrder {
  readonly fd: number;
  /** It writes keys from here on … */
  readonly stable: number;
  /** … to below this. */
  readonly limit: number;
  /** True if keys begin with the length of a prefix. */
  readonly bits: boolean;
  /** Not 0 once it is to stop. */
  readonly stop: Int32Array;
}

scope.onmessage = ({ data }: MessageEvent<WritingOrder>) => {
  const { fd, stable, limit, bits, stop } = data;
  using map = BpfMap.fromFd(fd);
  let writes = 0;
  let state = 1;
  const key = new Uint8Array(map.info.keySize);
  const words = new Uint32Array(key.buffer);
  const value = new Uint8Array(u32.size);
  while (Atomics.load(stop, 0) === 0) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    const number = stable + state % (limit - stable);
    if (bits) words[0] = 32;
    words[bits ? 1 : 0] = number;
    if (state & 0x10000) map.delete(key);
    else map.update(key, value);
    if (++writes === 1000) scope.postMessage("writing");
  }
  scope.postMessage(writes);
};
scope.postMessage("ready");
