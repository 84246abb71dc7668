/**
 * The layout types as the type checker knows them: what each is, and what its
 * values look like through a pointer, through a view, and as plain data.
 */

import type {
  LiveArray,
  LiveArrayView,
  LiveAtomic,
  PointerTo,
  ReadonlyAtomic,
  StructInput,
  StructPointer,
  StructValue,
  StructView,
  ViewOf,
} from "./live.ts";

/**
 * A key that exists for the type checker alone: under it every type carries
 * what its values look like. No object has such a property at run time.
 */
export declare const shape: unique symbol;

/** A key for the type checker alone: what a pointer or a view points to. */
export declare const pointee: unique symbol;

/**
 * A layout type: what a stretch of memory means. A frozen value, made by the
 * constructors of this module and by nothing else.
 *
 * @typeParam P What a field of this type is through a pointer.
 * @typeParam V What a field of this type is through a view.
 * @typeParam D Its value as plain data.
 * @typeParam I The plain data that can be assigned to it.
 */
export interface Type<P = unknown, V = unknown, D = unknown, I = unknown> {
  /** Which kind of type this is: `"u32"`, `"struct"`, … */
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

/** A type whose value is one JavaScript primitive. */
export interface ScalarType<K extends string, V> extends Type<V, V, V, V> {
  /** Which kind of type this is. */
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

/** The type that {@linkcode safe} makes. */
export interface Safe<T extends U64 | I64 = U64 | I64>
  extends ScalarType<"safe", number> {
  /** The 64-bit type that lies in memory. */
  readonly base: T;
}

/** The type that {@linkcode text} makes. */
export interface Text<N extends number = number>
  extends ScalarType<"text", string> {
  /** How many bytes it takes. */
  readonly length: N;
}

/** The type of the {@linkcode HostLayout} marker. */
export interface HostLayoutMarker extends Type<never, never, never, never> {
  /** Which kind of type this is. */
  readonly kind: "marker";
}

/** The type that {@linkcode padding} makes. */
export interface Padding extends Type<never, never, never, never> {
  /** Which kind of type this is. */
  readonly kind: "padding";
}

/** An integer type of a fixed width. */
export type IntegerType = U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64;

/** The plain value of a type. */
export type ValueOf<T extends Type> = T[typeof shape]["value"];

/** The type that {@linkcode enumeration} makes. */
export interface Enumeration<
  M extends Readonly<Record<string, number | bigint>> = Readonly<
    Record<string, number | bigint>
  >,
  B extends IntegerType = IntegerType,
> extends Type<ValueOf<B>, ValueOf<B>, ValueOf<B>, ValueOf<B>> {
  /** Which kind of type this is. */
  readonly kind: "enumeration";
  /** The integer that lies in memory. */
  readonly base: B;
  /** Its members, by name. */
  readonly members: M;
  /** The name of the first member with this value, undefined where none has it. */
  nameOf(value: ValueOf<B>): (keyof M & string) | undefined;
}

/** The type that {@linkcode bits} makes. */
export interface Bits<
  B extends IntegerType | Bool | Enumeration =
    | IntegerType
    | Bool
    | Enumeration,
  W extends number = number,
> extends Type<ValueOf<B>, ValueOf<B>, ValueOf<B>, ValueOf<B>> {
  /** Which kind of type this is. */
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
    Type<LiveAtomic<T>, ReadonlyAtomic<ValueOf<T>>, ValueOf<T>, ValueOf<T>> {
  /** Which kind of type this is. */
  readonly kind: "atomic";
  /** The type of its value. */
  readonly base: T;
}

/** The type that {@linkcode array} makes. */
export interface ArrayType<E extends Type = Type, N extends number = number>
  extends
    Type<
      LiveArray<E>,
      LiveArrayView<E>,
      ValueOf<E>[],
      ArrayLike<E[typeof shape]["input"]>
    > {
  /** Which kind of type this is. */
  readonly kind: "array";
  /** The type of its elements. */
  readonly element: E;
  /** How many elements it has; 0 for a flexible array. */
  readonly length: N;
}

/** The fields of a struct or union, in the order in which they are declared. */
export type Fields = { readonly [name: string]: Type };

/** The type that {@linkcode struct} makes. */
export interface StructType<F extends Fields = Fields> extends
  Type<
    StructPointer<StructType<F>, F>,
    StructView<StructType<F>, F>,
    StructValue<F>,
    StructInput<F>
  > {
  /** Which kind of type this is. */
  readonly kind: "struct";
  /** Its fields as they were declared, markers and padding included. */
  readonly fields: F;
}

/** The type that {@linkcode union} makes. */
export interface UnionType<F extends Fields = Fields> extends
  Type<
    StructPointer<UnionType<F>, F>,
    StructView<UnionType<F>, F>,
    StructValue<F>,
    StructInput<F>
  > {
  /** Which kind of type this is. */
  readonly kind: "union";
  /** Its members as they were declared, markers and padding included. */
  readonly fields: F;
}

/** What a root of it has the one property `value` for. */
export type Primitive = number | bigint | boolean | string;

/**
 * What a pointer to a value of this type is. A scalar, an enumeration or a text
 * is reached through the one property `value`.
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
export type Pointer<T extends Type> = T[typeof shape]["pointer"] extends
  Primitive ? { value: T[typeof shape]["pointer"] } & PointerTo<T>
  : T[typeof shape]["pointer"];

/** What a read-only view of a value of this type is. */
export type View<T extends Type> = T[typeof shape]["view"] extends Primitive
  ? { readonly value: T[typeof shape]["view"] } & ViewOf<T>
  : T[typeof shape]["view"];

/** A value of this type as plain data: what `snapshot` returns. */
export type Value<T extends Type> = T[typeof shape]["value"];

/** What `assign` takes for this type: any part of it, as plain data. */
export type Input<T extends Type> = T[typeof shape]["input"];

/** The error that a type checker prints for a struct without its marker. */
export interface MissingHostLayout {
  /** Never there. */
  readonly "a struct needs a field of type HostLayout to be pointed to": never;
}

/** `unknown` where this type may be pointed to, else an error that says why. */
export type Marked<T> = T extends
  { readonly kind: "struct" | "union"; readonly fields: infer F }
  ? HostLayoutMarker extends F[keyof F] ? unknown : MissingHostLayout
  : unknown;
