/** The progress of tests, told by room, a line for each part that has ended. */

import type { Group } from "./_plan.ts";
import type { Promises } from "./_promises.ts";
import type { Outcome } from "./_run_tests.ts";
import { roomOf } from "./_test_files.ts";

/** As many letters of names as fit a line. */
const WIDTH = 40;

/** Tells how far they are. */
export class Progress {
  readonly #begin = performance.now();
  readonly #promised: Promises | undefined;
  readonly #counted = new Map<string, number>();

  /** Knows how many tests each room has, or does not. */
  constructor(promised: Promises | undefined) {
    this.#promised = promised;
  }

  /** The number of tests of each room that have ended. */
  get counted(): Promises {
    return this.#counted;
  }

  /** Seconds since the beginning. */
  get seconds(): number {
    return (performance.now() - this.#begin) / 1000;
  }

  /** "  12 s  memory  35/171  3 s  create detach". */
  tell({ room, kind, files }: Group, outcome: Outcome): void {
    const { results, failed, seconds } = outcome;
    for (const { file } of results) {
      // Files that are kept together may be of two rooms.
      const own = kind === "tests" ? roomOf(file) : room;
      this.#counted.set(own, (this.#counted.get(own) ?? 0) + 1);
    }
    const count = this.#counted.get(room) ?? 0;
    console.log(
      [
        `${this.seconds.toFixed(0).padStart(4)} s `,
        room.padEnd(10),
        this.#share(room, count).padStart(9),
        `${seconds.toFixed(0).padStart(5)} s `,
        kind === "tests" ? namesOf(files) : kind,
        failed > 0 ? ` ${failed} FAILED` : "",
      ].join(" ").trimEnd(),
    );
  }

  #share(room: string, counted: number): string {
    const promised = this.#promised?.get(room);
    return promised === undefined ? `${counted}` : `${counted}/${promised}`;
  }
}

/** The names of files, as many as a line takes. */
function namesOf(files: readonly string[]): string {
  const text = files.map((file) =>
    file.slice(file.lastIndexOf("/") + 1).replace("_test.ts", "")
  ).join(" ");
  return text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1)}…`;
}
