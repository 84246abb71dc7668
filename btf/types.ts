/**
 * The types of BTF as data (Linux, Documentation/bpf/btf.rst). Other types are
 * named by their ids: 0 is `void`, the types of the file follow from 1 on.
 */

/** What all types of BTF have. */
export interface BtfTypeBase<K extends string> {
  /** Which kind of type it is, as `bpftool btf dump` has it. */
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
  /** Whether it is signed. */
  readonly signed: boolean;
  /** Whether it is declared to be a character; compilers hardly ever say so. */
  readonly char: boolean;
  /** Whether it is a boolean. */
  readonly bool: boolean;
  /** How many of its bits are used: fewer than all in bit-fields of old. */
  readonly bits: number;
  /** The lowest bit used; not 0 in bit-fields of old alone. */
  readonly bitOffset: number;
}

/** A pointer. */
export interface BtfPtr extends BtfTypeBase<"ptr"> {
  /** What it points to. */
  readonly type: number;
}

/** An array. */
export interface BtfArray extends BtfTypeBase<"array"> {
  /** What its elements are. */
  readonly element: number;
  /** What its indices are. */
  readonly index: number;
  /** How many elements it has; 0 for a flexible array. */
  readonly length: number;
}

/** A member of a struct or union. */
export interface BtfMember {
  /** Its name; empty for an anonymous struct or union. */
  readonly name: string;
  /** What it is. */
  readonly type: number;
  /** Where it begins, in bits. */
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
  /** Whether it is signed, where the compiler told. */
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
  /** Whether it is signed. */
  readonly signed: boolean;
  /** Its members in declaration order. */
  readonly members: readonly {
    readonly name: string;
    readonly value: bigint;
  }[];
}

/** A struct or union of which the name alone is known. */
export interface BtfFwd extends BtfTypeBase<"fwd"> {
  /** Whether it is a union. */
  readonly union: boolean;
}

/** What says something about another type, and is of its layout. */
export interface BtfModifier extends
  BtfTypeBase<
    "typedef" | "volatile" | "const" | "restrict" | "type_tag"
  > {
  /** The type it is about. */
  readonly type: number;
}

/** Who can see a function or variable. */
export type BtfLinkage = "static" | "global" | "extern";

/** A function. */
export interface BtfFunc extends BtfTypeBase<"func"> {
  /** Its prototype. */
  readonly type: number;
  /** Who can see it; undefined for a linkage that this package does not know. */
  readonly linkage: BtfLinkage | undefined;
}

/** What a function takes and returns. */
export interface BtfFuncProto extends BtfTypeBase<"func_proto"> {
  /** What it returns. */
  readonly result: number;
  /** What it takes. */
  readonly parameters: readonly {
    readonly name: string;
    readonly type: number;
  }[];
  /** Whether it takes more than that: `…, ...)`. */
  readonly variadic: boolean;
}

/** A variable. */
export interface BtfVar extends BtfTypeBase<"var"> {
  /** What it is. */
  readonly type: number;
  /** Who can see it; undefined for a linkage that this package does not know. */
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
  /** What it is about. */
  readonly type: number;
  /** Which member or parameter of that, or -1 for all of it. */
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
