/**
 * The output of `deno test`, read while it comes: what became of each test, and
 * what is to be shown of those that failed. It is read from what is printed,
 * and not from a file that Deno writes at its end, so that a process that dies
 * has told all but its last.
 *
 * @module
 */

/** The result of a test. */
export interface TestResult {
  /** Its file, relative to the root of the repository. */
  readonly file: string;
  /** Its name. */
  readonly name: string;
  /** The outcome: `"passed"` if it held. */
  readonly outcome: "passed" | "failed" | "skipped";
}

const OUTCOMES = {
  ok: "passed",
  FAILED: "failed",
  ignored: "skipped",
} as const;

/** The report that one `deno test` prints, without colours. */
export class Report {
  /** The results that are known so far. */
  readonly results: TestResult[] = [];
  #text = "";
  #rest = "";
  #file = "";
  /** The number of tests that were announced and have not ended. */
  #pending = 0;
  /** The author of the lines: Deno, a test, or Deno about failures. */
  #section: "tests" | "output" | "failures" | "end" = "tests";
  readonly #failures: string[] = [];
  /** The test that was said to take long. */
  #slow = "";
  #passed: number | undefined;
  #failed: number | undefined;

  /** Takes the next part. Deno prints no results to stderr. */
  push(part: string, stream: "stdout" | "stderr"): void {
    this.#text += part;
    if (stream === "stderr") return;
    const lines = (this.#rest + part).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#read(line);
  }

  /** Takes what was printed last, which may lack the end of its line. */
  end(): void {
    this.#read(this.#rest);
    this.#rest = "";
  }

  /** All that was printed. */
  get text(): string {
    return this.#text;
  }

  #read(line: string): void {
    switch (this.#section) {
      case "tests":
        if (/^-+ (\S+ )?output -+$/.test(line)) this.#section = "output";
        else if (line === " ERRORS ") this.#section = "failures";
        else this.#readTest(line);
        break;
      case "output":
        if (/^-+ (\S+ )?output end -+$/.test(line)) this.#section = "tests";
        break;
      case "failures":
        if (line === " FAILURES ") this.#section = "end";
        else this.#failures.push(line);
        break;
    }
    this.#readSummary(line);
  }

  /** "running 3 tests from ./a_test.ts", or "a name ... ok (12ms)". */
  #readTest(line: string): void {
    const [, announced, file] =
      /^running (\d+) tests? from (?:\.\/)?(.*)$/.exec(line) ?? [];
    if (file !== undefined) {
      this.#pending += Number(announced);
      this.#file = file;
    }
    // "a name ...'a name' has been running for over (1m0s)", then " ok (1m12s)".
    const [, slow] = /^(.*) \.\.\.'.*' has been running for over/s.exec(line) ??
      [];
    if (slow !== undefined) this.#slow = slow;
    // A name may have characters in it that end a line for a dot, such as U+2028.
    const match = /^(?:(.*) \.\.\.)? (ok|FAILED|ignored) \([^()]*\)$/s.exec(
      line,
    );
    if (match === null) return;
    const [, name = this.#slow, word] = match;
    this.#pending--;
    const outcome = OUTCOMES[word as keyof typeof OUTCOMES];
    this.results.push({ file: this.#file, name, outcome });
  }

  /** "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)". */
  #readSummary(line: string): void {
    const [, passed, failed] =
      /^(?:ok|FAILED) \| (\d+) passed.* \| (\d+) failed/.exec(line) ?? [];
    if (passed === undefined || this.#section === "output") return;
    this.#passed = Number(passed);
    this.#failed = Number(failed);
  }

  /** Counts the tests that came to this end. */
  count(outcome: TestResult["outcome"]): number {
    return this.results.filter((result) => result.outcome === outcome).length;
  }

  /** True if the process came to its end, and counted what was read here. */
  get complete(): boolean {
    return this.#passed === this.count("passed");
  }

  /**
   * The number of failures: tests, modules that threw, and, where the process
   * died, what had not ended, which is at least one.
   */
  get failed(): number {
    if (this.complete) return this.#failed!;
    return this.count("failed") + Math.max(1, this.#pending);
  }

  /** The lines that are printed of the failures; all, if the process died. */
  get failures(): string {
    return this.complete ? this.#failures.join("\n").trim() : this.#text;
  }
}
