/**
 * Shapes: what a declaration is in memory, worked out here from the rules of C
 * and not asked of the module under test, which has to agree.
 *
 * Places are counted in bits, so that bit-fields need no second way to say where
 * they are.
 */

import type { Type } from "../../layout/mod.ts";
import type {
  Aggregate,
  Base,
  Field,
  Model,
  ScalarName,
} from "../layout/truth/declarations.ts";

/** One JavaScript value. */
export interface Leaf {
  readonly kind: "leaf";
  readonly encoding:
    | "bool"
    | "integer"
    | "safe"
    | "float"
    | "text"
    | "text16";
  /** The number of bits that it takes. */
  readonly bits: number;
  readonly signed: boolean;
  readonly bigEndian: boolean;
  /** True if its values are bigints. */
  readonly big: boolean;
  readonly atomic: boolean;
  /** True if arrays of it are the engine's typed arrays. */
  readonly native: boolean;
  readonly bitField: boolean;
  readonly size: number;
  readonly align: number;
  readonly model: Model;
  readonly type: Type;
}

/** An array; a flexible one has no length. */
export interface ArrayShape {
  readonly kind: "array";
  readonly element: Shape;
  readonly length: number | undefined;
  readonly size: number;
  readonly align: number;
  readonly model: Model;
  readonly type: Type;
}

/** A field in its place. */
export interface PlacedField {
  readonly name: string;
  readonly shape: Shape;
  /** Its place from the begin of the struct, in bits. */
  readonly place: number;
}

/** A struct or union. */
export interface RecordShape {
  readonly kind: "record";
  readonly union: boolean;
  /** The fields that are properties. */
  readonly fields: readonly PlacedField[];
  readonly size: number;
  readonly align: number;
  readonly model: Aggregate;
  readonly type: Type;
}

export type Shape = Leaf | ArrayShape | RecordShape;

/** True if unnamed bit-fields align their struct: AAPCS64, "Bit-fields". */
const unnamedBitsAlign = Deno.build.arch === "aarch64";

function up(value: number, multiple: number): number {
  const over = value % multiple;
  return over === 0 ? value : value + multiple - over;
}

/** The shape of a declaration, with the types that were made of it. */
export function shapeOf(model: Model, type: Type): Shape {
  switch (model.kind) {
    case "scalar":
    case "enumeration":
      return leafOf(model, model, type);
    case "atomic":
      return { ...leafOf(model.base, model, type), ...ATOMIC };
    case "text":
      return {
        ...leafOf(
          { kind: "scalar", name: model.unit === 1 ? "u8" : "u16" },
          model,
          type,
        ),
        encoding: model.unit === 1 ? "text" : "text16",
        bits: model.length * model.unit * 8,
        size: model.length * model.unit,
        native: false,
      };
    case "aligned": {
      const base = shapeOf(model.base, type);
      return { ...base, align: Math.max(base.align, model.align), type };
    }
    case "array": {
      const inner = (type as unknown as { element: Type }).element;
      const element = shapeOf(model.element, inner);
      return {
        kind: "array",
        element,
        length: model.length,
        size: element.size * (model.length ?? 0),
        align: element.align,
        model,
        type,
      };
    }
    case "struct":
    case "union":
      return recordOf(model, type);
  }
}

const ATOMIC = { atomic: true, native: false };

function leafOf(base: Base, model: Model, type: Type): Leaf {
  const name: ScalarName = base.kind === "scalar" ? base.name : base.base;
  const bits = name === "bool"
    ? 8
    : name === "uintptr"
    ? 64
    : Number(/\d+$/.exec(name)![0]);
  const encoding = name === "bool"
    ? "bool"
    : name.startsWith("safe")
    ? "safe"
    : name.startsWith("f") || name.startsWith("bef")
    ? "float"
    : "integer";
  const bigEndian = name.startsWith("be");
  return {
    kind: "leaf",
    encoding,
    bits,
    signed: /^(i|bei|safeI)/.test(name),
    bigEndian,
    big: bits >= 64 && encoding === "integer",
    atomic: false,
    native: base.kind === "scalar" && !bigEndian && encoding !== "bool" &&
      encoding !== "safe" && bits <= 64 && name !== "f16",
    bitField: false,
    size: bits / 8,
    align: bits / 8,
    model,
    type,
  };
}

/** The alignment that was asked for by name, which packing leaves alone. */
function declaredAlign(model: Model): number {
  return model.kind === "aligned"
    ? Math.max(model.align, declaredAlign(model.base))
    : 1;
}

function recordOf(model: Aggregate, type: Type): RecordShape {
  const union = model.kind === "union";
  const fieldTypes = (type as unknown as { fields: Record<string, Type> })
    .fields;
  const fields: PlacedField[] = [];
  let align = model.align ?? 1;
  let cursor = 0;
  let end = 0;
  for (const field of model.fields) {
    if (union) cursor = 0;
    if (field.offset !== undefined) cursor = field.offset * 8;
    const placed = placeField(
      field,
      fieldTypes[field.name]!,
      cursor,
      model.packed,
    );
    align = Math.max(align, placed.align);
    cursor = placed.place + placed.bits;
    end = Math.max(end, cursor);
    if (placed.shape !== undefined) {
      const { shape, place } = placed;
      fields.push({ name: field.name, shape, place });
    }
  }
  const size = model.size ?? up(Math.ceil(end / 8), align);
  return { kind: "record", union, fields, size, align, model, type };
}

interface Placed {
  /** Undefined for what is no property. */
  shape: Shape | undefined;
  place: number;
  bits: number;
  align: number;
}

function placeField(
  { type: model, offset }: Field,
  type: Type,
  cursor: number,
  packed: boolean,
): Placed {
  if (model.kind === "padding") {
    const place = up(cursor, 8);
    return { shape: undefined, place, bits: model.size * 8, align: 1 };
  }
  if (model.kind === "bits" || model.kind === "unnamed") {
    const unit = leafOf(model.base, model.base, type);
    const { width } = model;
    const first = Math.floor(cursor / unit.bits);
    const last = Math.floor((cursor + width - 1) / unit.bits);
    const starts = width === 0 || (!packed && last > first);
    const aligns = model.kind === "bits"
      ? !packed
      : unnamedBitsAlign && (!packed || width === 0);
    return {
      shape: model.kind === "unnamed"
        ? undefined
        : { ...unit, bits: width, bitField: true, native: false },
      place: starts ? up(cursor, unit.bits) : cursor,
      bits: width,
      align: aligns ? unit.align : 1,
    };
  }
  const shape = shapeOf(model, type);
  const wanted = packed ? declaredAlign(model) : shape.align;
  const place = offset === undefined ? up(cursor, wanted * 8) : cursor;
  return {
    shape,
    place,
    bits: shape.size * 8,
    // A field that was put where its alignment does not hold asks for none.
    align: place % (wanted * 8) === 0 ? wanted : 1,
  };
}

/** The flexible array that a shape is or ends in, and where, in bytes. */
export function tailOf(
  shape: Shape,
): { offset: number; stride: number } | undefined {
  if (shape.kind === "array") {
    return shape.length === undefined
      ? { offset: 0, stride: shape.element.size }
      : undefined;
  }
  if (shape.kind === "leaf") return undefined;
  for (const { shape: inner, place } of shape.fields) {
    const tail = tailOf(inner);
    if (tail !== undefined) return { ...tail, offset: place / 8 + tail.offset };
  }
  return undefined;
}

/** Counts the elements of an array, given the bytes from its begin on. */
export function lengthOf(shape: ArrayShape, extent: number): number {
  if (shape.length !== undefined) return shape.length;
  const { size } = shape.element;
  return size === 0 ? 0 : Math.max(0, Math.floor(extent / size));
}

/** Counts the values of a shape. */
export function leavesIn(shape: Shape, extent: number): number {
  switch (shape.kind) {
    case "leaf":
      return 1;
    case "array":
      return lengthOf(shape, extent) * leavesIn(shape.element, 0);
    case "record":
      return shape.fields.reduce(
        (sum, { shape, place }) => sum + leavesIn(shape, extent - place / 8),
        0,
      );
  }
}

/** All leaves that a path of names leads to, with that path. */
export function pathsIn(shape: RecordShape): PlacedField[] {
  return shape.fields.flatMap(({ name, shape: inner, place }) => {
    if (inner.kind === "leaf") return [{ name, shape: inner, place }];
    if (inner.kind === "array") return [];
    return pathsIn(inner).map((found) => ({
      name: `${name}.${found.name}`,
      shape: found.shape,
      place: place + found.place,
    }));
  });
}
