/** The shape of an object: the contents of its file, for the type checker. */

import type { Inherited, Input, LayoutType, Type } from "../../layout/mod.ts";
import type { AttachArguments } from "../link/attach.ts";
import type { BpfMap } from "../map/map.ts";
import type { MapType } from "../map/type.ts";
import type { BpfProgram } from "../program/program.ts";
import type { BpfVariable } from "../variable/variable.ts";

/**
 * The contents of an object file, for the type checker alone: nothing checks
 * them at run time. `hostmem skeleton` writes one from an object file; by hand
 * it is a type, too, and says as much as its author wants checked. A part that
 * it leaves out may have any names.
 *
 * @example
 * ```ts ignore
 * using object = BpfObject.load<{
 *   constants: { limit: U32 };
 *   variables: { hits: U64 };
 *   maps: { flows: { type: "hash"; key: typeof Flow; value: U64 } };
 *   programs: { count: [target?: AttachRawTracepoint]; filter: [AttachXdp] };
 * }>("count.bpf.o", { constants: { limit: 10 } });
 * object.variables.hits.pointer().value; // a bigint
 * ```
 */
export interface ObjectShape {
  /** The maps, by name: those of sections, such as `".bss"`, too. */
  readonly maps?: Readonly<Record<string, MapShape>>;
  /** The types of variables that can be changed. */
  readonly variables?: Readonly<Record<string, Type>>;
  /** The types of constants: the variables in `.rodata`. */
  readonly constants?: Readonly<Record<string, Type>>;
  /** The types of what programs declare as `__kconfig`. */
  readonly kconfig?: Readonly<Record<string, Type>>;
  /**
   * The arguments of `attach` of each program; see {@linkcode AttachArguments}.
   * Those that are loaded only if asked for are optional properties.
   */
  readonly programs?: { readonly [name: string]: AttachArguments };
}

/** A map of an object, for the type checker. */
export interface MapShape {
  /** Its type. */
  readonly type: MapType;
  /** The type of keys; left out if it is not known. */
  readonly key?: Type;
  /**
   * The type of values, of a per-CPU map that of one CPU; left out likewise.
   */
  readonly value?: Type;
}

/** The type that stands for keys and values of which only the size is known. */
export interface UntypedBytes
  extends LayoutType<never, never, Uint8Array<ArrayBuffer>, Uint8Array> {
  /** The kind of type; nothing points to such bytes. */
  readonly kind: "padding";
}

/** A variable that cannot be changed once its object is loaded. */
export type BpfConstant<T extends Type = Type> = Omit<
  BpfVariable<T>,
  "pointer" | "set"
>;

/**
 * The type of a part of a shape; anything of its kind where the shape leaves it
 * out.
 */
export type PartOf<S extends ObjectShape, Part extends "maps" | "programs"> =
  S extends { readonly [P in Part]: infer Given } ? Given
    : NonNullable<ObjectShape[Part]>;

/** The parts of a shape that are variables. */
export type VariablePart = "variables" | "constants" | "kconfig";

/** A shape that tells of variables. */
export type Telling = {
  readonly [Part in VariablePart]: {
    readonly [P in Part]: Readonly<Record<string, Type>>;
  };
}[VariablePart];

/**
 * The types of variables of one part: none where a shape tells of others alone,
 * and any where it tells of none at all.
 */
export type TypesOf<S extends ObjectShape, Part extends VariablePart> =
  S extends { readonly [P in Part]: infer Given } ? Given
    : S extends Telling ? Readonly<Record<never, Type>>
    : Readonly<Record<string, Type>>;

/** A type that a map's shape has; `Type` where it leaves it out. */
export type TypeIn<M, Part extends "key" | "value"> = M extends
  { readonly [P in Part]: infer Given extends Type } ? Given : Type;

/** The maps of an object, by name. */
export type MapsOf<S extends ObjectShape> = {
  readonly [Name in keyof PartOf<S, "maps">]: BpfMap<
    Extract<PartOf<S, "maps">[Name], MapShape>["type"],
    TypeIn<PartOf<S, "maps">[Name], "key">,
    TypeIn<PartOf<S, "maps">[Name], "value">
  >;
};

/** The variables of an object, by name, with those that cannot be changed. */
export type VariablesOf<S extends ObjectShape> =
  & {
    readonly [Name in keyof TypesOf<S, "variables">]: BpfVariable<
      Extract<TypesOf<S, "variables">[Name], Type>
    >;
  }
  & ConstantsOf<TypesOf<S, "constants">>
  & ConstantsOf<TypesOf<S, "kconfig">>;

/** The variables of some types that cannot be changed. */
export type ConstantsOf<Given> = {
  readonly [Name in keyof Given]: BpfConstant<Extract<Given[Name], Type>>;
};

/** The programs of an object, by name. */
export type ProgramsOf<S extends ObjectShape> = {
  readonly [Name in keyof PartOf<S, "programs">]: BpfProgram<
    Extract<PartOf<S, "programs">[Name], AttachArguments>
  >;
};

/** Values of variables, by name. */
export type InputsOf<
  S extends ObjectShape,
  Part extends "variables" | "constants",
> = {
  readonly [Name in keyof TypesOf<S, Part>]?:
    | Input<Extract<TypesOf<S, Part>[Name], Type>>
    | Inherited<Name>;
};

/** Something for each map, or each program, that it is given for. */
export type EachOf<
  S extends ObjectShape,
  Part extends "maps" | "programs",
  Options,
> = {
  readonly [Name in keyof PartOf<S, Part>]?: Options | Inherited<Name>;
};
