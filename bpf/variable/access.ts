/** A value of a type at a place in memory or in bytes, read and written whole. */

import type { PointerTo, ViewOf } from "../../layout/static.ts";
import {
  assign,
  HostLayout,
  type Input,
  pointer,
  snapshot,
  struct,
  type Type,
  type Value,
  view,
} from "../../layout/mod.ts";
import { requireTypeOfSize } from "../../layout/model/open_ended.ts";
import type { Memory } from "../../memory/mod.ts";
import type { Declaration } from "./declarations.ts";

/** As much of a map of a section as its variables take. */
export interface VariableMap {
  /** The kernel's information about it. */
  readonly info: { readonly flagBits: number };
  /** True if it was closed. */
  readonly closed: boolean;
  /** Its memory. */
  memory(): Memory;
  /** A copy of the section. */
  lookup(key: number): Uint8Array<ArrayBuffer> | undefined;
  /** Stores the section. */
  update(key: number, value: Uint8Array): void;
}

/** A maker of pointers: a {@linkcode Memory}, or the functions for buffers. */
export interface Pointing {
  pointer(
    type: Type,
    offset: number,
    options: { readonly length: number } | undefined,
  ): unknown;
  view(
    type: Type,
    offset: number,
    options: { readonly length: number } | undefined,
  ): unknown;
}

/** Pointers into bytes, as a Memory makes them into memory. */
export function buffered(bytes: Uint8Array): Pointing {
  return {
    pointer: (type, offset, options) =>
      pointer<Type>(type, bytes, offset, options),
    view: (type, offset, options) => view<Type>(type, bytes, offset, options),
  };
}

/** The form of names in C; the layout language may refuse others. */
const ORDINARY = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** Access to a variable in its section, as a type has it. */
export class VariableAccess<T extends Type> {
  /** Its offset in its section, in bytes. */
  readonly offset: number;
  /** The length of the flexible array at its end; undefined without one. */
  readonly options: { readonly length: number } | undefined;
  /** A struct with nothing but the variable: scalars have no pointers. */
  readonly #whole: Type;
  readonly #field: string;

  /**
   * Checks that the type can be that of the variable.
   *
   * @throws {InvalidTypeError} if it cannot be used, or has another size.
   */
  constructor({ name, size, offset }: Declaration, type: T) {
    const length = requireTypeOfSize(type, `the variable ${name}`, size);
    this.offset = offset;
    this.options = length === undefined ? undefined : { length };
    this.#field = ORDINARY.test(name) ? name : "value";
    const fields = {
      [this.#field === "_" ? "__" : "_"]: HostLayout,
      [this.#field]: type,
    };
    // No compiler puts a variable where its type cannot be; linkers might.
    this.#whole = offset % type.align === 0
      ? struct("variable", fields)
      : struct("variable", fields, { packed: true });
  }

  /** A plain copy of the value. */
  read(memory: Pointing): Value<T> {
    const view = memory.view(this.#whole, this.offset, this.options);
    const all = snapshot(view as ViewOf<Type>) as Record<string, unknown>;
    return all[this.#field] as Value<T>;
  }

  /** Stores a value, or part of one, as `assign` does. */
  write(memory: Pointing, value: Input<T>): void {
    const pointer = memory.pointer(this.#whole, this.offset, this.options);
    assign(pointer as PointerTo<Type>, { [this.#field]: value });
  }
}
