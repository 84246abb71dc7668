/** The names that types have in other languages. */

import { show } from "../../base/show.ts";
import { InvalidTypeError } from "../../errors.ts";
import {
  type AnyType,
  originOf,
  requireType,
} from "../../layout/model/types.ts";
import type { Type } from "../../layout/mod.ts";

/** Types by the names that they are exported by. */
export type Exports = Readonly<Record<string, Type>>;

/** A language that types are written in. */
export type Language = "C" | "Python" | "Rust";

/** The words of each that cannot name anything. */
const WORDS: Readonly<Record<Language, ReadonlySet<string>>> = {
  C: words(
    `alignas alignof asm auto bool break case char const constexpr continue
    default do double else enum extern false float for goto if inline int long
    nullptr register restrict return short signed sizeof static static_assert
    struct switch thread_local true typedef typeof typeof_unqual union unsigned
    void volatile while`,
  ),
  Python: words(`False None True and as assert async await break class continue
    def del elif else except finally for from global if import in is lambda
    nonlocal not or pass raise return try while with yield`),
  Rust: words(`Self _ abstract as async await become box break const continue
    crate do dyn else enum extern false final fn for gen if impl in let loop
    macro match mod move mut override priv pub ref return self static struct
    super trait true try type typeof unsafe unsized use virtual where while
    yield`),
};

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** Tests whether a word of a language cannot name anything there. */
export function isWord(name: string, language: Language): boolean {
  return WORDS[language].has(name);
}

/**
 * A name as a language can have it.
 *
 * @param what The thing that has the name, for error messages.
 * @throws {InvalidTypeError} if it cannot be.
 */
export function requireName(
  name: string,
  what: string,
  language: Language,
): string {
  if (/^[A-Za-z_]\w*$/.test(name) && !isWord(name, language)) return name;
  throw new InvalidTypeError(
    `${what}: The name ${JSON.stringify(name)} cannot be one in ${language}`,
  );
}

/** The names of structs, unions and enumerations, each its own. */
export class Names {
  readonly #names = new Map<AnyType, string>();
  readonly #language: Language;
  readonly #taken: Set<string>;

  /**
   * @param language The language of the names.
   * @param used The names that what is written uses itself.
   */
  constructor(language: Language, used: Iterable<string> = []) {
    this.#language = language;
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

  /**
   * Gives types the names that somebody exports them by.
   *
   * @throws {TypeError} if they are not an object.
   * @throws {InvalidTypeError} if one is not a type, or its name cannot be one
   * or is taken.
   */
  giveAll(types: Exports): ReadonlyMap<string, AnyType> {
    if (typeof types !== "object" || types === null) {
      throw new TypeError(
        `Types must be an object, by their names: received ${show(types)}`,
      );
    }
    const exported = new Map<string, AnyType>();
    for (const [name, type] of Object.entries(types)) {
      exported.set(name, requireType(type, "header"));
    }
    for (const [name, type] of exported) {
      this.take(requireName(name, type.name, this.#language));
      this.#names.set(originOf(type), name);
    }
    return exported;
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
    const wanted = /^\d|^$/.test(plain) || isWord(plain, this.#language)
      ? `t_${plain}`
      : plain;
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    this.#names.set(origin, name);
    return name;
  }
}
