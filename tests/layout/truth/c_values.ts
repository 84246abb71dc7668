/** Values written in C: as initialisers, assignments and comparisons. */

import { pathTo } from "./c_types.ts";
import {
  type Aggregate,
  type Base,
  type Field,
  type Model,
  unaligned,
} from "./declarations.ts";
import type { Value } from "./values.ts";

/** A value that is stored in one piece. */
export interface Leaf {
  /** The path from the outermost struct, as C writes it. */
  path: string;
  /** Its type. */
  type: Extract<Field["type"], { kind: "bits" }> | Model;
  /** The value. */
  value: Value;
}

/** All values in a value, with their paths. */
export function leavesOf(aggregate: Aggregate, value: Value): Leaf[] {
  const leaves: Leaf[] = [];
  collectFields(aggregate, value, "", leaves);
  return leaves;
}

function collectFields(
  aggregate: Aggregate,
  value: Value,
  prefix: string,
  leaves: Leaf[],
): void {
  for (const field of fieldsIn(aggregate, value)) {
    const path = `${prefix}${pathTo(aggregate, field)}`;
    const inner = (value as Record<string, Value>)[field.name]!;
    collect(field.type, inner, path, leaves);
  }
}

function collect(
  type: Field["type"],
  value: Value,
  path: string,
  leaves: Leaf[],
): void {
  const bare = unaligned(type);
  switch (bare.kind) {
    case "array":
      (value as Value[]).forEach((item, index) =>
        collect(bare.element, item, `${path}[${index}]`, leaves)
      );
      break;
    case "struct":
    case "union":
      collectFields(bare, value, `${path}.`, leaves);
      break;
    case "padding":
    case "unnamed":
      break;
    default:
      leaves.push({ path, type: bare, value });
  }
}

function fieldsIn(aggregate: Aggregate, value: Value): Field[] {
  return aggregate.fields.filter(({ name }) =>
    Object.hasOwn(value as object, name)
  );
}

/** The initialiser of a struct or union. */
export function initialiser(aggregate: Aggregate, value: Value): string {
  const parts = leavesOf(aggregate, value)
    .map((leaf) => `.${leaf.path} = ${constant(leaf)}`);
  return `{ ${parts.join(", ")} }`;
}

/** The statement that stores a value through the pointer `p`. */
export function assignment(leaf: Leaf): string {
  return leaf.type.kind === "text"
    ? `__builtin_memcpy(p->${leaf.path}, ${
      constant(leaf)
    }, ${leaf.type.length});`
    : `p->${leaf.path} = ${constant(leaf)};`;
}

/** The condition that the pointer `p` finds a value. */
export function comparison(leaf: Leaf): string {
  const { path, type, value } = leaf;
  if (type.kind === "text") {
    return `!__builtin_memcmp(p->${path}, ${constant(leaf)}, ${type.length})`;
  }
  if (type.kind === "scalar" && (type.name === "f32" || type.name === "f64")) {
    return Number.isNaN(value)
      ? `p->${path} != p->${path}`
      : `p->${path} == ${
        constant(leaf)
      } && !!__builtin_signbit(p->${path}) == ${
        Object.is(value, -0) || (value as number) < 0 ? 1 : 0
      }`;
  }
  return `p->${path} == ${constant(leaf)}`;
}

function constant({ type, value }: Leaf): string {
  switch (type.kind) {
    case "text":
      return stringConstant(value as string, type.length);
    case "bits":
    case "atomic":
      return baseConstant(type.base, value);
    case "scalar":
    case "enumeration":
      return baseConstant(type, value);
    default:
      throw new TypeError(`${type.kind} is no leaf`);
  }
}

function baseConstant(base: Base, value: Value): string {
  const name = base.kind === "enumeration" ? base.base : base.name;
  switch (name) {
    case "bool":
      return value ? "1" : "0";
    case "f32":
    case "f64":
      return floatConstant(value as number);
    case "be16":
    case "be32":
    case "be64":
      return `__builtin_bswap${name.slice(2)}(${
        integerConstant(BigInt(value as number))
      })`;
    default:
      return integerConstant(BigInt(value as number));
  }
}

function integerConstant(value: bigint): string {
  if (value === -(2n ** 63n)) return "(-9223372036854775807ll - 1)";
  if (value < 0n) return `(${value}ll)`;
  return value < 2n ** 31n
    ? `${value}`
    : `${value}${value < 2n ** 63n ? "ll" : "ull"}`;
}

function floatConstant(value: number): string {
  if (Number.isNaN(value)) return '__builtin_nan("")';
  if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}__builtin_inf()`;
  if (Object.is(value, -0)) return "-0.0";
  const digits = String(value);
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

/** All bytes in octal: no escape runs into what follows, nothing is special. */
function stringConstant(text: string, length: number): string {
  const bytes = new Uint8Array(length);
  new TextEncoder().encodeInto(text, bytes);
  return `"${
    Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`)
      .join("")
  }"`;
}
