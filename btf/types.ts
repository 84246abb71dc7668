/**
 * The types of BTF as data (Linux, Documentation/bpf/btf.rst). Other types are
 * named by their ids: 0 is `void`, the types of the file follow from 1 on.
 */

/** The common part of all types of BTF. */
export interface BtfTypeBase<K extends string> {
  /** The kind of type, as `bpftool btf dump` prints it. */
  readonly kind: K;
  /** Its number. */
  readonly id: number;
  /** Its name; empty where it has none. */
  readonly name: string;
}

/** `void`, of id 0. */
export interface BtfVoid extends BtfTypeBase<"void"> {}

/** An integer, `char` or `bool`. */
export interface BtfInt extends BtfTypeBase<"int"> {
  /** Its size in bytes. */
  readonly size: number;
  /** True if it is signed. */
  readonly signed: boolean;
  /** True if it is declared to be a character; compilers hardly ever say so. */
  readonly char: boolean;
  /** True if it is a boolean. */
  readonly bool: boolean;
  /** The number of bits that are used: fewer than all in old bit-fields. */
  readonly bits: number;
  /** The lowest bit used; not 0 in bit-fields of old alone. */
  readonly bitOffset: number;
}

/** A pointer. */
export interface BtfPtr extends BtfTypeBase<"ptr"> {
  /** The id of the type that it points to. */
  readonly type: number;
}

/** An array. */
export interface BtfArray extends BtfTypeBase<"array"> {
  /** The id of the type of its elements. */
  readonly element: number;
  /** The id of the type of its indices. */
  readonly index: number;
  /** The number of elements; 0 for a flexible array. */
  readonly length: number;
}

/** A member of a struct or union. */
export interface BtfMember {
  /** Its name; empty for an anonymous struct or union. */
  readonly name: string;
  /** The id of its type. */
  readonly type: number;
  /** The offset of its beginning, in bits. */
  readonly bitOffset: number;
  /** A bit-field's width in bits; undefined for all else. */
  readonly bitSize: number | undefined;
}

/** A struct or union. */
export interface BtfStruct extends BtfTypeBase<"struct" | "union"> {
  /** Its size in bytes. */
  readonly size: number;
  /** Its members in declaration order. */
  readonly members: readonly BtfMember[];
}

/** An enumeration of at most 32 bits. */
export interface BtfEnum extends BtfTypeBase<"enum"> {
  /** Its size in bytes. */
  readonly size: number;
  /** True if it is signed, where the compiler told. */
  readonly signed: boolean;
  /** Its members in declaration order. */
  readonly members: readonly {
    readonly name: string;
    readonly value: number;
  }[];
}

/** An enumeration of 64 bits. */
export interface BtfEnum64 extends BtfTypeBase<"enum64"> {
  /** Its size in bytes. */
  readonly size: number;
  /** True if it is signed. */
  readonly signed: boolean;
  /** Its members in declaration order. */
  readonly members: readonly {
    readonly name: string;
    readonly value: bigint;
  }[];
}

/** A struct or union of which the name alone is known. */
export interface BtfFwd extends BtfTypeBase<"fwd"> {
  /** True if it is a union. */
  readonly union: boolean;
}

/** A type that qualifies another type, and has that type's layout. */
export interface BtfModifier extends
  BtfTypeBase<
    "typedef" | "volatile" | "const" | "restrict" | "type_tag"
  > {
  /** The type it is about. */
  readonly type: number;
}

/** The linkage of a function or variable: the files that can see it. */
export type BtfLinkage = "static" | "global" | "extern";

/** A function. */
export interface BtfFunc extends BtfTypeBase<"func"> {
  /** Its prototype. */
  readonly type: number;
  /**
   * The files that can see it; undefined for a linkage that this package does
   * not know.
   */
  readonly linkage: BtfLinkage | undefined;
}

/** The parameters and the result of a function. */
export interface BtfFuncProto extends BtfTypeBase<"func_proto"> {
  /** The id of the type that it returns. */
  readonly result: number;
  /** The parameters that it takes. */
  readonly parameters: readonly {
    readonly name: string;
    readonly type: number;
  }[];
  /** True if it takes more than that: `…, ...)`. */
  readonly variadic: boolean;
}

/** A variable. */
export interface BtfVar extends BtfTypeBase<"var"> {
  /** The id of its type. */
  readonly type: number;
  /**
   * The files that can see it; undefined for a linkage that this package does
   * not know.
   */
  readonly linkage: BtfLinkage | undefined;
}

/** The variables of a section of an object file. */
export interface BtfDatasec extends BtfTypeBase<"datasec"> {
  /** Its size in bytes. */
  readonly size: number;
  /** Its variables: the ids of `var` types, with offset and size in bytes. */
  readonly variables: readonly {
    readonly type: number;
    readonly offset: number;
    readonly size: number;
  }[];
}

/** A floating-point number. */
export interface BtfFloat extends BtfTypeBase<"float"> {
  /** Its size in bytes. */
  readonly size: number;
}

/** An annotation. */
export interface BtfDeclTag extends BtfTypeBase<"decl_tag"> {
  /** The id of the type, function or variable that it is attached to. */
  readonly type: number;
  /**
   * The index of the member or parameter that it is attached to, or -1 for the
   * whole.
   */
  readonly component: number;
}

/** A type of BTF, told apart by its kind. */
export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfPtr
  | BtfArray
  | BtfStruct
  | BtfEnum
  | BtfEnum64
  | BtfFwd
  | BtfModifier
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfFloat
  | BtfDeclTag;

/** The kinds of types. */
export type BtfKind = BtfType["kind"];

/** The types of one kind. */
export type BtfTypeOf<K extends BtfKind> = BtfType extends infer T
  ? T extends { readonly kind: infer Own }
    ? K extends Own ? T & { readonly kind: K } : never
  : never
  : never;
