/**
 * A Worker that runs a BPF program, so many times at once, so many rounds, and
 * says in shared memory and by a message that it has.
 *
 * @module
 */

import { testRun } from "./_program.ts";

/** What is global in a Worker; the types here are those of the main thread. */
interface WorkerScope {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
}

const scope = self as unknown as WorkerScope;

scope.onmessage = ({ data: { program, times, rounds, ended } }) => {
  try {
    for (let i = 0; i < rounds; i++) testRun(program, times);
  } finally {
    Atomics.store(ended, 0, 1);
  }
  scope.postMessage("done");
};
scope.postMessage("ready");
