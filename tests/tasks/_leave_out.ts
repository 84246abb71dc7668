/**
 * Loaded before each test module (`deno test --preload`): leaves out the tests
 * that `HOSTMEM_LEAVE_OUT` says, see {@linkcode LeaveOut}. They are neither run
 * nor counted, as though they were not there; their names are written down.
 *
 * @module
 */

/** The tests that are left out, and the file where that is written down. */
export interface LeaveOut {
  /** Regular expressions that match the names of tests. */
  readonly patterns: readonly string[];
  /** True if tests are left out that would be skipped. */
  readonly skipped: boolean;
  /** The file to which the names of those left out are appended, one a line. */
  readonly record: string;
}

/** An argument of Deno.test(). */
export type Part =
  | string
  | ((...given: unknown[]) => unknown)
  | Deno.TestDefinition;

const given = Deno.env.get("HOSTMEM_LEAVE_OUT");
if (given !== undefined) leaveOut(JSON.parse(given));

function leaveOut({ patterns, skipped, record }: LeaveOut): void {
  const { test } = Deno;
  const unwanted = patterns.map((pattern) => new RegExp(pattern));

  function selected(...parts: Part[]): void {
    const name = nameOf(parts);
    if (
      unwanted.some((pattern) => pattern.test(name)) ||
      (skipped && parts.some((part) => (part as { ignore?: boolean }).ignore))
    ) {
      Deno.writeTextFileSync(record, `${name}\n`, { append: true });
    } else {
      (test as (...parts: Part[]) => void)(...parts);
    }
  }

  Object.assign(Deno, { test: Object.assign(selected, test) });
}

/** The name, or that of the function: whichever way the test was declared. */
export function nameOf(parts: Part[]): string {
  return parts
    .map((part) => typeof part === "string" ? part : part.name)
    .find((name) => name !== "") ?? "";
}
