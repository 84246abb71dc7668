/**
 * The meaning of bytes, and the bytes that mean a value: byte by byte, without
 * anything of the module under test.
 */

import {
  type ArrayShape,
  type Leaf,
  lengthOf,
  type RecordShape,
  type Shape,
} from "./_shape.ts";

/** Says that an operation must be refused, and by an error of which name. */
export class Refusal {
  /** The names that are right. */
  readonly names: readonly string[];

  constructor(...names: string[]) {
    this.names = names;
  }
}

const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** A text, with U+DC00 and its byte for each byte that is not UTF-8. */
function textOf(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    // At the first byte that no sequence begins with.
  }
  for (let length = Math.min(4, bytes.length); length > 0; length--) {
    try {
      const first = strict.decode(bytes.subarray(0, length));
      if ([...first].length === 1) return first + textOf(bytes.slice(length));
    } catch {
      // No sequence of this length.
    }
  }
  return String.fromCharCode(0xdc00 + bytes[0]!) + textOf(bytes.slice(1));
}

/** A text of UTF-16, up to its NUL. */
function textOfUnits(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 2) {
    const unit = bytes[i]! | bytes[i + 1]! << 8;
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
}

/** The bytes of a text in UTF-16. */
function bytesOfUnits(text: string): Uint8Array {
  return Uint8Array.from(
    { length: text.length * 2 },
    (_, i) => text.charCodeAt(i >> 1) >> (i % 2 === 0 ? 0 : 8),
  );
}

/** The bytes of a text; undefined where it has none. */
function bytesOf(text: string): Uint8Array | undefined {
  const parts = [...text].map((character) => {
    if (character.isWellFormed()) return [...encoder.encode(character)];
    const code = character.charCodeAt(0);
    return code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : undefined;
  });
  return parts.includes(undefined)
    ? undefined
    : Uint8Array.from(parts.flat() as number[]);
}

// ---------------------------------------------------------------- bits

/** The `count` bits at a place, the lowest first. */
function bitsAt(bytes: Uint8Array, place: number, count: number): bigint {
  const first = place >> 3;
  const last = (place + count - 1) >> 3;
  let all = 0n;
  for (let i = last; i >= first; i--) all = all << 8n | BigInt(bytes[i]!);
  return BigInt.asUintN(count, all >> BigInt(place & 7));
}

function putBits(
  bytes: Uint8Array,
  place: number,
  count: number,
  value: bigint,
): void {
  const shift = BigInt(place & 7);
  let mask = (1n << BigInt(count)) - 1n << shift;
  let rest = BigInt.asUintN(count, value) << shift;
  for (let i = place >> 3; mask !== 0n; i++) {
    const keep = ~Number(mask & 255n) & 255;
    bytes[i] = bytes[i]! & keep | Number(rest & 255n);
    mask >>= 8n;
    rest >>= 8n;
  }
}

function reversed(value: bigint, bits: number): bigint {
  let result = 0n;
  for (let i = 0; i < bits; i += 8) {
    result = result << 8n | value & 255n;
    value >>= 8n;
  }
  return result;
}

const float = new DataView(new ArrayBuffer(8));

function floatOf(raw: bigint, bits: number): number {
  float.setBigUint64(0, raw);
  if (bits === 16) return float.getFloat16(6);
  return bits === 32 ? float.getFloat32(4) : float.getFloat64(0);
}

function floatBits(value: number, bits: number): bigint {
  float.setBigUint64(0, 0n);
  if (bits === 16) float.setFloat16(6, value);
  else if (bits === 32) float.setFloat32(4, value);
  else float.setFloat64(0, value);
  return float.getBigUint64(0);
}

// ---------------------------------------------------------------- leaves

/** Reads a leaf; a {@linkcode Refusal} where it has no value. */
export function decodeLeaf(
  leaf: Leaf,
  bytes: Uint8Array,
  place: number,
): unknown {
  const { bits } = leaf;
  if (leaf.encoding === "text") {
    const whole = bytes.slice(place >> 3, (place + bits) >> 3);
    const end = whole.indexOf(0);
    return textOf(end < 0 ? whole : whole.slice(0, end));
  }
  if (leaf.encoding === "text16") {
    return textOfUnits(bytes.slice(place >> 3, (place + bits) >> 3));
  }
  const raw = bitsAt(bytes, place, bits);
  switch (leaf.encoding) {
    case "bool":
      return raw !== 0n;
    case "float":
      return floatOf(leaf.bigEndian ? reversed(raw, bits) : raw, bits);
    default: {
      const ordered = leaf.bigEndian ? reversed(raw, bits) : raw;
      const value = leaf.signed ? BigInt.asIntN(bits, ordered) : ordered;
      if (leaf.big) return value;
      const number = Number(value);
      return leaf.encoding === "safe" && !Number.isSafeInteger(number)
        ? new Refusal("RangeError")
        : number;
    }
  }
}

/** Writes a leaf. */
export function encodeLeaf(
  leaf: Leaf,
  bytes: Uint8Array,
  place: number,
  value: unknown,
): void {
  const { bits } = leaf;
  if (leaf.encoding === "text" || leaf.encoding === "text16") {
    // What reads alike stays, with what follows the NUL.
    if (decodeLeaf(leaf, bytes, place) === value) return;
    const encoded = leaf.encoding === "text"
      ? bytesOf(value as string)!
      : bytesOfUnits(value as string);
    for (let i = 0; i < bits >> 3; i++) {
      bytes[(place >> 3) + i] = encoded[i] ?? 0;
    }
    return;
  }
  const isTrue = leaf.encoding === "bool" && value === true;
  if (isTrue && decodeLeaf(leaf, bytes, place) === true) return;
  const raw = leaf.encoding === "float"
    ? floatBits(value as number, bits)
    : BigInt.asUintN(bits, BigInt(value as number));
  putBits(bytes, place, bits, leaf.bigEndian ? reversed(raw, bits) : raw);
}

/** The reason why a value cannot be stored as a leaf. */
export function refusalOf(leaf: Leaf, value: unknown): Refusal | undefined {
  switch (leaf.encoding) {
    case "bool":
      return typeof value === "boolean" ? undefined : new Refusal("TypeError");
    case "float":
      return typeof value === "number" ? undefined : new Refusal("TypeError");
    case "text": {
      if (typeof value !== "string") return new Refusal("TypeError");
      const encoded = bytesOf(value);
      const fits = encoded !== undefined && !encoded.includes(0) &&
        encoded.length <= leaf.bits >> 3;
      return fits ? undefined : new Refusal("RangeError");
    }
    case "text16":
      if (typeof value !== "string") return new Refusal("TypeError");
      return value.includes("\0") || value.length * 16 > leaf.bits
        ? new Refusal("RangeError")
        : undefined;
    case "safe":
      if (typeof value !== "number") return new Refusal("TypeError");
      return Number.isSafeInteger(value) && (leaf.signed || value >= 0)
        ? undefined
        : new Refusal("RangeError");
    case "integer": {
      const kind = typeof value;
      if (kind !== (leaf.big ? "bigint" : "number")) {
        return new Refusal("TypeError");
      }
      if (typeof value === "number" && !Number.isInteger(value)) {
        return new Refusal("RangeError");
      }
      const whole = BigInt(value as number);
      const cut = leaf.signed
        ? BigInt.asIntN(leaf.bits, whole)
        : BigInt.asUintN(leaf.bits, whole);
      return cut === whole ? undefined : new Refusal("RangeError");
    }
  }
}

// ---------------------------------------------------------------- all

/** Reads a whole value; a {@linkcode Refusal} where a part of it has none. */
export function decode(
  shape: Shape,
  bytes: Uint8Array,
  place: number,
  extent: number,
): unknown {
  switch (shape.kind) {
    case "leaf":
      return decodeLeaf(shape, bytes, place);
    case "array": {
      const values: unknown[] = [];
      const { element } = shape;
      for (let i = 0; i < lengthOf(shape, extent); i++) {
        const at = place + i * element.size * 8;
        const value = decode(element, bytes, at, element.size);
        if (value instanceof Refusal) return value;
        values.push(value);
      }
      return values;
    }
    case "record": {
      const values: Record<string, unknown> = {};
      for (const { name, shape: inner, place: further } of shape.fields) {
        const rest = extent - further / 8;
        const value = decode(inner, bytes, place + further, rest);
        if (value instanceof Refusal) return value;
        values[name] = value;
      }
      return values;
    }
  }
}

/** The reason why a whole value, or a part of one, cannot be stored. */
export function refusalOfAll(
  shape: Shape,
  value: unknown,
  extent: number,
): Refusal | undefined {
  switch (shape.kind) {
    case "leaf":
      return refusalOf(shape, value);
    case "array":
      return refusalOfElements(shape, value, extent);
    case "record":
      return refusalOfFields(shape, value, extent);
  }
}

function refusalOfElements(
  shape: ArrayShape,
  value: unknown,
  extent: number,
): Refusal | undefined {
  const length = (value as { length?: unknown } | null | undefined)?.length;
  if (typeof value !== "object" || typeof length !== "number") {
    return new Refusal("TypeError");
  }
  if (length > lengthOf(shape, extent)) return new Refusal("BoundsError");
  const { element } = shape;
  for (const item of Array.from(value as ArrayLike<unknown>)) {
    const refusal = refusalOfAll(element, item, element.size);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function refusalOfFields(
  shape: RecordShape,
  value: unknown,
  extent: number,
): Refusal | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new Refusal("TypeError");
  }
  const entries = Object.entries(value);
  for (const [name, part] of entries) {
    const field = shape.fields.find((field) => field.name === name);
    if (field === undefined) return new Refusal("TypeError");
    const rest = extent - field.place / 8;
    const refusal = refusalOfAll(field.shape, part, rest);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Writes a value, or a part of one, that nothing is wrong with. */
export function encode(
  shape: Shape,
  bytes: Uint8Array,
  place: number,
  value: unknown,
): void {
  switch (shape.kind) {
    case "leaf": {
      // Of what is not a number the bits stay.
      const isThere = Number.isNaN(value) &&
        Number.isNaN(decodeLeaf(shape, bytes, place));
      if (!isThere) encodeLeaf(shape, bytes, place, value);
      break;
    }
    case "array":
      Array.from(value as ArrayLike<unknown>).forEach((item, i) =>
        encode(shape.element, bytes, place + i * shape.element.size * 8, item)
      );
      break;
    case "record":
      for (const [name, part] of Object.entries(value as object)) {
        const field = shape.fields.find((field) => field.name === name)!;
        encode(field.shape, bytes, place + field.place, part);
      }
  }
}

/** Sets the bits that are no padding. */
export function markUsed(
  shape: Shape,
  mask: Uint8Array,
  place: number,
): void {
  switch (shape.kind) {
    case "leaf":
      for (let bit = place; bit < place + shape.bits; bit++) {
        mask[bit >> 3]! |= 1 << (bit & 7);
      }
      break;
    case "array":
      // What is flexible takes all that is left.
      if (shape.length === undefined) mask.fill(255, place >> 3);
      for (let i = 0; i < (shape.length ?? 0); i++) {
        markUsed(shape.element, mask, place + i * shape.element.size * 8);
      }
      break;
    case "record":
      for (const { shape: inner, place: further } of shape.fields) {
        markUsed(inner, mask, place + further);
      }
  }
}

/** Tests whether values are the same, to the last bit JavaScript can see. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (
    typeof a !== "object" || typeof b !== "object" || a === null || b === null
  ) return false;
  const keys = Object.keys(a);
  return Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) =>
      Object.hasOwn(b, key) &&
      same((a as never)[key], (b as never)[key])
    );
}
