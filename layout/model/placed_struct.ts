/**
 * Structs and unions whose fields were placed by someone else: a compiler that
 * wrote down where it put them.
 */

import { HostLayout } from "../language/host_layout.ts";
import { type Aggregate, type Member, register } from "./types.ts";
import type { Fields, StructType, Type, UnionType } from "../static.ts";

/** A struct or union as someone else placed it. */
export interface PlacedStruct {
  /** The kind of the type. */
  readonly kind: "struct" | "union";
  /** Its name; not empty. */
  readonly name: string;
  /**
   * Its fields: within its size, no more than a struct may have, and with names
   * that differ and that a struct may use.
   */
  readonly members: readonly Member[];
  /**
   * Tells the same fields once more. There are thousands of types, and of hardly
   * any the fields are used: so they are not kept, but asked for again.
   */
  readonly recall: (id: number) => readonly Member[];
  /** The number that `recall` finds it by. */
  readonly id: number;
  /** Its size in bytes. */
  readonly size: number;
  /** Its alignment in bytes; a power of two. */
  readonly align: number;
}

/** The name of the marker's field: no property, so that any name will do. */
const MARKER = "HostLayout";

/** The fields, as long as they were asked for. */
class RecalledMembers implements Aggregate {
  readonly #recall: (id: number) => readonly Member[];
  readonly #id: number;
  #members: readonly Member[] | undefined;

  constructor({ recall, id, members }: PlacedStruct) {
    this.#recall = recall;
    this.#id = id;
    this.#members = members;
  }

  get members(): readonly Member[] {
    return this.#members ??= this.#recall(this.#id);
  }

  /** Lets go of them until they are asked for. */
  static forget(aggregate: RecalledMembers): void {
    aggregate.#members = undefined;
  }

  get marked(): boolean {
    return true;
  }

  get packed(): boolean {
    return false;
  }
}

function fieldsOf({ members }: Aggregate): Fields {
  const fields: [string, Type][] = members.map((member) => [
    member.name,
    member.type,
  ]);
  if (!members.some((member) => member.name === MARKER)) {
    fields.unshift([MARKER, HostLayout]);
  }
  return Object.freeze(Object.fromEntries(fields)) as Fields;
}

/** The type itself. Its fields are those of its class, to be made when used. */
class PlacedType {
  readonly kind: "struct" | "union";
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly #aggregate: Aggregate;
  #fields: Fields | undefined;

  constructor(
    { kind, name, size, align }: PlacedStruct,
    aggregate: Aggregate,
  ) {
    this.kind = kind;
    this.name = name;
    this.size = size;
    this.align = align;
    this.#aggregate = aggregate;
  }

  get fields(): Fields {
    return this.#fields ??= fieldsOf(this.#aggregate);
  }
}

/**
 * Makes a struct or union as it was told, without placing anything. It counts
 * as marked with `HostLayout`: its layout is a fact, not a wish.
 *
 * @throws {InvalidTypeError} if types nest too deep in it.
 */
export function structPlacedElsewhere(
  given: PlacedStruct,
): StructType | UnionType {
  const aggregate = new RecalledMembers(given);
  const type = new PlacedType(given, aggregate) as unknown as StructType;
  const made = register<StructType>(type, { aggregate });
  RecalledMembers.forget(aggregate);
  return made;
}
