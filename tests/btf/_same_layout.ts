/** Tests whether two types have the same layout, however they were made. */

import {
  aggregateOf,
  type AnyType,
  isFlexible,
} from "../../layout/model/types.ts";

/**
 * A text of everything that matters of a layout, padding and what pointers
 * point to left out.
 */
export function layoutText(type: AnyType): string {
  const known = texts.get(type);
  if (known !== undefined) return known;
  const text = write(type);
  texts.set(type, text);
  return text;
}

const texts = new WeakMap<AnyType, string>();

function write(type: AnyType): string {
  const head = `${type.kind} ${type.size} ${type.align}`;
  switch (type.kind) {
    case "struct":
    case "union": {
      const members = aggregateOf(type).members
        .filter((member) => member.type.kind !== "padding")
        .map(({ name, type, offset, bit }) =>
          `${name} ${offset} ${bit} ${layoutText(type)}`
        );
      // A union with fields that begin within a byte can be written as a struct
      // alone.
      const kind = aggregateOf(type).members.some(({ bit = 0 }) => bit % 8 > 0)
        ? "struct"
        : type.kind;
      return `${kind} ${type.size} ${type.align} ${type.name} {${
        members.join(";")
      }}`;
    }
    case "array":
      return `${head} ${isFlexible(type)} ${
        layoutText(type.element as AnyType)
      }[${type.length}]`;
    case "bits":
      return `${head} ${layoutText(type.base as AnyType)}:${type.width}`;
    case "enumeration": {
      const members = Object.entries(type.members).map((entry) => entry.join());
      return `${head} ${type.name} ${type.base.kind} ${members.join(";")}`;
    }
    default:
      return head;
  }
}
