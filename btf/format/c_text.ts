/** Types of BTF as C has them. */

import { decode } from "./decode.ts";
import type { TypeTable } from "./type_table.ts";
import type { BtfFuncProto, BtfType } from "../types.ts";

/** A declaration longer than this is cut: a name of a type, not the type. */
const MOST_STEPS = 64;

/**
 * Writes the declaration of something of a type: `int (*name)(void)`.
 *
 * @param table The table that the type is in.
 * @param id The type.
 * @param name The name to declare; nothing for the type alone.
 * @throws {BtfError} if the type names others that do not exist.
 */
export function declare(table: TypeTable, id: number, name = ""): string {
  let steps = 0;

  function build(id: number, inner: string): string {
    if (++steps > MOST_STEPS) return join("…", inner);
    const type = decode(table, id);
    switch (type.kind) {
      case "ptr":
        return build(type.type, wrap(type.type, `*${inner}`));
      case "array":
        return build(type.element, `${inner}[${type.length || ""}]`);
      case "func_proto":
        return build(type.result, `${inner}(${parametersOf(type)})`);
      case "const":
      case "volatile":
      case "restrict":
        return qualified(type.kind, type.type, inner);
      case "type_tag":
        return build(type.type, inner);
      case "struct":
      case "union":
        return join(`${type.kind} ${type.name || "{…}"}`, inner);
      case "fwd":
        return join(`${type.union ? "union" : "struct"} ${type.name}`, inner);
      case "enum":
      case "enum64":
        return join(`enum ${type.name || "{…}"}`, inner);
      default:
        return join(type.name || type.kind, inner);
    }
  }

  /** `*` binds less than `[]` and `()`. */
  function wrap(target: number, inner: string): string {
    const { kind } = untagged(table, target);
    return kind === "array" || kind === "func_proto" ? `(${inner})` : inner;
  }

  /** Puts a qualifier of a pointer behind its `*`. */
  function qualified(word: string, target: number, inner: string): string {
    return untagged(table, target).kind === "ptr"
      ? build(target, join(word, inner))
      : `${word} ${build(target, inner)}`;
  }

  function parametersOf({ parameters, variadic }: BtfFuncProto): string {
    const texts: string[] = [];
    for (const { type, name } of parameters) {
      if (steps > MOST_STEPS) break;
      texts.push(build(type, name));
    }
    if (variadic || texts.length < parameters.length) texts.push("...");
    return texts.join(", ") || "void";
  }

  return build(id, name);
}

function join(base: string, declarator: string): string {
  return declarator === "" ? base : `${base} ${declarator}`;
}

/** The type without its tags and names for it. */
function untagged(table: TypeTable, id: number): BtfType {
  let type = decode(table, id);
  for (let step = 0; step < MOST_STEPS; step++) {
    if (type.kind !== "type_tag") break;
    type = decode(table, type.type);
  }
  return type;
}
