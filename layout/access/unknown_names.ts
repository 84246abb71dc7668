/**
 * The end of the prototype chain of pointers and views: what happens to names
 * that no field has. It costs nothing until such a name comes, and no store is
 * lost: an index is an element's, anything else throws.
 */

import { ReadOnlyError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import { titleOf, whereIs } from "./private_fields.ts";

/** An array of ours, as far as its kind has methods. */
interface Indexed {
  at?(index: number): unknown;
  set?(index: number, value: unknown): void;
}

/** The index that a property's name is; undefined for all other names. */
function indexOf(name: string | symbol): number | undefined {
  return typeof name === "string" && /^(?:0|[1-9]\d*)$/.test(name)
    ? Number(name)
    : undefined;
}

/**
 * The name that error messages give the object that a name was looked up on.
 */
function nameOf(receiver: unknown): string {
  const located = whereIs(receiver);
  return located === undefined ? "This object" : titleOf(located);
}

function refuse(name: string | symbol, receiver: unknown): never {
  throw new TypeError(
    `Cannot store ${typeof name === "symbol" ? String(name) : show(name)} in ${
      nameOf(receiver)
    }: there is no such field`,
  );
}

/** For all but arrays: an unknown name reads undefined, and throws when stored. */
const strict: ProxyHandler<object> = {
  set(_, name, _value, receiver) {
    refuse(name, receiver);
  },
};

/** For arrays: an index is `at` and `set`. */
const indexed: ProxyHandler<object> = {
  get(target, name, receiver) {
    const index = indexOf(name);
    return index === undefined
      ? Reflect.get(target, name, receiver)
      : (receiver as Indexed).at?.(index);
  },
  // How long the array is nobody can tell here; whoever asks goes by `length`.
  has(target, name) {
    return indexOf(name) !== undefined || Reflect.has(target, name);
  },
  set(_, name, value, receiver) {
    const index = indexOf(name);
    if (index === undefined) refuse(name, receiver);
    const located = whereIs(receiver);
    const array = receiver as Indexed;
    if (located === undefined) refuse(name, receiver);
    if (array.set === undefined) {
      throw located.pointerClass.mode.writable
        ? new TypeError(
          `Cannot store ${
            nameOf(receiver)
          } by index ${index}: use assign() with at(${index})`,
        )
        : new ReadOnlyError(
          `Cannot store index ${index} of ${nameOf(receiver)} through a view`,
        );
    }
    array.set(index, value);
    return true;
  },
};

/** The prototype of the prototypes of structs, unions, roots and atomics. */
export const ofObjects: object = new Proxy({}, strict);
/** The prototype of the prototypes of arrays and columns. */
export const ofArrays: object = new Proxy({}, indexed);
