/** The names that types have in other languages. */

import { InvalidTypeError } from "../../errors.ts";
import { type AnyType, originOf } from "../../layout/model/types.ts";
import type { Type } from "../../layout/mod.ts";

/** Words that cannot name anything in C, C++, Python or Rust. */
const RESERVED = new Set(
  (`alignas alignof as asm async auto await bool break case catch char class
  const constexpr continue crate def default del delete do double dyn elif else
  enum except export extern false final finally float fn for from global goto if
  impl import in inline int is lambda let long loop match mod move mut namespace
  new nonlocal not operator or override pass private protected pub public raise
  ref register restrict return self short signed sizeof static struct super
  switch template this throw trait true try type typedef typename union unsafe
  unsigned use using virtual void Self volatile where while with yield None True False
  and assert typeof`).split(/\s+/),
);

/**
 * A name as other languages can have it.
 *
 * @param what What error messages call what has it.
 * @throws {InvalidTypeError} if it cannot be.
 */
export function requireName(name: string, what: string): string {
  if (/^[A-Za-z_]\w*$/.test(name) && !RESERVED.has(name)) {
    return name;
  }
  throw new InvalidTypeError(
    `${what}: The name ${
      JSON.stringify(name)
    } cannot be one in other languages`,
  );
}

/** The names of structs, unions and enumerations, each its own. */
export class Names {
  readonly #names = new Map<AnyType, string>();
  readonly #taken: Set<string>;

  /** @param used The names that the language or what is written uses itself. */
  constructor(used: Iterable<string> = []) {
    this.#taken = new Set(used);
  }

  /**
   * Takes a name that something else has.
   *
   * @throws {InvalidTypeError} if it is taken.
   */
  take(name: string): void {
    if (this.#taken.has(name)) {
      throw new InvalidTypeError(
        `The name ${JSON.stringify(name)} is used for something else there`,
      );
    }
    this.#taken.add(name);
  }

  /** Gives a type the name that somebody exports it by. */
  give(type: Type, name: string): void {
    this.take(requireName(name, type.name));
    this.#names.set(originOf(type), name);
  }

  /** The name of a type: by default its own, in letters, digits and `_`. */
  of(type: Type): string {
    const origin = originOf(type);
    const known = this.#names.get(origin);
    if (known !== undefined) return known;
    const plain = origin.name.replaceAll(/\W+/g, "_").replaceAll(
      /^_+|_+$/g,
      "",
    );
    const wanted = /^\d|^$/.test(plain) || RESERVED.has(plain)
      ? `t_${plain}`
      : plain;
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    this.#names.set(origin, name);
    return name;
  }
}
