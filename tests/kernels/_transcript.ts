/** The transcript of a guest's console, line by line. */

import { type Result, resultIn, sumIn } from "./_results.ts";

/** Deno says so once, in the line that a test's result would else end. */
const SLOW = /^(.+ \.\.\.)'.*' has been running for over/;

/** Takes the lines of a console, and keeps what they come to. */
export class Transcript {
  /** The results of the tests so far. */
  readonly results: Result[] = [];
  /** The troubles, besides tests that failed. */
  readonly troubles: string[] = [];
  /** All that was said of tests that failed. */
  readonly failures: string[] = [];
  readonly #lines: string[] = [];
  #group = "";
  /** The number of the group's tests that were told apart. */
  #listed = 0;
  #summedUp = false;
  #isFailure = false;
  /** The begin of the line of the test that took long. */
  #slow = "";
  readonly #file: string;

  /** Writes all of them into a file, too. */
  constructor(file: string) {
    this.#file = file;
    Deno.writeTextFileSync(file, "");
  }

  /**
   * Takes a line. What is to be shown of it: a result, or what a script of the
   * guest says to the host.
   */
  hear(line: string): Result | string | undefined {
    this.#lines.push(line);
    Deno.writeTextFileSync(this.#file, `${line}\n`, { append: true });
    const [, word, said = ""] = /^@guest (\w+) ?(.*)$/.exec(line) ?? [];
    if (word !== undefined) return this.#obey(word, said);
    if (line.trim() === "ERRORS") this.#isFailure = true;
    const sum = sumIn(line);
    if (sum !== undefined) this.#sumUp(sum);
    if (this.#isFailure) {
      this.failures.push(line);
      return undefined;
    }
    const [, slow] = SLOW.exec(line) ?? [];
    if (slow !== undefined) this.#slow = slow;
    const result = resultIn(
      /^ (ok|FAILED)/.test(line) ? this.#slow + line : line,
    );
    if (result === undefined) return undefined;
    this.#listed++;
    this.results.push(result);
    return result;
  }

  /** The last lines. */
  tail(count: number): readonly string[] {
    return this.#lines.slice(-count);
  }

  #obey(word: string, said: string): string {
    switch (word) {
      case "begin":
        this.#group = said;
        this.#listed = 0;
        this.#summedUp = false;
        break;
      case "end":
        if (!this.#summedUp) {
          this.troubles.push(`the tests of ${this.#group} ended with ${said}`);
        }
        break;
      case "trouble":
        this.troubles.push(said);
    }
    return `${word} ${said}`.trim();
  }

  #sumUp(sum: number): void {
    this.#summedUp = true;
    this.#isFailure = false;
    if (sum === this.#listed) return;
    this.troubles.push(
      `of ${sum} tests of ${this.#group} only ${this.#listed} were told apart`,
    );
  }
}
