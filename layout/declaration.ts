/** Types as C declarations. */

import { cName } from "./leaves/c_name.ts";
import type { Declarator } from "./leaves/leaf.ts";
import { isLeaf, leafOf } from "./leaves/leaf_of.ts";
import { bitsOf } from "./model/extents.ts";
import {
  aggregateOf,
  type AnyType,
  bitFieldOf,
  declaredAlignOf,
  isAggregate,
  isFlexible,
  type Member,
  requireType,
} from "./model/types.ts";
import type { StructType, Type, UnionType } from "./static.ts";

function declaratorOf(type: AnyType): Declarator {
  if (isLeaf(type)) return leafOf(type).declarator;
  switch (type.kind) {
    case "array": {
      const { base, suffix } = declaratorOf(type.element as AnyType);
      const length = isFlexible(type) ? "" : type.length;
      return { base, suffix: `[${length}]${suffix}` };
    }
    case "struct":
    case "union":
      return { base: `${type.kind} ${cName(type.name)}`, suffix: "" };
    case "padding": {
      const unnamed = bitFieldOf(type);
      return unnamed === undefined
        ? { base: "uint8_t", suffix: `[${type.size}]` }
        : declaratorOf(unnamed.base);
    }
    case "marker":
      return { base: "/* HostLayout */", suffix: "" };
  }
}

function memberLine({ name, type, offset, bit }: Member): string {
  const { base, suffix } = declaratorOf(type);
  const bits = bitFieldOf(type);
  const align = declaredAlignOf(type);
  const attribute = align === undefined
    ? ""
    : ` __attribute__((__aligned__(${align})))`;
  if (bits === undefined || bit === undefined) {
    return line(
      base,
      `${cName(name)}${suffix}${attribute};`,
      `${pad(offset)} ${pad(type.size)}`,
    );
  }
  const unit = bits.size * 8;
  const at = `${pad(Math.floor(bit / unit) * bits.size)}:${
    String(bit % unit).padStart(2)
  } ${String(bits.size).padStart(2)}`;
  const declared = type === bits ? cName(name) : "";
  return line(base, `${declared}:${bits.width};`, at);
}

function pad(value: number): string {
  return String(value).padStart(5);
}

function line(base: string, declarator: string, place: string): string {
  return `\t${base.padEnd(26)} ${declarator.padEnd(21)} /* ${place} */`;
}

/** Writes the hole between two members, if there is one. */
function holeLines(from: number, to: number): string[] {
  const missing = to - from;
  if (missing <= 0) return [];
  // Bits up to the next byte are counted apart, as they cannot hold a field.
  const bits = from % 8 === 0 ? 0 : Math.min(missing, 8 - from % 8);
  const bytes = Math.floor((missing - bits) / 8);
  const parts = [
    ...(bits > 0 ? [`${bits} bits`] : []),
    ...(bytes > 0 ? [`${bytes} bytes`] : []),
  ];
  return parts.length === 0
    ? []
    : ["", ...parts.map((part) => `\t/* XXX ${part} hole */`), ""];
}

function aggregateLines(type: StructType | UnionType): string[] {
  const { members, packed } = aggregateOf(type);
  const lines = [`${type.kind} ${cName(type.name)} {`];
  let end = 0;
  for (const member of members) {
    const [start, behind] = bitsOf(member);
    if (type.kind === "struct") lines.push(...holeLines(end, start));
    lines.push(memberLine(member));
    end = Math.max(end, behind);
  }
  const padding = type.size - Math.ceil(end / 8);
  lines.push(
    "",
    `\t/* size: ${type.size}, align: ${type.align}, members: ${members.length} */`,
    ...(padding > 0 ? [`\t/* padding: ${padding} */`] : []),
    `}${packed ? " __attribute__((__packed__))" : ""};`,
  );
  return lines;
}

/**
 * The C declaration of a type, with the offset and size of each field in bytes,
 * holes and padding, in the format of `pahole`. A bit-field's place is the
 * offset of its unit, the bit that it begins at, and the unit's size.
 *
 * Structs and unions in it are named, not written out.
 *
 * @param type The type.
 * @throws {InvalidTypeError} if it is not a type made by this package.
 *
 * @example Where the holes are
 * ```ts
 * import { declarationOf, HostLayout, struct, u32, u8 } from "@hostmem/hostmem";
 *
 * console.log(declarationOf(struct("point", { _: HostLayout, tag: u8, x: u32 })));
 * // struct point {
 * // 	uint8_t                    tag;                 /*     0     1 *\/
 * //
 * // 	/* XXX 3 bytes hole *\/
 * //
 * // 	uint32_t                   x;                   /*     4     4 *\/
 * //
 * // 	/* size: 8, align: 4, members: 2 *\/
 * // };
 * ```
 */
export function declarationOf(type: Type): string {
  const known = requireType(type, "declarationOf()");
  if (isAggregate(known)) {
    return aggregateLines(known).join("\n");
  }
  const { base, suffix } = declaratorOf(known);
  const bits = bitFieldOf(known);
  return `${base}${suffix}${bits === undefined ? "" : ` : ${bits.width}`}`;
}
