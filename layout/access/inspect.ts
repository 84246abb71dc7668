/** The text of pointers and views for `Deno.inspect`, and their JSON. */

import { ClosedError } from "../../errors.ts";
import { jsonValue } from "../json.ts";
import { type Located, whereIs } from "./private_fields.ts";
import { read } from "./read_whole.ts";

type Inspect = (value: unknown, options?: unknown) => string;

/** The name that an object goes by when it is shown. */
function nameOf({ pointerClass, path, length }: Located): string {
  const isArray = pointerClass.type.kind === "array" ||
    pointerClass.place !== undefined;
  return isArray ? `${path}(${length})` : pointerClass.type.name;
}

/**
 * Reads the number of array elements to show; the default of `Deno.inspect` is
 * 100.
 */
function limitIn(options: unknown): number {
  const { iterableLimit, maxArrayLength } = (options ?? {}) as {
    iterableLimit?: unknown;
    maxArrayLength?: unknown;
  };
  const limit = iterableLimit ?? maxArrayLength;
  return typeof limit === "number" && limit >= 0 && limit < 1000 ? limit : 100;
}

/** Shows the values; never throws, because a debugger's print must not. */
function inspect(this: object, show: unknown, options: unknown): string {
  try {
    const located = whereIs(this);
    if (located === undefined) return "[prototype]";
    const name = nameOf(located);
    if (located.region.closed) return `${name} [closed]`;
    const elements = limitIn(options);
    const value = read(located, { elements, left: 100 * elements });
    return typeof show === "function"
      ? `${name} ${(show as Inspect)(value, options)}`
      : `${name} ${JSON.stringify(jsonValue(value))}`;
  } catch (error) {
    if (error instanceof ClosedError) return "[closed]";
    return error instanceof RangeError ? `[${error.message}]` : "[unreadable]";
  }
}

/** Node's order of arguments: depth, options, inspect. */
function inspectForNode(
  this: object,
  _depth: unknown,
  options: unknown,
  show: unknown,
): string {
  return inspect.call(this, show, options);
}

function valueOf(object: object): unknown {
  const located = whereIs(object);
  if (located === undefined) throw new TypeError("Not a pointer or a view");
  return read(located);
}

function toJSON(this: object): unknown {
  return jsonValue(valueOf(this));
}

/** Gives a prototype its methods, but where a field has the name. */
export function describe(prototype: object, fields: readonly string[]): void {
  const methods: [string | symbol, unknown][] = [
    [Symbol.for("Deno.customInspect"), inspect],
    [Symbol.for("nodejs.util.inspect.custom"), inspectForNode],
    ["toJSON", toJSON],
  ];
  for (const [name, value] of methods) {
    if (typeof name === "string" && fields.includes(name)) continue;
    Object.defineProperty(prototype, name, {
      value,
      configurable: true,
      writable: true,
    });
  }
}
