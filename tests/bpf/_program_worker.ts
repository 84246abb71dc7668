/**
 * A Worker that runs a BPF program, so many times at once, so many rounds, and
 * says in shared memory and by a message that it has.
 *
 * @module
 */

import { testRun } from "./_program.ts";

/** The globals of a Worker; the types here are those of the main thread. */
interface WorkerScope {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
}

const scope = self as unknown as WorkerScope;

/**
 * Waits until at most `room` of the runs are not consumed yet, where somebody
 * says in shared memory how many are.
 */
function waitForRoom(
  runs: number,
  consumed: Int32Array | undefined,
  room: number,
): void {
  while (consumed !== undefined) {
    const count = Atomics.load(consumed, 0);
    if (runs - count <= room) return;
    Atomics.wait(consumed, 0, count);
  }
}

scope.onmessage = (
  { data: { program, times, rounds, ended, consumed, room } },
) => {
  try {
    for (let i = 0; i < rounds; i++) {
      waitForRoom(i * times, consumed, room);
      testRun(program, times);
    }
  } finally {
    Atomics.store(ended, 0, 1);
  }
  scope.postMessage("done");
};
scope.postMessage("ready");
