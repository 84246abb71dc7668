/**
 * The generated classes: what a pointer to each kind of type is made of.
 *
 * Each class has the region and the offset as private fields and nothing else
 * that can be seen, so that nothing reaches the buffer of a read-only mapping
 * through a pointer. `expose` hands the library the keys to those fields.
 */

import {
  isWide,
  type Length,
  type ObjectAccess,
  type Plan,
  type Property,
  type Style,
} from "./_plan.ts";
import {
  type Base,
  type ClassOf,
  getSource,
  isSingle,
  refusesSource,
  Scope,
  setSource,
  sum,
} from "./_leaf_source.ts";
import { LANE_SIZE } from "./_lane.ts";
import { laneOf, type Slot } from "./_leaf_type.ts";
import type { AtomicType } from "./types.ts";

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

/** A class with these private fields, in the order its constructor takes them. */
function classSource(fields: string[], body: string[], scope: Scope): Source {
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
        "owns: (p) => #v in p",
        ...fields.map((field, index) => `${field}: (p) => p.${names[index]}`),
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
function here(wide: boolean): Base {
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
function objectSource(
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

function propertySource(
  { name, access }: Property,
  base: Base,
  style: Style,
  scope: Scope,
): string[] {
  const key = `[${JSON.stringify(name)}]`;
  if (access.kind !== "leaf") {
    return [`get ${key}() {\nreturn ${objectSource(access, base, scope)};\n}`];
  }
  const { slot } = access;
  const getter = `get ${key}() {\nreturn ${getSource(slot, base, scope)};\n}`;
  if (!style.writable) return [getter];
  const set = setSource(slot, base, scope);
  const setter = `set ${key}(a) {\ntry {\n${set}\n} catch (e) {\n${
    scope.use("refuse")
  }(e, ${scope.constant(slot)}, a);\n}\n}`;
  return [getter, setter];
}

/** The text of the class that does what a plan says. */
export function sourceOf(
  plan: Plan,
  style: Style,
  wide: boolean,
  classOf: ClassOf,
): Source {
  const scope = new Scope(classOf);
  switch (plan.kind) {
    case "record":
      return recordSource(plan, style, wide, scope);
    case "atomic":
      return atomicSource(plan.type, style, wide, scope);
    case "elements":
      return elementsSource(plan.slot, plan.stride, style, wide, scope);
    case "records":
      return recordsSource(plan, wide, scope);
    case "column":
      return columnSource(plan.slot, style, wide, scope);
  }
}

/** A class with one property per field: structs, unions, roots of leaves. */
function recordSource(
  plan: Extract<Plan, { kind: "record" }>,
  style: Style,
  wide: boolean,
  scope: Scope,
): Source {
  const base = here(wide);
  const body = plan.properties.flatMap((property) =>
    propertySource(property, base, style, scope)
  );
  const fields = ["region", "offset", ...(plan.extends ? ["extent"] : [])];
  return classSource(fields, body, scope);
}

/** The class of an atomic. */
function atomicSource(
  type: AtomicType,
  style: Style,
  wide: boolean,
  scope: Scope,
): Source {
  const lane = laneOf(type);
  const size = LANE_SIZE[lane];
  const isBool = type.base.kind === "bool";
  const checked = (name: string) =>
    `if (${refusesSource(type, name, scope)}) ${scope.use("refuseValue")}(${
      scope.constant(type)
    }, ${name}, this.#p);\n`;
  const index = size === 1
    ? "o"
    : wide
    ? `o / ${size}`
    : `o >> ${Math.log2(size)}`;
  const operation = (
    name: string,
    parameters: string[],
    result: boolean,
  ): string => {
    const call = `${scope.use(name)}(r.${lane}, ${
      [index, ...parameters.map((name) => isBool ? `+${name}` : name)].join(
        ", ",
      )
    })`;
    const value = isBool ? `${call} !== 0` : call;
    // The values are checked before the memory: a check can run no code of the
    // caller's, so the memory cannot close in between.
    return `${name}(${parameters.join(", ")}) {\n${
      parameters.map(checked).join("")
    }const r = this.#v, o = this.#o;\nif (r.u8[o] === undefined) ${
      scope.use("closed")
    }();\n${result ? `return ${value};` : `${call};`}\n}`;
  };
  const body = [operation("load", [], true)];
  if (style.writable) {
    body.push(operation("store", ["a"], false));
    if (!isBool) {
      for (const name of ["add", "sub", "and", "or", "xor"]) {
        body.push(operation(name, ["a"], true));
      }
    }
    body.push(operation("exchange", ["a"], true));
    body.push(
      isBool
        ? `compareExchange(a, b) {\n${checked("a")}${checked("b")}return ${
          scope.use("compareExchangeBool")
        }(this.#v, this.#o, a, b);\n}`
        : operation("compareExchange", ["a", "b"], true),
    );
    if (type.base.kind === "i32" || type.base.kind === "i64") {
      const call = `this.#v, "${lane}", ${index.replaceAll("o", "this.#o")}`;
      body.push(
        `wait(a, timeout) {\n${checked("a")}return ${
          scope.use("waitOn")
        }(${call}, a, timeout);\n}`,
        `notify(count) {\nreturn ${scope.use("notifyOn")}(${call}, count);\n}`,
      );
    }
  }
  return classSource(["region", "offset", "path"], body, scope);
}

const ARRAY_FIELDS = ["region", "offset", "length", "path"];

const LENGTH = `get length() {\nreturn this.#n;\n}`;

/** Iteration over `at`; an object, because a generator takes twice as long. */
function iteratorSource(scope: Scope): string {
  return `[${scope.use("iterator")}]() {
const array = this, n = this.#n;
let i = 0;
return {
__proto__: ${scope.use("iteratorPrototype")},
next() {
return i < n ? { value: array.at(i++), done: false } : { value: undefined, done: true };
},
};
}`;
}

/** An index that is within bounds. The optimiser knows 32-bit integers best. */
const WITHIN = "(i | 0) === i && i >= 0 && i < this.#n";
/** The same for lengths beyond 31 bits. */
const WITHIN_WIDE = "isSafeInteger(i) && i >= 0 && i < this.#n";

/** The condition under which an index is within bounds. */
function within(wide: boolean, scope: Scope): string {
  if (wide) scope.use("isSafeInteger");
  return wide ? WITHIN_WIDE : WITHIN;
}

/** The methods of an array of plain values. */
function elementsSource(
  slot: Slot,
  stride: number,
  style: Style,
  wide: boolean,
  scope: Scope,
): Source {
  const get = getSource(slot, elementBase(stride, wide), scope);
  const body = [
    LENGTH,
    `at(i) {\nif (!(${within(wide, scope)})) {\ni = ${
      scope.use("relativeIndex")
    }(i, this.#n);\nif (i < 0) return undefined;\n}\nreturn ${get};\n}`,
    `slice(start, end) {\nconst [from, to] = ${
      scope.use("sliceRange")
    }(start, end, this.#n), copy = [];\nfor (let i = from; i < to; i++) copy[i - from] = ${get};\nreturn copy;\n}`,
    iteratorSource(scope),
  ];
  if (style.writable) body.push(setAtSource(slot, stride, wide, scope));
  return classSource(ARRAY_FIELDS, body, scope);
}

/** The base of element `i` of `this`. */
function elementBase(stride: Stride, wide: boolean): Base {
  return { region: "this.#v", offset: `this.#o + ${positionOf(stride)}`, wide };
}

/** How far apart elements are, in bytes, or the field that says so. */
type Stride = number | "this.#s";

/** Where element `i` lies from the array's begin. */
function positionOf(stride: Stride): string {
  return stride === 1 ? "i" : `i * ${stride}`;
}

function setAtSource(
  slot: Slot,
  stride: Stride,
  wide: boolean,
  scope: Scope,
): string {
  const set = setSource(slot, here(wide), scope, {
    position: positionOf(stride),
    condition: within(wide, scope),
  });
  return `set(i, a) {\ntry {\n${set}\n} catch (e) {\n${
    scope.use("refuseAt")
  }(e, ${scope.constant(slot.type)}, a, i, this.#n, this.#p);\n}\n}`;
}

/** The methods of an array of objects. */
function recordsSource(
  { element, stride, hasColumns }: Extract<Plan, { kind: "records" }>,
  wide: boolean,
  scope: Scope,
): Source {
  const condition = within(wide, scope);
  const bad = scope.use("bad");
  // `imul` has no overflow to check for, and is exact wherever `i` is valid.
  const offset = wide
    ? `this.#o + (${condition} ? ${positionOf(stride)} : ${bad})`
    : `this.#o + ${
      scope.use("imul")
    }(i, ${stride}) + (${condition} ? 0 : ${bad})`;
  const base = { region: "this.#v", offset, wide };
  const make = objectSource(element, base, scope);
  const body = [
    LENGTH,
    `at(i) {\ntry {\nreturn ${make};\n} catch (e) {\n${
      scope.use("refuseIndex")
    }(e, i, this.#n, this.#p);\n}\n}`,
    iteratorSource(scope),
  ];
  if (hasColumns) {
    body.push(
      `column(path) {\nreturn ${scope.use("columnOf")}(this, path);\n}`,
    );
  }
  return classSource(ARRAY_FIELDS, body, scope);
}

function columnAtSource(slot: Slot, wide: boolean, scope: Scope): string {
  const condition = within(wide, scope);
  const refused = `i, this.#n, this.#p`;
  const single = !wide && isSingle(slot);
  const get = single
    ? getSource(slot, elementBase("this.#s", wide), scope, {
      condition,
      otherwise: `${scope.use("missing")}(${refused})`,
    })
    : getSource(slot, {
      region: "this.#v",
      offset: `this.#o + (${condition} ? i * this.#s : ${scope.use("bad")})`,
      wide,
    }, scope);
  return `try {\nreturn ${get};\n} catch (e) {\n${
    scope.use("refuseIndex")
  }(e, ${refused});\n}`;
}

/**
 * The methods of one field of every struct of an array. The stride is a field,
 * so that the columns of all struct types share a class for each kind of value,
 * and code that serves many of them meets one class.
 */
function columnSource(
  slot: Slot,
  style: Style,
  wide: boolean,
  scope: Scope,
): Source {
  const stride = "this.#s";
  const get = getSource(slot, elementBase(stride, wide), scope);
  const body = [
    LENGTH,
    `at(i) {\n${columnAtSource(slot, wide, scope)}\n}`,
    `copyTo(target) {\nconst n = ${
      scope.use("shorter")
    }(target, this.#n);\nfor (let i = 0; i < n; i++) target[i] = ${get};\nreturn n;\n}`,
    iteratorSource(scope),
  ];
  if (style.writable) body.push(setAtSource(slot, stride, wide, scope));
  return classSource([...ARRAY_FIELDS, "stride"], body, scope);
}
