/** Decoded values as text, and as columns of a table. */

import type {
  ArrayType,
  Enumeration,
  StructType,
  Type,
} from "../layout/mod.ts";
import { hex } from "../base/hex.ts";
import { printable } from "./output.ts";

/** The most bytes of a value without a type that are shown. */
const MOST_BYTES = 16;

function bytesText(bytes: Uint8Array): string {
  return bytes.length <= MOST_BYTES
    ? hex(bytes)
    : `${hex(bytes.subarray(0, MOST_BYTES))}… (${bytes.length} bytes)`;
}

/** A decoded value as text; what others wrote has its control characters escaped. */
export function valueText(value: unknown, type?: Type): string {
  if (value instanceof Uint8Array) return bytesText(value);
  if (typeof value === "string") return `"${printable(value)}"`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const element = type?.kind === "array" ? (type as ArrayType).element : type;
    const parts = Array.from(value as ArrayLike<unknown>);
    return `[${parts.map((part) => valueText(part, element)).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const fields = (type as StructType | undefined)?.fields;
    const parts = Object.entries(value).map(([name, part]) =>
      `${printable(name)}: ${valueText(part, fields?.[name])}`
    );
    return `{ ${parts.join(", ")} }`;
  }
  if (type?.kind === "enumeration") {
    const name = (type as Enumeration).nameOf(value as never);
    if (name !== undefined) return printable(name);
  }
  return type?.kind === "uintptr"
    ? `0x${(value as bigint).toString(16)}`
    : String(value);
}

/** A column that shows a part of a key or a value. */
export interface ValueColumn {
  /** Its title: a field's name, or `key` and `value`. */
  readonly title: string;
  /** The part of a decoded key or value that stands there. */
  part(whole: unknown): unknown;
  /** The part's type; undefined where nobody knows it. */
  readonly type: Type | undefined;
}

/** A column for each field of a struct, of nested ones too; else one. */
export function columnsOf(
  type: Type | undefined,
  title: string,
): ValueColumn[] {
  if (type?.kind !== "struct") {
    return [{ title, part: (whole) => whole, type }];
  }
  return Object.entries((type as StructType).fields)
    .filter(([, { kind }]) => kind !== "marker" && kind !== "padding")
    .flatMap(([name, field]) =>
      columnsOf(field, printable(name)).map((column): ValueColumn => ({
        ...column,
        title: field.kind === "struct"
          ? `${printable(name)}.${column.title}`
          : column.title,
        part: (whole) => column.part((whole as Record<string, unknown>)[name]),
      }))
    );
}
