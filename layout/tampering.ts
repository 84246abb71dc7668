/**
 * Whether a program has replaced built-in functions that code generation goes
 * through. A generated class reaches its private fields; whoever could change its
 * text on the way would have the raw memory of a read-only mapping.
 */

const { getOwnPropertyDescriptor, getOwnPropertyNames, hasOwn, is } = Object;
const { ownKeys } = Reflect;
const arrayIterator = Object.getPrototypeOf([][Symbol.iterator]()) as object;
const setIterator = Object.getPrototypeOf(new Set()[Symbol.iterator]());
const iterator = Object.getPrototypeOf(arrayIterator) as object;

/** What the generator, and what it calls, could be changed through. */
const watched: readonly object[] = [
  Array,
  Array.prototype,
  BigInt,
  BigInt.prototype,
  JSON,
  Map.prototype,
  Math,
  Number,
  Number.prototype,
  Object,
  RegExp.prototype,
  Set.prototype,
  String.prototype,
  arrayIterator,
  iterator,
  setIterator as object,
];

/** A property as it was: a value, or a getter. */
interface Original {
  readonly owner: object;
  readonly key: PropertyKey;
  readonly value: unknown;
  readonly get: unknown;
}

/** A property of a descriptor, without looking further than the descriptor. */
function part(
  descriptor: PropertyDescriptor,
  name: "value" | "get",
): unknown {
  return hasOwn(descriptor, name) ? descriptor[name] : undefined;
}

/** The names by which the generator finds them. */
const GLOBALS = [
  "Array",
  "BigInt",
  "JSON",
  "Map",
  "Math",
  "Number",
  "Object",
  "RegExp",
  "Set",
  "String",
];

function originalOf(owner: object, key: PropertyKey): Original {
  const { value, get } = getOwnPropertyDescriptor(owner, key)!;
  return { owner, key, value, get };
}

const originals: readonly Original[] = [
  ...GLOBALS.map((name) => originalOf(globalThis, name)),
  ...watched.flatMap((owner) =>
    ownKeys(owner).map((key) => originalOf(owner, key))
  ),
];

/** Whether an object has an element, which arrays would find where they have none. */
function hasElement(owner: object): boolean {
  const names = getOwnPropertyNames(owner);
  for (let i = 0; i < names.length; i++) {
    if (names[i]! >= "0" && names[i]! < ":") return true;
  }
  return false;
}

/** Whether anything is not as it was when this module was loaded. */
export function isTampered(): boolean {
  // By index, and with captured functions alone: iteration is what is in doubt.
  for (let i = 0; i < originals.length; i++) {
    const { owner, key, value, get } = originals[i]!;
    const now = getOwnPropertyDescriptor(owner, key);
    if (
      now === undefined || !is(part(now, "value"), value) ||
      part(now, "get") !== get
    ) return true;
  }
  return hasElement(Array.prototype) || hasElement(Object.prototype);
}
