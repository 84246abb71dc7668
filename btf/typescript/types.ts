/** Types of the layout language as TypeScript: values and their annotations. */

import { InvalidTypeError } from "../../errors.ts";
import { type AnyType, isFlexible } from "../../layout/model/types.ts";
import type { IntegerType } from "../../layout/static.ts";

/** A type as it is written. */
export interface Written {
  /** The expression that makes it: `array(u16, 8)`. */
  readonly value: string;
  /** Its static type: `ArrayType<U16, 8>`. */
  readonly type: string;
}

/** The names that the source takes from the package: values, and types. */
export class Imports {
  readonly #names = new Set<string>();

  /** Says that a name is used; returns it. */
  use(name: string): string {
    this.#names.add(name);
    return name;
  }

  /** Uses what another one uses of types, or of values. */
  take(other: Imports, part: "type" | "value"): void {
    for (const name of other.#names) {
      if (isType(name) === (part === "type")) this.#names.add(name);
    }
  }

  /** The statement that imports what was used; empty where nothing was. */
  statement(from: string): string {
    if (this.#names.size === 0) return "";
    const names = [...this.#names].sort((a, b) =>
      a.toLowerCase() < b.toLowerCase() ? -1 : 1
    ).map((name) => isType(name) ? `type ${name}` : name);
    return `import {\n${names.map((name) => `  ${name},\n`).join("")}} from ${
      JSON.stringify(from)
    };\n`;
  }
}

/** Types begin with a capital, values do not; HostLayout is both. */
function isType(name: string): boolean {
  return /^[A-Z]/.test(name) && name !== "HostLayout";
}

/** The scalars that BTF can say: their constants are named like their kinds. */
const SCALARS = new Set(
  "bool u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 f16 f32 f64 uintptr be16 be32 be64 bei16 bei32 bei64 bef32 bef64"
    .split(" "),
);

/**
 * Writes a type.
 *
 * @param type The type.
 * @param imports The imports; those that the type uses are added.
 * @param nameOf The constant that a struct, union or enumeration is declared as.
 * @throws {InvalidTypeError} if BTF cannot say it.
 */
export function write(
  type: AnyType,
  imports: Imports,
  nameOf: (type: AnyType) => string,
): Written {
  switch (type.kind) {
    case "struct":
    case "union":
    case "enumeration": {
      const name = nameOf(type);
      return { value: name, type: `typeof ${name}` };
    }
    case "array": {
      const element = write(type.element as AnyType, imports, nameOf);
      const [call, generic] = [imports.use("array"), imports.use("ArrayType")];
      return isFlexible(type)
        ? {
          value: `${call}(${element.value})`,
          type: `${generic}<${element.type}>`,
        }
        : {
          value: `${call}(${element.value}, ${type.length})`,
          type: `${generic}<${element.type}, ${type.length}>`,
        };
    }
    case "text":
    case "text16": {
      const [call, generic] = type.kind === "text"
        ? ["text", "Text"] as const
        : ["text16", "Text16"] as const;
      return {
        value: `${imports.use(call)}(${type.length})`,
        type: `${imports.use(generic)}<${type.length}>`,
      };
    }
    case "bits": {
      const base = write(type.base as AnyType, imports, nameOf);
      return {
        value: `${imports.use("bits")}(${base.value}, ${type.width})`,
        type: `${imports.use("Bits")}<${base.type}>`,
      };
    }
    default: {
      const { kind } = type;
      if (!SCALARS.has(kind)) {
        throw new InvalidTypeError(
          `Cannot write ${type.name} as TypeScript: types that BTF has are written, and ${kind} is none of them`,
        );
      }
      const capital = kind.charAt(0).toUpperCase() + kind.slice(1);
      return { value: imports.use(kind), type: imports.use(capital) };
    }
  }
}

/** An enumeration's members and base. */
export function writeMembers(
  members: Readonly<Record<string, number | bigint>>,
  base: IntegerType,
  imports: Imports,
): Written {
  const { value, type } = write(base, imports, () => "");
  const entries = Object.entries(members).map(([name, number]) => [
    name,
    typeof number === "bigint" ? `${number}n` : `${number}`,
  ]) as [string, string][];
  const lines = entries.map(([name, number]) => `  ${key(name)}: ${number},\n`);
  const types = entries.map(([name, number]) =>
    `  readonly ${typeKey(name)}: ${number};\n`
  );
  return {
    value: `{\n${lines.join("")}}, ${value}`,
    type: `${imports.use("Enumeration")}<{\n${types.join("")}}, ${type}>`,
  };
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** A property's name in an object. */
export function key(name: string): string {
  // Without the brackets it would be the object's prototype.
  if (name === "__proto__") return '["__proto__"]';
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}

/** A property's name in a type. */
export function typeKey(name: string): string {
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}
