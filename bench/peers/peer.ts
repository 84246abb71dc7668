/**
 * Other libraries that read C structs, behind one interface: each defines the
 * same structs in its own terms and says, as source text, how a field is read
 * and stored with it. Kernels are generated from that text, so that each
 * library has functions of its own and none spoils what the engine learns of
 * another.
 *
 * @module
 */

/** A scalar that all libraries have. */
export type Scalar =
  | "u8"
  | "i16"
  | "u16"
  | "i32"
  | "u32"
  | "f32"
  | "f64"
  | "u64";

/** A struct: its fields in order; a number is the length of an array of u32. */
export interface Shape {
  readonly [name: string]: Scalar | number | Shape;
}

/** The definition that a library makes of a shape. */
export interface Definition {
  /** The struct's size in bytes, as the library has it. */
  readonly size: number;
  /** A handle of the struct at an offset in bytes: `p` in the texts below. */
  at(buffer: ArrayBuffer, offset: number): unknown;
  /** Values that the texts use, by name. */
  readonly scope: Readonly<Record<string, unknown>>;
  /** Reads the field at a path. */
  read(path: string): string;
  /** Stores `value` in the field at a path. */
  store(path: string, value: string): string;
  /** Makes a view of the `buffer` at the byte offset `o`, if there are views. */
  readonly create?: string;
  /** The table that a scan makes of the `buffer` and its `n` structs, once. */
  readonly table: string;
  /** A handle of struct `i` of that `table`. */
  readonly element: string;
}

/** A library. */
export interface Library {
  /** Its name, as on npm. */
  readonly name: string;
  /** The way it reaches a field, for the table. */
  readonly how: "view" | "call" | "whole record" | "raw";
  /** The number of structs of a scan: fewer where one takes microseconds. */
  readonly scan: number;
  /** Defines a struct. */
  define(name: string, shape: Shape): Definition;
  /** The handle of one `i32`, and the text that reads it, where it has such. */
  readonly scalar?: {
    readonly read: string;
    readonly scope: Readonly<Record<string, unknown>>;
    at(buffer: ArrayBuffer, offset: number): unknown;
  };
}

/**
 * Imports a package; by a computed name, so that nobody who only checks or
 * tests this repository downloads it.
 */
export function load<T>(specifier: string): Promise<T> {
  return import(specifier);
}

/** Tests whether a field is a struct. */
export function isShape(field: Shape[string]): field is Shape {
  return typeof field === "object";
}

/** The texts of all libraries whose handles have a property per field. */
export const byProperty = {
  read: (path: string): string => `p.${path}`,
  store: (path: string, value: string): string => `p.${path} = ${value};`,
} as const;
