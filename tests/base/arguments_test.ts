import { assertThrows } from "@std/assert";
import { type OptionNames, requireOptions } from "../../base/arguments.ts";

interface Options {
  readonly offset?: number;
  readonly readOnly?: boolean;
}

const names: OptionNames<Options> = { offset: true, readOnly: true };

Deno.test("requireOptions() takes the known options, whatever they are set to", () => {
  for (
    const options of [{}, { offset: 1 }, { readOnly: undefined }, names]
  ) requireOptions(options, names);
  requireOptions({ anything: 1 });
});

Deno.test("requireOptions() refuses an option that is not known, and names those that are", () => {
  for (const [name, value] of [["readonly", true], ["ofset", undefined]]) {
    assertThrows(
      () => requireOptions({ offset: 1, [name as string]: value }, names),
      TypeError,
      `There is no option "${name}": the options are offset, readOnly`,
    );
  }
  for (const name of ["toString", "__proto__"]) {
    const options = JSON.parse(`{ "${name}": 1 }`);
    assertThrows(() => requireOptions(options, names), TypeError, name);
  }
});

Deno.test("requireOptions() refuses what is not an object", () => {
  for (const [value, shown] of [[null, "null"], [5, "5"], ["a", '"a"']]) {
    assertThrows(
      () => requireOptions(value, names),
      TypeError,
      `Options must be an object: received ${shown}`,
    );
  }
});

Deno.test("requireOptions() refuses a signal in place of the options that have it", () => {
  const { signal } = new AbortController();
  assertThrows(
    () => requireOptions(signal, { signal: true }),
    TypeError,
    "received an AbortSignal, which is to be a property",
  );
});
