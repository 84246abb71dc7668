/** Declarations that are a little simpler than another. */

import {
  type Aggregate,
  aggregatesIn,
  type Field,
  type Model,
} from "./declarations.ts";

/** A declaration's inner ones, and all declarations that lack one thing. */
export function simplerThan(declaration: Aggregate): Aggregate[] {
  return [
    ...aggregatesIn(declaration).slice(0, -1),
    ...simplerAggregates(declaration),
  ];
}

function simplerAggregates(made: Aggregate): Aggregate[] {
  const { align: _align, ...unaligned } = made;
  const { size: _size, ...unsized } = made;
  const fields = made.fields;
  return [
    ...fields.map((_, index) => ({
      ...made,
      fields: fields.filter((_, other) => other !== index),
    })),
    ...made.packed ? [{ ...made, packed: false }] : [],
    ...made.align === undefined ? [] : [unaligned],
    ...made.size === undefined ? [] : [unsized],
    ...fields.flatMap((field, index) =>
      simplerFields(field).map((simpler) => ({
        ...made,
        fields: fields.with(index, simpler),
      }))
    ),
  ];
}

function simplerFields(field: Field): Field[] {
  const { offset: _offset, ...following } = field;
  return [
    ...field.offset === undefined ? [] : [following],
    ...simplerTypes(field.type).map((type) => ({ ...field, type })),
  ];
}

function simplerTypes(type: Field["type"]): Field["type"][] {
  switch (type.kind) {
    case "bits":
    case "unnamed":
      return type.width > 1 ? [{ ...type, width: type.width - 1 }] : [];
    case "padding":
      return type.size > 1 ? [{ ...type, size: 1 }] : [];
    default:
      return simplerModels(type);
  }
}

function simplerModels(type: Model): Model[] {
  switch (type.kind) {
    case "array":
      return [
        ...type.length === undefined ? [] : [type.element],
        ...(type.length ?? 0) > 1 ? [{ ...type, length: 1 }] : [],
        ...simplerModels(type.element).map((element) => ({ ...type, element })),
      ];
    case "aligned":
      return [
        type.base,
        ...simplerModels(type.base)
          .filter((base) => base.kind === type.base.kind)
          .map((base) => ({ ...type, base })),
      ];
    case "atomic":
      return [type.base];
    case "enumeration":
      return [{ kind: "scalar", name: type.base }];
    case "text":
      return type.length > 1 ? [{ ...type, length: 1 }] : [];
    case "struct":
    case "union":
      return [{ kind: "scalar", name: "u8" }, ...simplerAggregates(type)];
    default:
      return [];
  }
}
