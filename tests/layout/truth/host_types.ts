/** Declarations made in the layout language. */

import {
  aligned,
  array,
  atomic,
  be16,
  be32,
  be64,
  bef32,
  bef64,
  bei16,
  bei32,
  bei64,
  bits,
  bool,
  enumeration,
  f16,
  f32,
  f64,
  HostLayout,
  i128,
  i16,
  i32,
  i64,
  i8,
  padding,
  safe,
  sizeOf,
  struct,
  text,
  text16,
  type Type,
  u128,
  u16,
  u32,
  u64,
  u8,
  uintptr,
  union,
} from "../../../layout/mod.ts";
import {
  type Aggregate,
  type Base,
  type Field,
  type Integer,
  INTEGERS,
  type Model,
  TAIL_LENGTH,
  unaligned,
} from "./declarations.ts";

const INTEGER_TYPES = { u8, i8, u16, i16, u32, i32, u64, i64 };
const SCALAR_TYPES = {
  ...INTEGER_TYPES,
  bool,
  f32,
  f64,
  uintptr,
  be16,
  be32,
  be64,
  bei16,
  bei32,
  bei64,
  bef32,
  bef64,
  f16,
  u128,
  i128,
  safeU64: safe(u64),
  safeI64: safe(i64),
};
const ENUMERATIONS = Object.fromEntries(
  INTEGERS.map((integer) => {
    const zero = integer.endsWith("64") ? 0n : 0;
    return [
      integer,
      // The types of name and base are known for each, but not for any.
      enumeration(integer, { ZERO: zero } as never, INTEGER_TYPES[integer]),
    ];
  }),
) as unknown as Record<Integer, ReturnType<typeof enumeration>>;

/** Makes a type, and notes the structs and unions that it is made of. */
export function make(model: Model, types: Map<Aggregate, Type>): Type {
  switch (model.kind) {
    case "scalar":
    case "enumeration":
      return baseOf(model);
    case "atomic":
      return atomic(baseOf(model.base) as typeof u32);
    case "text":
      return model.unit === 1 ? text(model.length) : text16(model.length);
    case "aligned":
      return aligned(make(model.base, types), model.align);
    case "array": {
      const element = make(model.element, types);
      return model.length === undefined
        ? array(element)
        : array(element, model.length);
    }
    case "struct":
    case "union": {
      const constructor = model.kind === "struct" ? struct : union;
      const fields = model.fields.map(({ name, type }) => [
        name,
        fieldType(type, types),
      ]);
      const offsets = model.fields
        .filter(({ offset }) => offset !== undefined)
        .map(({ name, offset }) => [name, offset]);
      const type = constructor(model.tag, {
        ...Object.fromEntries(fields),
        layout: HostLayout,
      }, {
        packed: model.packed,
        ...model.align === undefined ? {} : { align: model.align },
        ...model.size === undefined ? {} : { size: model.size },
        ...offsets.length === 0 ? {} : { offsets: Object.fromEntries(offsets) },
      });
      types.set(model, type);
      return type;
    }
  }
}

function fieldType(type: Field["type"], types: Map<Aggregate, Type>): Type {
  switch (type.kind) {
    case "bits":
      return bits(baseOf(type.base) as typeof u32, type.width);
    case "unnamed":
      return padding.bits(baseOf(type.base) as typeof u32, type.width);
    case "padding":
      return padding(type.size);
    default:
      return make(type, types);
  }
}

function baseOf(base: Base): Type {
  return base.kind === "scalar"
    ? SCALAR_TYPES[base.name]
    : ENUMERATIONS[base.base];
}

/** The bytes that the elements of the flexible array take. */
export function tailBytes(model: Model, types: Map<Aggregate, Type>): number {
  const bare = unaligned(model);
  if (bare.kind === "array") {
    return bare.length === undefined
      ? sizeOf(array(make(bare.element, new Map()), TAIL_LENGTH))
      : 0;
  }
  const last = (bare as Partial<Aggregate>).fields?.at(-1)?.type;
  if (last === undefined || !("kind" in last)) return 0;
  switch (last.kind) {
    case "bits":
    case "unnamed":
    case "padding":
      return 0;
    default:
      return tailBytes(last, types);
  }
}
