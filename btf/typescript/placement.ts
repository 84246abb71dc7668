/**
 * The options and padding that a struct needs so that the layout language
 * places its fields where BTF has them.
 */

import { InvalidTypeError } from "../../errors.ts";
import {
  place,
  type Placement,
  type StructOptions,
} from "../../layout/model/place_fields.ts";
import {
  aggregateOf,
  type AnyType,
  type Member,
} from "../../layout/model/types.ts";
import type { StructType, UnionType } from "../../layout/static.ts";

/** A field to be written: a member, or so many bits before one. */
export type PlacedField =
  | { readonly member: Member }
  | { readonly name: string; readonly bits: number };

/** The way to write a struct. */
export interface Recipe {
  /**
   * The kind that it is written as: a struct for a union some members of which
   * begin within a byte, those of an anonymous struct. The members of a union
   * all begin at its first bit, unless at another byte.
   */
  readonly kind: "struct" | "union";
  /** Its fields, in order. */
  readonly fields: readonly PlacedField[];
  /** The options; undefined where none are needed. */
  readonly options: StructOptions | undefined;
}

/** The simplest way to write a struct or union that BTF described. */
export function recipeFor(type: StructType | UnionType): Recipe {
  const { kind } = type;
  const { members } = aggregateOf(type);
  const fields = members.map((member) => ({ member }));
  const plain: StructOptions[] = [
    {},
    { packed: true },
    { size: type.size, align: type.align },
  ];
  for (const options of plain) {
    if (isPlaced(type, options)) {
      const none = Object.keys(options).length === 0;
      return { kind, fields, options: none ? undefined : options };
    }
  }
  const options = withOffsets(type);
  return options === undefined ? exactRecipe(type) : { kind, fields, options };
}

function entriesOf(
  type: StructType | UnionType,
): readonly (readonly [string, AnyType])[] {
  return aggregateOf(type).members.map((member) => [member.name, member.type]);
}

/** The fields as options place them; undefined where they cannot be so. */
function placedBy(
  type: StructType | UnionType,
  options: StructOptions,
): Placement | undefined {
  try {
    return place(type.name, entriesOf(type), options, type.kind === "union");
  } catch (error) {
    if (error instanceof InvalidTypeError) return undefined;
    throw error;
  }
}

/** The index of the first field that lies elsewhere; -1 for none. */
function firstWrong(type: StructType | UnionType, placed: Placement): number {
  const { members } = aggregateOf(type);
  return placed.members.findIndex(({ offset, bit }, index) =>
    offset !== members[index]!.offset || bit !== members[index]!.bit
  );
}

function isPlaced(
  type: StructType | UnionType,
  options: StructOptions,
): boolean {
  const placed = placedBy(type, options);
  return placed !== undefined && firstWrong(type, placed) < 0 &&
    placed.size === type.size && placed.align === type.align;
}

/** The options with the offsets that must be said; undefined if they do not do. */
function withOffsets(type: StructType | UnionType): StructOptions | undefined {
  const { members } = aggregateOf(type);
  const offsets: Record<string, number> = Object.create(null);
  for (;;) {
    const placed = placedBy(type, { offsets });
    const index = placed === undefined ? 0 : firstWrong(type, placed);
    if (index < 0) break;
    const { name, offset, bit } = members[index]!;
    const sayable = placed !== undefined && name !== "__proto__" &&
      !Object.hasOwn(offsets, name) && (bit === undefined || bit % 8 === 0);
    if (!sayable) return undefined;
    offsets[name] = offset;
  }
  const candidates: StructOptions[] = [
    { offsets: { ...offsets } },
    { size: type.size, align: type.align, offsets: { ...offsets } },
  ];
  return candidates.find((options) => isPlaced(type, options));
}

/** Every offset said, and bits before bit-fields that begin within a byte. */
function exactRecipe(type: StructType | UnionType): Recipe {
  const { members } = aggregateOf(type);
  const names = new Set(members.map(({ name }) => name));
  const offsets: [string, number][] = [];
  const fields: PlacedField[] = [];
  for (const [index, member] of members.entries()) {
    const within = (member.bit ?? 0) % 8;
    if (within > 0) {
      let name = `_${index}`;
      while (names.has(name)) name = `_${name}`;
      names.add(name);
      fields.push({ name, bits: within });
      offsets.push([name, member.offset]);
    } else {
      offsets.push([member.name, member.offset]);
    }
    fields.push({ member });
  }
  return {
    kind: fields.length > members.length ? "struct" : type.kind,
    fields,
    options: {
      packed: true,
      size: type.size,
      align: type.align,
      offsets: Object.fromEntries(offsets),
    },
  };
}
