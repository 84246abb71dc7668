/** The elements of an array as memory. */

import { AlignmentError } from "../../errors.ts";
import {
  array,
  assign,
  type At,
  type Column,
  type ColumnValue,
  HostLayout,
  type InPointer,
  type Input,
  type InView,
  type Path,
  type PointerTo,
  type ReadonlyColumn,
  struct,
  type Type,
} from "../../layout/mod.ts";
import { isScalar } from "../../layout/leaves/leaf_of.ts";
import type { Memory } from "../../memory/mod.ts";
import { strideOf } from "./array_memory.ts";

/** The elements of an mmap-able array, to be read. */
export interface MapElementViews<T extends Type> extends Iterable<InView<T>> {
  /** The number of elements. */
  readonly length: number;
  /** The value of a scalar, a view of all else; a BoundsError outside. */
  at(index: number): InView<T>;
  /** One field of every element; structs and unions only. */
  column<const P extends string>(
    path: Path<T, P>,
  ): ReadonlyColumn<ColumnValue<At<T, P>>>;
}

/** The elements of an mmap-able array, to be read and written. */
export interface MapElements<T extends Type> extends Iterable<InPointer<T>> {
  /** The number of elements. */
  readonly length: number;
  /** The value of a scalar, a pointer to all else; a BoundsError outside. */
  at(index: number): InPointer<T>;
  /** Stores an element, or part of one, as `assign` does. */
  set(index: number, value: Input<T>): void;
  /** One field of every element; structs and unions only. */
  column<const P extends string>(
    path: Path<T, P>,
  ): Column<ColumnValue<At<T, P>>>;
}

/** An array of structs, whatever the struct. */
interface Records {
  readonly length: number;
  at(index: number): object;
  column(path: string): Column<unknown>;
}

/** The kernel's entry around the value of an element. */
interface Entry {
  readonly value: unknown;
}

/**
 * Entries lie 8 bytes apart, or a multiple, whatever the size of their type; so
 * each is the only field of a struct of that size.
 */
class ElementViews {
  readonly #records: Records;
  /** The values themselves, where they are scalars. */
  readonly #scalars: Column<unknown> | undefined;

  constructor(records: Records, isScalar: boolean) {
    this.#records = records;
    this.#scalars = isScalar ? records.column("value") : undefined;
  }

  get length(): number {
    return this.#records.length;
  }

  at(index: number): unknown {
    return this.#scalars === undefined
      ? (this.#records.at(index) as Entry).value
      : this.#scalars.at(index);
  }

  column(path: string): Column<unknown> {
    return this.#records.column(`value.${path}`);
  }

  *[Symbol.iterator](): Generator<unknown> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  static store(elements: ElementViews, index: number, value: unknown): void {
    if (elements.#scalars !== undefined) elements.#scalars.set(index, value);
    else {
      const entry = elements.#records.at(index) as PointerTo<Type>;
      assign(entry, { value });
    }
  }
}

class Elements extends ElementViews {
  set(index: number, value: unknown): void {
    ElementViews.store(this, index, value);
  }
}

/** The entry around each type. */
const entries = new WeakMap<Type, Type>();

function entryOf(type: Type): Type {
  const known = entries.get(type);
  if (known !== undefined) return known;
  const stride = strideOf(type.size);
  if (stride % type.align !== 0) {
    throw new AlignmentError(
      `Entries of the map lie ${stride} bytes apart: ${type.name} must be aligned to ${type.align}`,
    );
  }
  const fields = { _: HostLayout, value: type };
  const entry = struct(type.name, fields, { size: stride });
  entries.set(type, entry);
  return entry;
}

/** The elements of a map in its memory, to be read and written. */
export function elementsIn<T extends Type>(
  memory: Memory,
  type: T,
  length: number,
): MapElements<T> {
  const records = memory.pointer(
    array(entryOf(type), length),
  ) as unknown as Records;
  const values = new Elements(records, isScalar(type));
  return values as unknown as MapElements<T>;
}

/** The elements of a map in its memory, to be read. */
export function elementViewsIn<T extends Type>(
  memory: Memory,
  type: T,
  length: number,
): MapElementViews<T> {
  const records = memory.view(
    array(entryOf(type), length),
  ) as unknown as Records;
  const values = new ElementViews(records, isScalar(type));
  return values as unknown as MapElementViews<T>;
}
