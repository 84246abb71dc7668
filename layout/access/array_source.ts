/** Generated classes of arrays, and of one field of all structs of an array. */

import { classSource, here, objectSource, type Source } from "./class_text.ts";
import {
  type Base,
  getSource,
  isSingle,
  type Scope,
} from "../leaves/leaf_source.ts";
import type { Slot } from "../leaves/leaf_type.ts";
import type { Plan, Style } from "./plan.ts";
import { setSource } from "./store_source.ts";

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

/** How far apart elements are, in bytes, or the field that says so. */
type Stride = number | "this.#s";

/** Where element `i` lies from the array's begin. */
function positionOf(stride: Stride): string {
  return stride === 1 ? "i" : `i * ${stride}`;
}

/** The base of element `i` of `this`. */
function elementBase(stride: Stride, wide: boolean): Base {
  return { region: "this.#v", offset: `this.#o + ${positionOf(stride)}`, wide };
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

/** The methods of an array of plain values. */
export function elementsSource(
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

/** The methods of an array of objects. */
export function recordsSource(
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
export function columnSource(
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
