/**
 * Live values: what is behind a pointer or a view, as the type checker knows it.
 * The classes that do it are generated, one per type.
 */

import type {
  ArrayType,
  AtomicBase,
  Bool,
  HostLayoutMarker,
  I32,
  I64,
  Padding,
  pointee,
  shape,
  Type,
  ValueOf,
} from "./types.ts";
import type { At, Path } from "./paths.ts";

/** An atomic value that can be read. */
export interface ReadonlyAtomic<V> {
  /** The value now. */
  load(): V;
}

/** An atomic boolean. */
export interface AtomicBoolean extends ReadonlyAtomic<boolean> {
  /** Stores a value. */
  store(value: boolean): void;
  /** Stores a value and returns the one it replaced. */
  exchange(value: boolean): boolean;
  /**
   * Stores `replacement` where the value is `expected`. Returns the value that
   * was there, which is `expected` where it was replaced.
   */
  compareExchange(expected: boolean, replacement: boolean): boolean;
}

/**
 * An atomic integer. Each operation is sequentially consistent, with respect to
 * other threads, other processes and BPF programs alike.
 */
export interface Atomic<V extends number | bigint> extends ReadonlyAtomic<V> {
  /** Stores a value. */
  store(value: V): void;
  /** Adds, wrapping as C does, and returns the value before. */
  add(value: V): V;
  /** Subtracts, wrapping as C does, and returns the value before. */
  sub(value: V): V;
  /** Bitwise and; returns the value before. */
  and(value: V): V;
  /** Bitwise or; returns the value before. */
  or(value: V): V;
  /** Bitwise exclusive or; returns the value before. */
  xor(value: V): V;
  /** Stores a value and returns the one it replaced. */
  exchange(value: V): V;
  /**
   * Stores `replacement` where the value is `expected`. Returns the value that
   * was there, which is `expected` where it was replaced.
   */
  compareExchange(expected: V, replacement: V): V;
}

/** An atomic integer on which the threads of this process can wait. */
export interface WaitableAtomic<V extends number | bigint> extends Atomic<V> {
  /**
   * Sleeps while the value is `expected`, until {@linkcode notify} or the
   * timeout in milliseconds. Only in memory that is shared with Workers. Throws
   * ClosedError when another thread closes the memory meanwhile.
   */
  wait(expected: V, timeout?: number): "ok" | "not-equal" | "timed-out";
  /**
   * Wakes threads of this process that sleep in {@linkcode wait}, all of them
   * without a count. Returns how many were woken.
   */
  notify(count?: number): number;
}

/** What an atomic is through a pointer. */
export type LiveAtomic<T extends AtomicBase> = T extends Bool ? AtomicBoolean
  : T extends I32 ? WaitableAtomic<number>
  : T extends I64 ? WaitableAtomic<bigint>
  : Atomic<Extract<ValueOf<T>, number | bigint>>;

/** An array of scalars that can be read. */
export interface ReadonlyElements<V> extends Iterable<V> {
  /** How many elements it has. */
  readonly length: number;
  /** An element; negative from the end, undefined outside. */
  at(index: number): V | undefined;
  /** A copy of a range, as `Array.prototype.slice` counts it. */
  slice(start?: number, end?: number): ArrayLike<V> & Iterable<V>;
}

/** An array of scalars that can be read and written. */
export interface Elements<V> extends ReadonlyElements<V> {
  /** A copy of a range, as `Array.prototype.slice` counts it. */
  slice(start?: number, end?: number): V[];
  /** Stores an element; a BoundsError outside. */
  set(index: number, value: V): void;
}

/** An array of structs, unions, atomics or arrays, through a view. */
export interface ReadonlyRecords<E extends Type>
  extends Iterable<E[typeof shape]["view"]>, ViewOf<ArrayType<E>> {
  /** How many elements it has. */
  readonly length: number;
  /** A view of an element; a BoundsError outside. */
  at(index: number): E[typeof shape]["view"];
  /** One field of every element; a BoundsError outside. */
  column<const P extends string>(
    path: Path<E, P>,
  ): ReadonlyColumn<ColumnValue<At<E, P>>>;
}

/** An array of structs, unions, atomics or arrays, through a pointer. */
export interface Records<E extends Type>
  extends Iterable<E[typeof shape]["pointer"]>, PointerTo<ArrayType<E>> {
  /** How many elements it has. */
  readonly length: number;
  /** A pointer to an element; a BoundsError outside. */
  at(index: number): E[typeof shape]["pointer"];
  /** One field of every element; structs and unions only. */
  column<const P extends string>(
    path: Path<E, P>,
  ): Column<ColumnValue<At<E, P>>>;
}

/** One scalar field of every struct of an array, to be read. */
export interface ReadonlyColumn<V> extends Iterable<V> {
  /** How many elements it has. */
  readonly length: number;
  /** The field of one element; a BoundsError outside. */
  at(index: number): V;
  /**
   * Copies values into a typed array or an array of that length, as many as
   * both have. Returns how many.
   */
  copyTo(target: { readonly length: number; [index: number]: V }): number;
}

/** One scalar field of every struct of an array, to be read and written. */
export interface Column<V> extends ReadonlyColumn<V> {
  /** Stores the field of one element; a BoundsError outside. */
  set(index: number, value: V): void;
}

/** What a column yields: the value of a scalar or of an atomic. */
export type ColumnValue<T> = T extends { readonly kind: ScalarKind }
  ? T extends Type ? ValueOf<T> : never
  : never;

/** The kinds that a column can be of. */
export type ScalarKind =
  | keyof NativeArrays
  | Boxed
  | "atomic"
  | "bits";

/** The kinds whose arrays are no typed arrays of the engine. */
export type Boxed =
  | "bool"
  | "be16"
  | "be32"
  | "be64"
  | "safe"
  | "text"
  | "enumeration";

/** The typed array of each scalar that has one. */
export interface NativeArrays {
  /** `uint8_t[]` */
  u8: Uint8Array;
  /** `int8_t[]` */
  i8: Int8Array;
  /** `uint16_t[]` */
  u16: Uint16Array;
  /** `int16_t[]` */
  i16: Int16Array;
  /** `uint32_t[]` */
  u32: Uint32Array;
  /** `int32_t[]` */
  i32: Int32Array;
  /** `float[]` */
  f32: Float32Array;
  /** `double[]` */
  f64: Float64Array;
  /** `uint64_t[]` */
  u64: BigUint64Array;
  /** `int64_t[]` */
  i64: BigInt64Array;
  /** `uintptr_t[]` */
  uintptr: BigUint64Array;
}

/** What an array is through a pointer. */
export type LiveArray<E extends Type> = E["kind"] extends keyof NativeArrays
  ? NativeArrays[E["kind"]]
  : E["kind"] extends Boxed ? Elements<ValueOf<E>>
  : Records<E>;

/** What an array is through a view. */
export type LiveArrayView<E extends Type> = E["kind"] extends
  keyof NativeArrays | Boxed ? ReadonlyElements<ValueOf<E>>
  : ReadonlyRecords<E>;

/** A pointer or a view: something that can be read. */
export interface ViewOf<T> {
  /** For the type checker alone. */
  readonly [pointee]: { read: T };
}

/** A pointer: something that can be read and written. */
export interface PointerTo<T> extends ViewOf<T> {
  /** For the type checker alone. */
  readonly [pointee]: { read: T; write: T };
}

/** The fields that are no properties. */
export type Hidden = HostLayoutMarker | Padding;
/** The types whose fields can be stored as a whole. */
export type Stored = {
  readonly [shape]: { pointer: number | bigint | boolean | string };
};
/** One of the four things that a type is: through a pointer, and so on. */
export type Side<T, S extends "pointer" | "view" | "value" | "input"> =
  T extends Type ? T[typeof shape][S]
    : never;

/** A struct or union through a pointer: scalars can be stored, the rest not. */
export type StructPointer<T, F> = (
  & {
    -readonly [
      K in keyof F as F[K] extends Hidden ? never
        : F[K] extends Stored ? K
        : never
    ]: Side<F[K], "pointer">;
  }
  & {
    readonly [K in keyof F as F[K] extends Hidden | Stored ? never : K]: Side<
      F[K],
      "pointer"
    >;
  }
) extends infer U ? { [K in keyof U]: U[K] } & PointerTo<T> : never;

/** A struct or union through a view. */
export type StructView<T, F> = {
  readonly [K in keyof F as F[K] extends Hidden ? never : K]: Side<
    F[K],
    "view"
  >;
} extends infer U ? { readonly [K in keyof U]: U[K] } & ViewOf<T> : never;

/** A struct or union as plain data. */
export type StructValue<F> = {
  -readonly [K in keyof F as F[K] extends Hidden ? never : K]: Side<
    F[K],
    "value"
  >;
} extends infer U ? { [K in keyof U]: U[K] } : never;

/** What can be assigned to a struct or union: any part of it. */
export type StructInput<F> = {
  readonly [K in keyof F as F[K] extends Hidden ? never : K]?: Side<
    F[K],
    "input"
  >;
} extends infer U ? { [K in keyof U]: U[K] } : never;
