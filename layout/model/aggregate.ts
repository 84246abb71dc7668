/** From the declaration of a struct or union to the type: checks, and places. */

import type { OptionNames } from "../../base/arguments.ts";
import { InvalidTypeError } from "../../errors.ts";
import { place, type StructOptions } from "./place_fields.ts";
import {
  type AnyType,
  checkAlign,
  checkCount,
  register,
  requireType,
} from "./types.ts";
import { show } from "../../base/show.ts";
import type { Fields, StructType, Type, UnionType } from "../static.ts";

const OPTIONS: OptionNames<StructOptions> = {
  packed: true,
  align: true,
  size: true,
  offsets: true,
};

/** Makes a struct or union from what the caller said, all of it unchecked. */
export function aggregate(
  kind: "struct" | "union",
  name: unknown,
  fields: unknown,
  options: unknown = {},
): StructType | UnionType {
  if (typeof name !== "string" || name === "") {
    throw new InvalidTypeError(
      `The name of a ${kind} must be a string that is not empty: received ${
        show(name)
      }`,
    );
  }
  const declared = readFields(name, fields);
  const checked = readOptions(name, options, declared);
  const placed = declared.filter(([, type]) => type.kind !== "marker");
  const { members, size, align } = place(
    name,
    placed,
    checked,
    kind === "union",
  );
  return register<StructType | UnionType>({
    kind,
    name,
    size,
    align,
    fields: Object.freeze(Object.fromEntries<Type>(declared)) as Fields,
  }, {
    aggregate: {
      members,
      marked: placed.length < declared.length,
      packed: checked.packed ?? false,
    },
  });
}

/** The engine takes some 65 500 parts in a class, and a field is four. */
const MOST_FIELDS = 10_000;

/** Reads each field once, so that no getter can change its mind later. */
function readFields(name: string, fields: unknown): [string, AnyType][] {
  if (typeof fields !== "object" || fields === null) {
    throw new InvalidTypeError(
      `${name}: The fields must be an object: received ${show(fields)}`,
    );
  }
  const keys = Reflect.ownKeys(fields);
  if (keys.length > MOST_FIELDS) {
    throw new InvalidTypeError(
      `${name}: There must be at most ${MOST_FIELDS} fields: received ${keys.length}`,
    );
  }
  return keys.map((key) => {
    if (typeof key === "symbol") {
      throw new InvalidTypeError(
        `${name}: A field name must be a string: received ${String(key)}`,
      );
    }
    checkName(name, key);
    const type = requireType(
      (fields as Record<string, unknown>)[key],
      `${name}.${key}`,
    );
    return [key, type];
  });
}

function checkName(name: string, field: string): void {
  if (field === "") {
    throw new InvalidTypeError(`${name}: A field name must not be empty`);
  }
  if (field.includes(".")) {
    throw new InvalidTypeError(
      `${name}: A field name must not contain a dot, which separates names in paths: received ${
        show(field)
      }`,
    );
  }
  // Array indices (ECMA-262, section 6.1.7) come first in every object, in
  // ascending order, whatever order they were written in.
  const index = Number(field) >>> 0;
  if (String(index) === field && index !== 2 ** 32 - 1) {
    throw new InvalidTypeError(
      `${name}: A field name must not be an array index, which JavaScript would move to the front: received ${
        show(field)
      }`,
    );
  }
}

function readOptions(
  name: string,
  options: unknown,
  fields: readonly (readonly [string, AnyType])[],
): StructOptions {
  if (typeof options !== "object" || options === null) {
    throw new InvalidTypeError(
      `${name}: The options must be an object: received ${show(options)}`,
    );
  }
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, option)) continue;
    throw new InvalidTypeError(
      `${name}: There is no option ${show(option)}: the options are ${
        Object.keys(OPTIONS).join(", ")
      }`,
    );
  }
  const { packed, align, size, offsets } = options as Record<string, unknown>;
  if (packed !== undefined && typeof packed !== "boolean") {
    throw new InvalidTypeError(
      `${name}: packed must be a boolean: received ${show(packed)}`,
    );
  }
  if (align !== undefined) checkAlign(`${name}: align`, align);
  if (size !== undefined) checkCount(`${name}: size`, size, 0);
  return {
    ...(packed === undefined ? {} : { packed }),
    ...(align === undefined ? {} : { align }),
    ...(size === undefined ? {} : { size }),
    ...(offsets === undefined
      ? {}
      : { offsets: readOffsets(name, offsets, fields) }),
  };
}

function readOffsets(
  name: string,
  offsets: unknown,
  fields: readonly (readonly [string, AnyType])[],
): Record<string, number> {
  if (typeof offsets !== "object" || offsets === null) {
    throw new InvalidTypeError(
      `${name}: offsets must be an object: received ${show(offsets)}`,
    );
  }
  const names = new Set(
    fields.filter(([, type]) => type.kind !== "marker").map(([field]) => field),
  );
  const entries = Object.entries<unknown>(offsets as Record<string, unknown>);
  return Object.fromEntries(entries.map(([field, offset]) => {
    if (!names.has(field)) {
      throw new InvalidTypeError(
        `${name}: offsets names ${show(field)}, which is no field`,
      );
    }
    checkCount(`${name}.${field}: An offset`, offset, 0);
    return [field, offset];
  }));
}
