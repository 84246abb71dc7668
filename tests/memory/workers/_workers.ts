/**
 * Workers that have a memory attached and do with it what they are told.
 *
 * @module
 */

import {
  array,
  atomic,
  HostLayout,
  i32,
  i64,
  struct,
  u32,
  u64,
} from "../../../layout/mod.ts";
import { Memory } from "../../../memory/mod.ts";
import {
  type Descriptor,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_SHRINK,
  memfd,
} from "../_kernel.ts";

/** The struct in the memory that threads share in these tests. */
export const Shared = struct("Shared", {
  _: HostLayout,
  flag: atomic(i32),
  wide: atomic(i64),
  count: atomic(u64),
  plain: u32,
  numbers: array(u32, 4),
});

/** A Worker's answer: a result, or the class of an error and its message. */
export type Answer = { result: unknown } | { error: string; message: string };

/** A Worker that runs `_attach_worker.ts`, ended with its block. */
export class Attached implements Disposable {
  readonly worker: Worker;
  readonly #waiting: ((answer: Answer) => void)[] = [];

  constructor() {
    this.worker = new Worker(
      new URL("./_attach_worker.ts", import.meta.url).href,
      { type: "module" },
    );
    this.worker.onmessage = ({ data }) => this.#waiting.shift()?.(data);
  }

  /** Has an action done, and gives the answer, also if it is an error. */
  answer(action: string, argument?: unknown): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.worker.postMessage({ action, argument });
    });
  }

  /** Has an action done, and gives its result. */
  async ask(action: string, argument?: unknown): Promise<unknown> {
    const answer = await this.answer(action, argument);
    if ("error" in answer) {
      throw new Error(`${answer.error}: ${answer.message}`);
    }
    return answer.result;
  }

  [Symbol.dispose](): void {
    this.worker.terminate();
  }
}

/** The byte that a file of `sealed` is full of. */
export const FILL = 7;

/** A memfd that can neither shrink nor be written any more. */
export function sealed(size: number): Descriptor {
  const file = memfd(size, "sealed");
  const memory = Memory.map(file.fd, size, { allowTruncatable: true });
  memory.writeAt(new Uint8Array(size).fill(FILL), 0);
  memory.close();
  return file.seal(F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
}
