/** Values written in C: as initialisers, assignments and comparisons. */

import { baseName, pathTo } from "./c_types.ts";
import {
  type Aggregate,
  type Base,
  type Field,
  type Model,
  type ScalarName,
  unaligned,
} from "./declarations.ts";
import type { Value } from "./values.ts";

const FLOATS: readonly ScalarName[] = ["f32", "f64"];

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
    ? `__builtin_memcpy(p->${leaf.path}, ${constant(leaf)}, ${
      leaf.type.length * leaf.type.unit
    });`
    : `p->${leaf.path} = ${constant(leaf)};`;
}

/** The condition that the pointer `p` finds a value. */
export function comparison(leaf: Leaf): string {
  const { path, type, value } = leaf;
  if (type.kind === "text") {
    return `!__builtin_memcmp(p->${path}, ${constant(leaf)}, ${
      type.length * type.unit
    })`;
  }
  if (type.kind === "scalar" && FLOATS.includes(type.name)) {
    return Number.isNaN(value)
      ? `p->${path} != p->${path}`
      : `p->${path} == ${
        constant(leaf)
      } && !!__builtin_signbit(p->${path}) == ${
        Object.is(value, -0) || (value as number) < 0 ? 1 : 0
      }`;
  }
  if (type.kind === "scalar" && type.name === "f16") {
    return `HALF_IS(p->${path}, ${halfArguments(value as number)})`;
  }
  if (
    type.kind === "scalar" && type.name.startsWith("bef") && Number.isNaN(value)
  ) {
    const quiet = type.name === "bef32" ? "0x7fc00000u" : "0x7ff8ull << 48";
    return `(${swapped(type.name, `p->${path}`)} & (${quiet})) == (${quiet})`;
  }
  return `p->${path} == ${constant(leaf)}`;
}

function constant({ type, value }: Leaf): string {
  switch (type.kind) {
    case "text":
      return type.unit === 1
        ? stringConstant(value as string, type.length)
        : wideConstant(value as string, type.length);
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
    case "f16":
      return `HALF(${halfArguments(value as number)})`;
    case "f32":
    case "f64":
      return floatConstant(value as number);
    case "be16":
    case "be32":
    case "be64":
    case "bei16":
    case "bei32":
    case "bei64":
      return swapped(name, integerConstant(BigInt(value as number)));
    case "bef32":
    case "bef64":
      return swapped(name, integerConstant(bitsOf(name, value as number)));
    case "u128":
    case "i128": {
      const [high, low] = [64n, 0n].map((shift) =>
        integerConstant(BigInt.asUintN(64, (value as bigint) >> shift))
      );
      return `((${
        baseName(base)
      }) ((unsigned __int128) ${high} << 64 | ${low}))`;
    }
    default:
      return integerConstant(BigInt(value as number));
  }
}

/** A number and its bits. */
function halfArguments(value: number): string {
  const data = new DataView(new ArrayBuffer(2));
  data.setFloat16(0, value);
  return `${floatConstant(value)}, ${data.getUint16(0)}`;
}

function swapped(name: ScalarName, constant: string): string {
  return `__builtin_bswap${/\d+$/.exec(name)}(${constant})`;
}

/** The bits of a float. */
function bitsOf(name: "bef32" | "bef64", value: number): bigint {
  const data = new DataView(new ArrayBuffer(8));
  if (name === "bef32") data.setFloat32(4, value);
  else data.setFloat64(0, value);
  return data.getBigUint64(0);
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

/** All code units in hexadecimal, for the same reason. */
function wideConstant(text: string, length: number): string {
  const units = Array.from(
    { length },
    (_, i) => `\\x${(text.charCodeAt(i) || 0).toString(16)}`,
  );
  return `u"${units.join("")}"`;
}
