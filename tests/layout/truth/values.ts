/** Random values of declarations: plain data, as `assign` takes it. */

import { asHalf } from "../_kinds.ts";
import type { Random } from "../../_support.ts";
import {
  type Aggregate,
  type Base,
  type Field,
  INTEGERS,
  type Model,
  runsOf,
  TAIL_LENGTH,
  type Text,
  unaligned,
} from "./declarations.ts";

/** A value, or values by field name or index. */
export type Value =
  | number
  | bigint
  | boolean
  | string
  | Value[]
  | { [field: string]: Value };

const FLOATS = [
  0,
  -0,
  1,
  -1.5,
  NaN,
  Infinity,
  -Infinity,
  Math.PI,
  2 ** -126, // the smallest normal f32
  2 ** -149, // the smallest subnormal f32
  -(2 ** -140),
  3.4028234663852886e38, // the largest f32
];

const DOUBLES = [
  Number.MIN_VALUE,
  Number.MAX_VALUE,
  2.2250738585072014e-308, // the smallest normal f64
  -1.1e-310,
  2 ** 63,
];

const TEXTS = ["", "a", "deno", "é", "€", "😀", '"\\n', "??/", "\x7f\x01"];

/** A random value of a type: one of the extremes more often than not. */
export function randomValue(type: Model, random: Random): Value {
  switch (type.kind) {
    case "scalar":
    case "enumeration":
      return randomLeaf(type, undefined, random);
    case "atomic":
      return randomLeaf(type.base, undefined, random);
    case "aligned":
      return randomValue(type.base, random);
    case "text":
      return randomText(type, random);
    case "array":
      return Array.from(
        { length: type.length ?? TAIL_LENGTH },
        () => randomValue(type.element, random),
      );
    case "struct":
    case "union":
      return randomFields(type, random);
  }
}

/** All fields of a struct, or where some share their bytes, some of them. */
function randomFields(
  type: Aggregate,
  random: Random,
): { [field: string]: Value } {
  const runs = type.kind === "union"
    ? type.fields.map((field) => [field])
    : runsOf(type);
  const named = runs
    .map((run) => run.filter((field) => isNamed(field)))
    .filter((run) => run.length > 0);
  if (named.length === 0) return {};
  return Object.fromEntries(
    random.pick(named).map((field) => [field.name, fieldValue(field, random)]),
  );
}

function isNamed({ type }: Field): boolean {
  return type.kind !== "padding" && type.kind !== "unnamed";
}

function fieldValue({ type }: Field, random: Random): Value {
  switch (type.kind) {
    case "bits":
      return randomLeaf(type.base, type.width, random);
    case "padding":
    case "unnamed":
      throw new TypeError("Padding has no value");
    default:
      return randomValue(type, random);
  }
}

/** The value of a base, or of a bit-field of it, with all bits set. */
export function allOnes(base: Base, width: number): Value {
  const name = base.kind === "enumeration" ? base.base : base.name;
  if (name === "bool") return true;
  const ones = name.startsWith("i") ? -1n : (1n << BigInt(width)) - 1n;
  return name.endsWith("64") ? ones : Number(ones);
}

function randomLeaf(
  base: Base,
  width: number | undefined,
  random: Random,
): Value {
  const name = base.kind === "enumeration" ? base.base : base.name;
  switch (name) {
    case "bool":
      return random.boolean();
    case "f16":
      return asHalf(
        random.boolean() ? random.pick(FLOATS) : random.float() * 1e5 - 5e4,
      );
    case "f32":
    case "bef32":
      return Math.fround(
        random.boolean() ? random.pick(FLOATS) : random.float() * 2e9 - 1e9,
      );
    case "f64":
    case "bef64":
      return random.boolean()
        ? random.pick([...FLOATS, ...DOUBLES])
        : random.float() * 2e99 - 1e99;
    case "safeU64":
      return Number(randomInteger(53, false, random));
    case "safeI64": {
      const value = Number(randomInteger(54, true, random));
      return value < Number.MIN_SAFE_INTEGER ? value + 1 : value;
    }
    case "be16":
      return Number(randomInteger(16, false, random));
    case "be32":
      return Number(randomInteger(32, false, random));
    case "bei16":
      return Number(randomInteger(16, true, random));
    case "bei32":
      return Number(randomInteger(32, true, random));
    case "bei64":
      return randomInteger(64, true, random);
    case "u128":
    case "i128":
      return randomInteger(128, name === "i128", random);
    case "be64":
    case "uintptr":
      return randomInteger(64, false, random);
  }
  if (!INTEGERS.includes(name)) throw new TypeError(name);
  const bits = width ?? Number(name.slice(1));
  const value = randomInteger(bits, name.startsWith("i"), random);
  return name.endsWith("64") ? value : Number(value);
}

function randomInteger(
  bits: number,
  signed: boolean,
  random: Random,
): bigint {
  const most = (1n << BigInt(bits)) - 1n;
  const half = 1n << BigInt(bits - 1);
  const raw = random.boolean()
    ? random.pick([0n, 1n, most, half, half - 1n, most - 1n])
    : random.biguint64() << 64n | random.biguint64();
  return signed ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
}

function randomText({ length, unit }: Text, random: Random): string {
  const encoder = new TextEncoder();
  const lengthOf = (text: string) =>
    unit === 1 ? encoder.encode(text).length : text.length;
  let text = "";
  for (let tries = random.int(20); tries > 0; tries--) {
    const longer = text + random.pick(TEXTS);
    if (lengthOf(longer) <= length) text = longer;
  }
  return text;
}

/** A value without what lies in flexible arrays. */
export function withoutTails(type: Field["type"], value: Value): Value {
  const bare = unaligned(type);
  if (bare.kind === "array") {
    return bare.length === undefined
      ? []
      : (value as Value[]).map((item) => withoutTails(bare.element, item));
  }
  if (bare.kind !== "struct" && bare.kind !== "union") return value;
  return Object.fromEntries(
    bare.fields
      .filter(({ name }) => Object.hasOwn(value as object, name))
      .map(({ name, type }) => [
        name,
        withoutTails(type, (value as Record<string, Value>)[name]!),
      ]),
  );
}
