/** TypeScript of what BTF says. */

import { declarationOf } from "../layout/declaration.ts";
import { aggregateOf, type AnyType } from "../layout/model/types.ts";
import type {
  Enumeration,
  StructType,
  Type,
  UnionType,
} from "../layout/static.ts";
import type { Btf } from "./btf.ts";
import { type PlacedField, recipeFor } from "./typescript/placement.ts";
import {
  Imports,
  key,
  typeKey,
  write,
  writeMembers,
} from "./typescript/types.ts";
import type { StructOptions } from "../layout/model/place_fields.ts";

/** Options of {@linkcode typescript}. */
export interface TypescriptOptions {
  /** The specifier of this package in the source; `"@hostmem/hostmem"`. */
  readonly from?: string | undefined;
}

/**
 * TypeScript source of types of BTF, for those who want them checked by the
 * compiler: a constant for each struct, union and enumeration, those that they
 * are made of included, with its C declaration. The types are annotated, as JSR
 * wants it, and have the layouts that {@linkcode Btf.layout} has; pointers are
 * plain `uintptr`, and a union with bit-fields in an anonymous struct is a
 * struct whose fields overlap.
 *
 * The source is for `deno fmt` to format.
 *
 * @param btf The BTF that has them.
 * @param names The types: names or ids, as in {@linkcode Btf.layout}.
 * @param options The specifier that the source imports from.
 * @throws {BtfError} if BTF has no such type, or no layout of it.
 *
 * @example The source of one struct
 * ```ts
 * import { Btf, typescript } from "@hostmem/hostmem/btf";
 *
 * try {
 *   console.log(typescript(Btf.kernel(), ["list_head"]));
 *   // export const list_head: StructType<{ … next: Uintptr; prev: Uintptr; }> = …
 * } catch (error) {
 *   console.log((error as Error).message);
 * }
 * ```
 */
export function typescript(
  btf: Btf,
  names: Iterable<string | number>,
  options: TypescriptOptions = {},
): string {
  const source = new TypescriptSource();
  for (const name of names) source.add(btf.layout(name), `${name}`);
  return source.text(options.from);
}

/** Names that a constant cannot have, and that the source itself uses. */
const RESERVED = new Set(
  `break case catch class const continue debugger default delete do else enum
  export extends false finally for function if import in instanceof new null
  return super switch this throw true try typeof var void while with let static
  yield await async implements interface package private protected public
  arguments eval undefined array bits struct union text text16 padding enumeration
  HostLayout bool u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 f16 f32 f64 uintptr
  be16 be32 be64 bei16 bei32 bei64 bef32 bef64
  ArrayType StructType UnionType Text Text16 Bits Enumeration Bool U8 I8 U16 I16 U32
  I32 U64 I64 U128 I128 F16 F32 F64 Uintptr Be16 Be32 Be64 Bei16 Bei32 Bei64 Bef32 Bef64 Padding`
    .split(
      /\s+/,
    ),
);

/**
 * TypeScript source of layout types that is put together piece by piece, for
 * those who write more than {@linkcode typescript} does: a constant for each
 * struct, union and enumeration that the pieces are made of.
 *
 * @example A type alias beside the declarations that it needs
 * ```ts
 * import { Btf, TypescriptSource } from "@hostmem/hostmem/btf";
 *
 * try {
 *   const source = new TypescriptSource();
 *   const type = source.typeOf(Btf.kernel().layout("list_head"), "head");
 *   console.log(`${source.text()}\nexport type Head = ${type};`);
 * } catch (error) {
 *   console.log((error as Error).message);
 * }
 * ```
 */
export class TypescriptSource {
  readonly #imports = new Imports();
  readonly #names = new Map<AnyType, string>();
  readonly #taken: Set<string>;
  // Each before those that use it.
  readonly #declarations: string[] = [];

  /**
   * Begins an empty source.
   *
   * @param reserved Names that no constant may have, besides those that the
   * language and the layout types have.
   */
  constructor(reserved: Iterable<string> = []) {
    this.#taken = new Set([...RESERVED, ...reserved]);
  }

  /**
   * Declares a layout, if it is a struct, union or enumeration, and what it is
   * made of.
   *
   * @param type A layout that BTF gave.
   * @param hint The constant's name where C has none.
   * @throws {InvalidTypeError} if it has what no BTF has, such as an atomic.
   */
  add(type: Type, hint: string): void {
    this.#add(type as AnyType, hint);
  }

  /**
   * The static type of a layout; what it is made of is declared.
   *
   * @param type A layout that BTF gave.
   * @param hint The constant's name where C has none.
   * @returns Such as `ArrayType<U16, 8>` or `typeof list_head`.
   * @throws {InvalidTypeError} if it has what no BTF has, such as an atomic.
   */
  typeOf(type: Type, hint: string): string {
    return this.#write(type, hint, "type");
  }

  /**
   * An expression whose value is a layout; what it is made of is declared.
   *
   * @param type A layout that BTF gave.
   * @param hint The constant's name where C has none.
   * @returns Such as `array(u16, 8)` or `list_head`.
   * @throws {InvalidTypeError} if it has what no BTF has, such as an atomic.
   */
  expressionOf(type: Type, hint: string): string {
    return this.#write(type, hint, "value");
  }

  /**
   * The source: what is imported, then the declarations.
   *
   * @param from The specifier of this package in the source.
   */
  text(from = "@hostmem/hostmem"): string {
    const imports = this.#imports.statement(from);
    return [...imports === "" ? [] : [imports], ...this.#declarations]
      .join("\n");
  }

  #write(type: Type, hint: string, part: "type" | "value"): string {
    this.#add(type as AnyType, hint);
    const used = new Imports();
    const written = write(type as AnyType, used, this.#nameOf);
    this.#imports.take(used, part);
    return written[part];
  }

  /** Adds a type with all that it is made of. */
  #add(type: AnyType, hint: string): void {
    switch (type.kind) {
      case "array":
        this.#add(type.element as AnyType, hint);
        break;
      case "bits":
        this.#add(type.base as AnyType, hint);
        break;
      case "struct":
      case "union":
        if (this.#names.has(type)) break;
        for (const { name, type: member } of aggregateOf(type).members) {
          this.#add(member, `${hint}_${name}`);
        }
        this.#declare(type, hint, () => this.#aggregate(type));
        break;
      case "enumeration":
        if (this.#names.has(type)) break;
        this.#declare(type, hint, () => this.#enumeration(type));
        break;
    }
  }

  #declare(
    type: AnyType,
    hint: string,
    body: () => { readonly value: string; readonly type: string },
  ): void {
    const named = /^[A-Za-z_]/.test(type.name) ? type.name : hint;
    const plain = named.replace(/^(?=\d)/, "_").replace(/[^\w$]/g, "_");
    let name = plain;
    for (let count = 2; this.#taken.has(name); count++) {
      name = `${plain}_${count}`;
    }
    this.#taken.add(name);
    this.#names.set(type, name);
    const { value, type: annotation } = body();
    this.#declarations.push(
      `${
        comment(declaredInC(type))
      }export const ${name}: ${annotation} = ${value};\n`,
    );
  }

  #nameOf = (type: AnyType): string => this.#names.get(type)!;

  #enumeration(type: Enumeration): { value: string; type: string } {
    const { value, type: annotation } = writeMembers(
      type.members,
      type.base,
      this.#imports,
    );
    const call = this.#imports.use("enumeration");
    return {
      value: `${call}(${JSON.stringify(type.name)}, ${value})`,
      type: annotation,
    };
  }

  #aggregate(type: StructType | UnionType): { value: string; type: string } {
    const { kind, fields, options } = recipeFor(type);
    const marker = markerFor(type);
    const host = this.#imports.use("HostLayout");
    const values = [`  ${marker}: ${host},\n`];
    const types = [`  ${marker}: ${host};\n`];
    for (const field of fields) {
      const { name, value, type: annotation } = this.#field(field);
      values.push(`  ${key(name)}: ${value},\n`);
      types.push(`  ${typeKey(name)}: ${annotation};\n`);
    }
    const call = this.#imports.use(kind);
    const generic = this.#imports.use(
      kind === "struct" ? "StructType" : "UnionType",
    );
    const rest = options === undefined ? "" : `, ${optionsText(options)}`;
    return {
      value: `${call}(${JSON.stringify(type.name)}, {\n${
        values.join("")
      }}${rest})`,
      type: `${generic}<{\n${types.join("")}}>`,
    };
  }

  #field(
    field: PlacedField,
  ): { name: string; value: string; type: string } {
    if ("bits" in field) {
      return {
        name: field.name,
        value: `${this.#imports.use("padding")}.bits(${
          this.#imports.use("u8")
        }, ${field.bits})`,
        type: this.#imports.use("Padding"),
      };
    }
    const { name, type } = field.member;
    return { name, ...write(type, this.#imports, this.#nameOf) };
  }
}

/** The C declaration, with the members of an enumeration. */
function declaredInC(type: AnyType): string {
  const declaration = declarationOf(type);
  if (type.kind !== "enumeration") return declaration;
  const members = Object.entries((type as Enumeration).members)
    .map(([name, value]) => `\t${name} = ${value},\n`);
  return `${declaration} {\n${members.join("")}};`;
}

/** A name for the marker that no field has. */
function markerFor(type: StructType | UnionType): string {
  const names = new Set(aggregateOf(type).members.map(({ name }) => name));
  let name = "_";
  while (names.has(name)) name += "_";
  return name;
}

function optionsText({ offsets, ...rest }: StructOptions): string {
  const parts = Object.entries(rest).map(([name, value]) =>
    `${name}: ${value}`
  );
  const places = Object.entries(offsets ?? {}).map(([name, offset]) =>
    `    ${key(name)}: ${offset},\n`
  );
  if (places.length > 0) parts.push(`offsets: {\n${places.join("")}  }`);
  return `{ ${parts.join(", ")} }`;
}

/** A doc comment, which the comments in the C declaration must not end. */
function comment(declaration: string): string {
  const lines = declaration.replace(/\/\*(.*?)\s*\*\//g, "//$1")
    .replaceAll("*/", "* /").split("\n");
  return `/**\n * \`\`\`c\n${
    lines.map((line) => ` * ${line.replaceAll("\t", "  ")}`.trimEnd() + "\n")
      .join("")
  } * \`\`\`\n */\n`;
}
