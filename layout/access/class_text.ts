/**
 * The text of generated classes: what all of them have in common.
 *
 * Each class has the region and the offset as private fields and nothing else
 * that can be seen, so that nothing reaches the buffer of a read-only mapping
 * through a pointer. `expose` hands the library the keys to those fields.
 */

import { type Base, type Scope, sum } from "../leaves/leaf_source.ts";
import { isWide, type Length, type ObjectAccess } from "./plan.ts";

/** The text of a class, and the names that it uses. */
export interface Source {
  /** The text: a function body that returns the class. */
  readonly text: string;
  /** What it finds its names in. */
  readonly scope: Scope;
}

const PRIVATE: Readonly<Record<string, string>> = {
  region: "#v",
  offset: "#o",
  extent: "#x",
  length: "#n",
  path: "#p",
  stride: "#s",
};

/** What points an object elsewhere, see `Keys.move` and `Keys.enter`. */
function movingSource(fields: string[]): string[] {
  const extent = fields.includes("extent") ? "\np.#x = x;" : "";
  return [
    `move: (p, o, x) => {\np.#o = o;${extent}\n}`,
    `enter: (p, v) => {\np.#v = v;\n}`,
  ];
}

/** A class with these private fields, in the order its constructor takes them. */
export function classSource(
  fields: string[],
  body: string[],
  scope: Scope,
): Source {
  const names = fields.map((field) => PRIVATE[field]!);
  const parameters = names.map((name) => name.slice(1));
  const members = [
    ...names.map((name) => `${name};`),
    `constructor(${parameters.join(", ")}) {\n${
      parameters.map((name) => `this.#${name} = ${name};`).join("\n")
    }\n}`,
    ...body,
    `static {\nexpose({\n${
      [
        "__proto__: null",
        "owns: (p) => #v in p",
        ...fields.map((field, index) => `${field}: (p) => p.${names[index]}`),
        ...(scope.moving ? movingSource(fields) : []),
      ].join(",\n")
    },\n});\n}`,
  ];
  const library = [...scope.uses].sort();
  const header = [
    `"use strict";`,
    ...(library.length === 0
      ? []
      : [`const { ${library.join(", ")} } = library;`]),
    ...(scope.constants.length === 0 ? [] : [
      `const [${
        scope.constants.map((_, index) => `c${index}`).join(", ")
      }] = constants;`,
    ]),
  ];
  header.push(...scope.prelude);
  const text = `${header.join("\n")}\nreturn class {\n${
    members.join("\n")
  }\n};\n`;
  return { text: indented(text), scope };
}

/** Indents by braces, so that golden texts and stack traces can be read. */
function indented(text: string): string {
  let depth = 0;
  return text.split("\n").map((line) => {
    if (/^[})\]]/.test(line)) depth--;
    const indent = line === "" ? "" : "  ".repeat(depth);
    if (/[{(\[]$/.test(line)) depth++;
    return indent + line;
  }).join("\n");
}

/** `this`'s region and offset. */
export function here(wide: boolean): Base {
  return { region: "this.#v", offset: "this.#o", wide };
}

function lengthSource(
  length: Length,
  offset: number,
  stride: number,
  scope: Scope,
): string {
  return length === "flexible"
    ? `${scope.use("countIn")}(this.#x, ${offset}, ${stride})`
    : `${length}`;
}

/** An expression that makes the object at an offset of a base. */
export function objectSource(
  access: ObjectAccess,
  base: Base,
  scope: Scope,
): string {
  const at = sum(base.offset, access.offset);
  if (access.kind === "native") {
    const length = lengthSource(
      access.length,
      access.offset,
      access.stride,
      scope,
    );
    return `${
      scope.use("native")
    }.${access.lane}(${base.region}, ${at}, ${length})`;
  }
  const made = scope.classOf(access.type, access.style);
  const path = JSON.stringify(access.path);
  if (access.length === "flexible") {
    return `${scope.use("flexibleArray")}(${scope.constant(made)}, ${
      scope.constant(scope.classOf(access.type, access.style, true))
    }, ${base.region}, ${at}, this.#x - ${access.offset}, ${access.stride}, ${path})`;
  }
  const rest = access.length !== undefined
    ? `, ${access.length}, ${path}`
    : access.type.kind === "atomic"
    ? `, ${path}`
    : access.extends
    ? `, this.#x - ${access.offset}`
    : "";
  if (base.wide && !isWide(access.size)) {
    // From offsets of the whole region to one of its windows.
    return `${scope.use("windowed")}(${
      scope.constant(made)
    }, ${base.region}, ${at}, ${access.size}${rest})`;
  }
  return `new ${scope.constant(made.construct)}(${base.region}, ${at}${rest})`;
}
