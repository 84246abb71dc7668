/**
 * Answers for one machine: the layout language asks Deno where it runs, and is
 * told so before it is loaded.
 */

import type { Machine } from "./compilers.ts";
import type { Aggregate } from "./declarations.ts";
import type { Measured } from "./measure.ts";
import type { Value } from "./values.ts";

/** A declaration to be measured. */
export interface Task {
  declaration: Aggregate;
  value: Value;
  seed: bigint;
}

/** The outcome of a task. */
export type Outcome = Measured | { refused: string };

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Machine | Task[]>) => void;
  postMessage(message: Outcome[]): void;
};

let measure: typeof import("./measure.ts").measure;

scope.onmessage = async ({ data }) => {
  if (typeof data === "string") {
    const build = { ...Deno.build, arch: data };
    Object.defineProperty(globalThis, "Deno", { value: { ...Deno, build } });
    return;
  }
  ({ measure } = await import("./measure.ts"));
  scope.postMessage(data.map(attempt));
};

function attempt({ declaration, value, seed }: Task): Outcome {
  try {
    return measure(declaration, value, seed);
  } catch (error) {
    return { refused: String(error) };
  }
}
