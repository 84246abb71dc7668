/**
 * The number of tests that each room has to have: `.ci/promises`, a room and a
 * number a line. A test that is gone changes that file in the same commit, or
 * `.ci/run` fails.
 *
 * @module
 */

import { repository } from "../_support.ts";

const PATH = ".ci/promises";

/** The number of tests of each room. */
export type Promises = ReadonlyMap<string, number>;

/** Reads the file. */
export function readPromises(): Promises {
  const lines = Deno.readTextFileSync(`${repository}/${PATH}`).split("\n");
  return new Map(
    lines.filter((line) => line !== "").map((line): [string, number] => {
      const [room, count] = line.split(" ");
      return [room!, Number(count)];
    }),
  );
}

/** Writes the file. */
export function writePromises(counted: Promises): void {
  const lines = [...counted].sort().map(([room, count]) =>
    `${room} ${count}\n`
  );
  Deno.writeTextFileSync(`${repository}/${PATH}`, lines.join(""));
}

/** Compares the numbers: the differences, and whether a room has too few. */
export function comparePromises(
  promised: Promises,
  counted: Promises,
): { text: string; fewer: boolean } {
  const lines: string[] = [];
  let fewer = false;
  for (const room of new Set([...promised.keys(), ...counted.keys()])) {
    const [before, now] = [promised.get(room) ?? 0, counted.get(room) ?? 0];
    if (before === now) continue;
    lines.push(`${room} has ${now} tests, and ${PATH} says ${before}`);
    fewer ||= now < before;
  }
  if (lines.length > 0) lines.push("deno task test --recount writes that file");
  return { text: lines.join("\n"), fewer };
}
