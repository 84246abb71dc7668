/**
 * Functions that are run as copies of their own text. The engine keeps what it
 * learns of a function with the function's text: in code that many types share
 * it finds that they differ, in a copy it inlines what is called and takes the
 * rest for constants, which is many times as fast.
 *
 * Nothing else in this package compiles text. Where a runtime forbids it, the
 * same functions run as they are.
 */

type Factory<T> = (...args: never) => T;

/** Names a value in the text that is being written; a part is made before. */
export type Name = (value: unknown) => string;

/**
 * Something to be made: by a factory from values, or from other parts, which are
 * made first. Whoever asks for the same part twice gets the same thing, within
 * one text or where there is none.
 */
export class Part<T> {
  readonly #factory: Factory<T> | ((name: Name) => string);
  readonly #args: readonly unknown[];
  /**
   * The way in which the factory is used: copied, called, or called to write
   * the text.
   */
  readonly #by: "copy" | "call" | "text";
  #plain: { readonly made: T } | undefined;

  private constructor(
    factory: Factory<T> | ((name: Name) => string),
    args: readonly unknown[],
    by: "copy" | "call" | "text",
  ) {
    this.#factory = factory;
    this.#args = args;
    this.#by = by;
  }

  /** A part made by a copy of a factory that refers to nothing but its parameters. */
  static copy<T>(factory: Factory<T>, args: readonly unknown[]): Part<T> {
    return new Part(factory, args, "copy");
  }

  /** A part made by a factory itself. */
  static call<T>(factory: Factory<T>, args: readonly unknown[]): Part<T> {
    return new Part(factory, args, "call");
  }

  /** A part whose text is put together: an expression. */
  static text<T>(write: (name: Name) => string): Part<T> {
    return new Part<T>(write, [], "text");
  }

  /** The beginning of its name in a text. */
  get title(): string {
    return `${this.#by === "text" ? "text" : this.#factory.name || "part"}_`;
  }

  /** Makes it without a copy. */
  plain(): T {
    if (this.#by === "text") throw new TypeError("There is only text");
    const make = this.#factory as (...args: unknown[]) => T;
    this.#plain ??= {
      made: make(
        ...this.#args.map((arg) => arg instanceof Part ? arg.plain() : arg),
      ),
    };
    return this.#plain.made;
  }

  /** Writes the expression that makes it. */
  write(name: Name): string {
    if (this.#by === "text") {
      return (this.#factory as (name: Name) => string)(name);
    }
    const factory = this.#by === "copy"
      ? `(${this.#factory})`
      : name(this.#factory);
    return `${factory}(${this.#args.map(name).join(", ")})`;
  }
}

/** The forms in which a factory's parameters can be given. */
type Given<A extends readonly unknown[]> = {
  readonly [K in keyof A]: A[K] | Part<A[K]>;
};

/**
 * A part made by a factory that refers to nothing outside of itself: neither to
 * imports nor to names of its module.
 */
export function part<A extends readonly unknown[], T>(
  factory: (...args: A) => T,
  ...args: Given<A>
): Part<T> {
  return Part.copy(factory, args);
}

/** A part made by a factory that may refer to anything: it is not copied. */
export function sharedPart<A extends readonly unknown[], T>(
  factory: (...args: A) => T,
  ...args: Given<A>
): Part<T> {
  return Part.call(factory, args);
}

/** True if text can be compiled here. */
export const canCompile: boolean = (() => {
  try {
    new Function("");
    return true;
  } catch {
    return false;
  }
})();

/** The text that makes a part, and the constants that it needs. */
export interface Written {
  /** The body of a function of `constants` that returns what is made. */
  readonly text: string;
  /** Values that have no text, named `c0`, `c1`, … in it. */
  readonly constants: readonly unknown[];
}

/** Writes the text that makes a part. */
export function textOf(part: Part<unknown>): Written {
  const constants: unknown[] = [];
  const statements: string[] = [];
  const names = new Map<unknown, string>();

  function name(value: unknown): string {
    if (typeof value === "number" || typeof value === "boolean") {
      return String(value);
    }
    if (typeof value === "bigint") {
      return `${value}n`;
    }
    if (typeof value === "string") return JSON.stringify(value);
    let known = names.get(value);
    if (known !== undefined) return known;
    if (value instanceof Part) {
      const expression = value.write(name);
      known = `${value.title}${statements.length}`;
      statements.push(`const ${known} = ${expression};`);
    } else {
      known = `c${constants.push(value) - 1}`;
    }
    names.set(value, known);
    return known;
  }

  const made = name(part);
  const given = constants.map((_, index) => `c${index}`).join(", ");
  const text = [
    `"use strict";`,
    ...(given === "" ? [] : [`const [${given}] = constants;`]),
    ...statements,
    `return ${made};`,
  ].join("\n");
  return { text, constants };
}

/**
 * The number of texts that were compiled: two of the same would be one to the
 * engine.
 */
let compiled = 0;

/** Makes a part, from text of its own where that can be compiled. */
export function specialise<T>(part: Part<T>): T {
  if (!canCompile) return part.plain();
  const { text, constants } = textOf(part);
  const make = new Function("constants", `${text} // ${++compiled}`);
  return make(constants) as T;
}
