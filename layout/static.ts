/**
 * The layout types as the type checker knows them: what each is, what its values
 * look like through a pointer, through a view and as plain data, and the paths
 * to its fields. One file, because each of these is defined by the others.
 */

/**
 * A key that exists for the type checker alone: every type has the types of its
 * values under it. No object has such a property at run time.
 */
export declare const shape: unique symbol;

/** A key for the type checker alone: what a pointer or a view points to. */
export declare const pointee: unique symbol;

/**
 * The common part of all layout types: the meaning of a stretch of memory. A
 * frozen value, made by the constructors of this module and by nothing else.
 *
 * @typeParam P The TypeScript type of a field through a pointer.
 * @typeParam V The TypeScript type of a field through a view.
 * @typeParam D Its value as plain data.
 * @typeParam I The plain data that can be assigned to it.
 */
export interface LayoutType<
  P = unknown,
  V = unknown,
  D = unknown,
  I = unknown,
> {
  /** The kind of type: `"u32"`, `"struct"`, … */
  readonly kind: string;
  /** Its name: `"u32"`, `"u16[8]"`, the name given to a struct. */
  readonly name: string;
  /** Its size in bytes. */
  readonly size: number;
  /** Its alignment in bytes. */
  readonly align: number;
  /** For the type checker alone. */
  readonly [shape]: { pointer: P; view: V; value: D; input: I };
}

/** The TypeScript type of a field through a pointer. */
export type InPointer<T extends LayoutType> = T[typeof shape]["pointer"];
/** The TypeScript type of a field through a view. */
export type InView<T extends LayoutType> = T[typeof shape]["view"];

/** A type whose value is one JavaScript primitive. */
export interface ScalarType<K extends string, V>
  extends LayoutType<V, V, V, V> {
  /** The kind of type. */
  readonly kind: K;
}

/** The type of {@linkcode bool}. */
export interface Bool extends ScalarType<"bool", boolean> {}
/** The type of {@linkcode u8}. */
export interface U8 extends ScalarType<"u8", number> {}
/** The type of {@linkcode i8}. */
export interface I8 extends ScalarType<"i8", number> {}
/** The type of {@linkcode u16}. */
export interface U16 extends ScalarType<"u16", number> {}
/** The type of {@linkcode i16}. */
export interface I16 extends ScalarType<"i16", number> {}
/** The type of {@linkcode u32}. */
export interface U32 extends ScalarType<"u32", number> {}
/** The type of {@linkcode i32}. */
export interface I32 extends ScalarType<"i32", number> {}
/** The type of {@linkcode u64}. */
export interface U64 extends ScalarType<"u64", bigint> {}
/** The type of {@linkcode i64}. */
export interface I64 extends ScalarType<"i64", bigint> {}
/** The type of {@linkcode u128}. */
export interface U128 extends ScalarType<"u128", bigint> {}
/** The type of {@linkcode i128}. */
export interface I128 extends ScalarType<"i128", bigint> {}
/** The type of {@linkcode f16}. */
export interface F16 extends ScalarType<"f16", number> {}
/** The type of {@linkcode f32}. */
export interface F32 extends ScalarType<"f32", number> {}
/** The type of {@linkcode f64}. */
export interface F64 extends ScalarType<"f64", number> {}
/** The type of {@linkcode uintptr}. */
export interface Uintptr extends ScalarType<"uintptr", bigint> {}
/** The type of {@linkcode be16}. */
export interface Be16 extends ScalarType<"be16", number> {}
/** The type of {@linkcode be32}. */
export interface Be32 extends ScalarType<"be32", number> {}
/** The type of {@linkcode be64}. */
export interface Be64 extends ScalarType<"be64", bigint> {}
/** The type of {@linkcode bei16}. */
export interface Bei16 extends ScalarType<"bei16", number> {}
/** The type of {@linkcode bei32}. */
export interface Bei32 extends ScalarType<"bei32", number> {}
/** The type of {@linkcode bei64}. */
export interface Bei64 extends ScalarType<"bei64", bigint> {}
/** The type of {@linkcode bef32}. */
export interface Bef32 extends ScalarType<"bef32", number> {}
/** The type of {@linkcode bef64}. */
export interface Bef64 extends ScalarType<"bef64", number> {}

/** The type that {@linkcode safe} makes. */
export interface Safe<T extends U64 | I64 = U64 | I64>
  extends ScalarType<"safe", number> {
  /** The 64-bit type that lies in memory. */
  readonly base: T;
}

/** The type that {@linkcode text} makes. */
export interface Text<N extends number = number>
  extends ScalarType<"text", string> {
  /** The number of bytes that it takes. */
  readonly length: N;
}

/** The type that {@linkcode text16} makes. */
export interface Text16<N extends number = number>
  extends ScalarType<"text16", string> {
  /** The number of code units, of two bytes each, that it takes. */
  readonly length: N;
}

/** The type that {@linkcode bytes} makes. */
export interface Bytes<N extends number = number> extends
  LayoutType<
    Uint8Array,
    Uint8Array,
    Uint8Array<ArrayBuffer>,
    Uint8Array
  > {
  /** The kind of type. */
  readonly kind: "bytes";
  /** The number of bytes that it takes. */
  readonly length: N;
}

/** The type of the {@linkcode HostLayout} marker. */
export interface HostLayoutMarker
  extends LayoutType<never, never, never, never> {
  /** The kind of type. */
  readonly kind: "marker";
}

/**
 * The type that {@linkcode padding} makes. Nothing reads its values; they are
 * unknown, and so are those of {@linkcode Type}, which may be any type.
 */
export interface Padding extends LayoutType {
  /** The kind of type. */
  readonly kind: "padding";
}

/** An integer type of a fixed width. */
export type IntegerType = U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64;

/** The type that {@linkcode enumeration} makes. */
export interface Enumeration<
  M extends Readonly<Record<string, number | bigint>> = Readonly<
    Record<string, number | bigint>
  >,
  B extends IntegerType = IntegerType,
> extends LayoutType<Value<B>, Value<B>, Value<B>, Value<B>> {
  /** The kind of type. */
  readonly kind: "enumeration";
  /** The integer that lies in memory. */
  readonly base: B;
  /** Its members, by name. */
  readonly members: M;
  /** The name of the first member with this value, undefined where none has it. */
  nameOf(value: Value<B>): NameIn<M> | undefined;
}

/** The names of an enumeration's members. */
export type NameIn<M> = M extends infer N ? keyof N & string : never;

/** The type that {@linkcode bits} makes. */
export interface Bits<
  B extends IntegerType | Bool | Enumeration =
    | IntegerType
    | Bool
    | Enumeration,
  W extends number = number,
> extends LayoutType<Value<B>, Value<B>, Value<B>, Value<B>> {
  /** The kind of type. */
  readonly kind: "bits";
  /** The type it is declared with, whose unit it lies in. */
  readonly base: B;
  /** Its width in bits. */
  readonly width: W;
}

/** A type that {@linkcode atomic} takes. */
export type AtomicBase = IntegerType | Uintptr | Bool | Enumeration;

/** The type that {@linkcode atomic} makes. */
export interface AtomicType<T extends AtomicBase = AtomicBase>
  extends
    LayoutType<LiveAtomic<T>, ReadonlyAtomic<Value<T>>, Value<T>, Value<T>> {
  /** The kind of type. */
  readonly kind: "atomic";
  /** The type of its value. */
  readonly base: T;
}

/** The type that {@linkcode array} makes. */
export interface ArrayType<E extends Type = Type, N extends number = number>
  extends
    LayoutType<
      LiveArray<E>,
      LiveArrayView<E>,
      Value<E>[],
      ArrayLike<Input<E>>
    > {
  /** The kind of type. */
  readonly kind: "array";
  /** The type of its elements. */
  readonly element: E;
  /** The number of elements; 0 for a flexible array. */
  readonly length: N;
}

/** The fields of a struct or union, in the order in which they are declared. */
export type Fields = { readonly [name: string]: Type };

/** The type that {@linkcode struct} makes. */
export interface StructType<F extends Fields = Fields> extends
  LayoutType<
    StructPointer<StructType<F>, F>,
    StructView<StructType<F>, F>,
    StructValue<F>,
    StructInput<F>
  > {
  /** The kind of type. */
  readonly kind: "struct";
  /** Its fields as they were declared, markers and padding included. */
  readonly fields: F;
}

/** The type that {@linkcode union} makes. */
export interface UnionType<F extends Fields = Fields> extends
  LayoutType<
    StructPointer<UnionType<F>, F>,
    StructView<UnionType<F>, F>,
    StructValue<F>,
    StructInput<F>
  > {
  /** The kind of type. */
  readonly kind: "union";
  /** Its members as they were declared, markers and padding included. */
  readonly fields: F;
}

/**
 * Any layout type. `type.kind` tells which: where it is `"struct"`, the type is a
 * {@linkcode StructType} with `fields`, and so on.
 */
export type Type =
  | Bool
  | IntegerType
  | U128
  | I128
  | Uintptr
  | F16
  | F32
  | F64
  | Be16
  | Be32
  | Be64
  | Bei16
  | Bei32
  | Bei64
  | Bef32
  | Bef64
  | Safe
  | Text
  | Text16
  | Bytes
  | Enumeration
  | Bits
  | AtomicType
  | ArrayType
  | StructType
  | UnionType
  | Padding
  | HostLayoutMarker;

/** A value that a root has in its one property `value`. */
export type Primitive = number | bigint | boolean | string;

/**
 * The TypeScript type of a pointer to a value of this type. A scalar, an
 * enumeration, a text or bytes are reached through the one property `value`.
 *
 * @example A name for the pointers to a struct
 * ```ts
 * import { HostLayout, pointer, type Pointer, struct, u32 } from "@hostmem/hostmem";
 *
 * const Point = struct("Point", { _: HostLayout, x: u32, y: u32 });
 * interface Point extends Pointer<typeof Point> {}
 *
 * const point: Point = pointer(Point, new ArrayBuffer(8));
 * point.x = 1;
 * ```
 */
export type Pointer<T extends LayoutType> = T[typeof shape]["pointer"] extends
  Primitive ? { value: T[typeof shape]["pointer"] } & PointerTo<T>
  : T["kind"] extends "bytes"
    ? { readonly value: T[typeof shape]["pointer"] } & PointerTo<T>
  : T[typeof shape]["pointer"];

/** The TypeScript type of a read-only view of a value of this type. */
export type View<T extends LayoutType> = T[typeof shape]["view"] extends
  Primitive ? { readonly value: T[typeof shape]["view"] } & ViewOf<T>
  : T["kind"] extends "bytes"
    ? { readonly value: T[typeof shape]["view"] } & ViewOf<T>
  : T[typeof shape]["view"];

/** A value of this type as plain data: what `snapshot` returns. */
export type Value<T extends LayoutType> = T[typeof shape]["value"];

/** The plain data that `assign` takes for this type: any part of it. */
export type Input<T extends LayoutType> = T[typeof shape]["input"];

/** The error that a type checker prints for a struct without its marker. */
export interface MissingHostLayout {
  /** Never present: the message is its name. */
  readonly "a struct needs a field of type HostLayout to be pointed to": never;
}

/** `unknown` where this type may be pointed to, else an error that says why. */
export type Marked<T> = T extends
  { readonly kind: "struct" | "union"; readonly fields: infer F }
  ? HostLayoutMarker extends F[keyof F] ? unknown : MissingHostLayout
  : unknown;

// ------------------------------------------------ behind pointers and views

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
   * ClosedError when another thread closes the memory meanwhile, and TypeError
   * if the timeout is not a number, or NaN.
   */
  wait(expected: V, timeout?: number): "ok" | "not-equal" | "timed-out";
  /**
   * Wakes threads of this process that sleep in {@linkcode wait}, all of them
   * without a count. Returns how many were woken.
   */
  notify(count?: number): number;
}

/** The TypeScript type of an atomic through a pointer. */
export type LiveAtomic<T extends AtomicBase> = T extends Bool ? AtomicBoolean
  : T extends I32 ? WaitableAtomic<number>
  : T extends I64 ? WaitableAtomic<bigint>
  : Atomic<Extract<Value<T>, number | bigint>>;

/** An array of scalars that can be read. */
export interface ReadonlyElements<V> extends Iterable<V> {
  /** The number of elements. */
  readonly length: number;
  /** An element; negative from the end, undefined outside. */
  at(index: number): V | undefined;
  /** A copy of a range, as `Array.prototype.slice` counts it. */
  slice(start?: number, end?: number): ArrayLike<V> & Iterable<V>;
}

/** An array of scalars that have a typed array, through a view. */
export interface NativeElements<V, A> extends Iterable<V> {
  /** The number of elements. */
  readonly length: number;
  /** An element; negative from the end, undefined outside. */
  at(index: number): V | undefined;
  /** A copy of a range, as a typed array of its own. */
  slice(start?: number, end?: number): A;
}

/** An array of scalars that can be read and written. */
export interface Elements<V> extends ReadonlyElements<V> {
  /** A copy of a range, as `Array.prototype.slice` counts it. */
  slice(start?: number, end?: number): V[];
  /** Stores an element; a BoundsError outside. */
  set(index: number, value: V): void;
}

/** An array of {@linkcode bytes}, through a view. */
export interface ReadonlyBytesArray extends Iterable<Uint8Array> {
  /** The number of elements. */
  readonly length: number;
  /** A copy of an element; undefined outside. */
  at(index: number): Uint8Array | undefined;
}

/** An array of structs, unions, atomics or arrays, through a view. */
export interface ReadonlyRecords<E extends Type>
  extends Iterable<InView<E>>, ViewOf<ArrayType<E>> {
  /** The number of elements. */
  readonly length: number;
  /** A view of an element; a BoundsError outside. */
  at(index: number): InView<E>;
  /** One field of every element; a BoundsError outside. */
  column<const P extends string>(
    path: Path<E, P>,
  ): ReadonlyColumn<ColumnValue<At<E, P>>>;
}

/** An array of structs, unions, atomics, bytes or arrays, through a pointer. */
export interface Records<E extends Type>
  extends Iterable<InPointer<E>>, PointerTo<ArrayType<E>> {
  /** The number of elements. */
  readonly length: number;
  /** A pointer to an element; a BoundsError outside. */
  at(index: number): InPointer<E>;
  /** One field of every element; structs and unions only. */
  column<const P extends string>(
    path: Path<E, P>,
  ): Column<ColumnValue<At<E, P>>>;
}

/** One scalar field of every struct of an array, to be read. */
export interface ReadonlyColumn<V> extends Iterable<V> {
  /** The number of elements. */
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

/** The value that a column yields: of a scalar or of an atomic. */
export type ColumnValue<T> = T extends { readonly kind: ScalarKind }
  ? T extends Type ? Value<T> : never
  : never;

/** The kinds that a column can be of. */
export type ScalarKind =
  | keyof NativeArrays
  | Boxed
  | "bytes"
  | "atomic"
  | "bits";

/** The kinds whose arrays are not typed arrays of the engine. */
export type Boxed =
  | "bool"
  | "u128"
  | "i128"
  | "f16"
  | "be16"
  | "be32"
  | "be64"
  | "bei16"
  | "bei32"
  | "bei64"
  | "bef32"
  | "bef64"
  | "safe"
  | "text"
  | "text16"
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

/** The common part of all arrays, whatever their elements are. */
export interface AnyArray extends Iterable<unknown> {
  /** The number of elements. */
  readonly length: number;
  /** An element. */
  at(index: number): unknown;
}

/** The TypeScript type of an array through a pointer. */
export type LiveArray<E extends Type> = [E] extends [infer T extends Type]
  ? T["kind"] extends keyof NativeArrays ? NativeArrays[T["kind"]]
  : T["kind"] extends Boxed ? Elements<Value<T>>
  : T["kind"] extends ObjectKind ? Records<T>
  : AnyArray
  : never;

/** The TypeScript type of an array through a view. */
export type LiveArrayView<E extends Type> = [E] extends [infer T extends Type]
  ? T["kind"] extends keyof NativeArrays
    ? NativeElements<Value<T>, NativeArrays[T["kind"]]>
  : T["kind"] extends "bytes" ? ReadonlyBytesArray
  : T["kind"] extends Boxed ? ReadonlyElements<Value<T>>
  : T["kind"] extends ObjectKind ? ReadonlyRecords<T>
  : AnyArray
  : never;

/** The kinds whose values are objects. */
export type ObjectKind = "struct" | "union" | "atomic" | "array" | "bytes";

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

/** The fields that are not properties. */
export type Hidden = HostLayoutMarker | Padding;
/** The types whose fields can be stored as a whole. */
export type Stored = {
  readonly [shape]: { pointer: number | bigint | boolean | string };
};
/** One of the four TypeScript types of a layout type: through a pointer, and so on. */
export type Side<T, S extends "pointer" | "view" | "value" | "input"> =
  T extends Type ? T[typeof shape][S]
    : never;

/**
 * A struct or union through a pointer: scalars can be stored, the rest not. Names
 * that are known at run time only are no properties for the type checker.
 */
export type StructPointer<T, F> = (
  & {
    -readonly [
      K in keyof F as string extends K ? never
        : F[K] extends Hidden ? never
        : F[K] extends Stored ? K
        : never
    ]: Side<F[K], "pointer">;
  }
  & {
    readonly [
      K in keyof F as string extends K ? never
        : F[K] extends Hidden | Stored ? never
        : K
    ]: Side<F[K], "pointer">;
  }
) extends infer U ? { [K in keyof U]: U[K] } & PointerTo<T> : never;

/** A struct or union through a view. */
export type StructView<T, F> = {
  readonly [
    K in keyof F as string extends K ? never : F[K] extends Hidden ? never : K
  ]: Side<F[K], "view">;
} extends infer U ? { readonly [K in keyof U]: U[K] } & ViewOf<T> : never;

/** A struct or union as plain data. */
export type StructValue<F> = {
  -readonly [K in keyof F as F[K] extends Hidden ? never : K]: Side<
    F[K],
    "value"
  >;
} extends infer U ? { [K in keyof U]: U[K] } : never;

/**
 * The method that every object inherits by this name, `constructor` for example.
 * Where plain data leaves out what has such a name, the type checker takes the
 * method for it, so that its type must be allowed there, too.
 */
export type Inherited<Name> = Name extends keyof typeof Object.prototype
  ? (typeof Object.prototype)[Name]
  : never;

/** The plain data that can be assigned to a struct or union: any part of it. */
export type StructInput<F> = {
  readonly [K in keyof F as F[K] extends Hidden ? never : K]?:
    | Side<F[K], "input">
    | Inherited<K>;
} extends infer U ? { [K in keyof U]: U[K] } : never;

// ------------------------------------------------ paths to fields

/** The fields of a struct or union that are properties. */
export type FieldsOf<T> = T extends
  { readonly kind: "struct" | "union"; readonly fields: infer F }
  ? { [K in keyof F as F[K] extends Hidden ? never : K]: F[K] }
  : Record<never, never>;
/** The names of those fields. */
export type Names<T> = keyof FieldsOf<T> & string;

/** True if the fields of a type are known at run time only. */
export type IsUnknown<T> = Type extends T ? true
  : T extends { readonly kind: "struct" | "union"; readonly fields: infer F }
    ? string extends keyof F ? true : false
  : false;

/** The type at a path: `At<typeof Outer, "inner.x">`. */
export type At<T, P extends string> = true extends IsUnknown<T> ? Type
  : P extends Names<T> ? Extract<FieldsOf<T>[P], Type>
  : P extends `${infer H}.${infer R}`
    ? H extends Names<T> ? At<FieldsOf<T>[H], R> : never
  : never;

/**
 * The path itself if it is valid, else the paths that would be. In a type that
 * is known at run time only, any path may be valid.
 */
export type Path<T, P extends string, Before extends string = ""> = true extends
  IsUnknown<T> ? string
  : P extends Names<T> ? `${Before}${P}`
  : P extends `${infer H}.${infer R}`
    ? H extends Names<T> ? Path<FieldsOf<T>[H], R, `${Before}${H}.`>
    : `${Before}${Names<T>}`
  : `${Before}${Names<T>}`;
