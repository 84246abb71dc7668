/** The lookup of a variable by its name. */

import { nothingNamed } from "../named.ts";
import type { Declaration } from "./declarations.ts";

/**
 * Variables by name. What is global in C goes before what is static, which may
 * be there more than once: in several files that were linked, or functions. Such
 * have the section's name before theirs: `".bss/count"`.
 */
export class VariableNames {
  readonly #byName = new Map<string, Declaration[]>();

  /** Takes the names of these variables. */
  constructor(declarations: readonly Declaration[]) {
    for (const declaration of declarations) {
      this.#add(declaration.name, declaration);
      this.#add(`${declaration.section}/${declaration.name}`, declaration);
    }
  }

  #add(name: string, declaration: Declaration): void {
    const all = this.#byName.get(name);
    if (all === undefined) this.#byName.set(name, [declaration]);
    else all.push(declaration);
  }

  /**
   * The variable of a name, with or without its section's.
   *
   * @throws {RangeError} if there is none, or several.
   */
  find(name: unknown): Declaration {
    const candidates = this.#candidates(name);
    const [first, second] = candidates;
    if (first === undefined) {
      const names = Array.from(this, ([name]) => name);
      throw nothingNamed(names, name, "variable");
    }
    if (second !== undefined) {
      const sections = new Set(candidates.map(({ section }) => section));
      const places = candidates.map(({ section, offset }) =>
        `in ${section} at ${offset}`
      ).join(" and ");
      throw new RangeError(
        `There are several variables named ${
          JSON.stringify(name)
        }, ${places}: ${
          sections.size === candidates.length
            ? `say which by ${
              candidates.map((one) => JSON.stringify(qualified(one))).join(
                " or ",
              )
            }`
            : "rename one"
        }`,
      );
    }
    return first;
  }

  /** Those that a name may mean. */
  #candidates(name: unknown): readonly Declaration[] {
    if (typeof name !== "string") return [];
    const all = this.#byName.get(name) ?? [];
    const global = all.filter((one) => one.global);
    return global.length > 0 ? global : all;
  }

  /** The variables that have a name of their own, each by its shortest. */
  *[Symbol.iterator](): Generator<[name: string, variable: Declaration], void> {
    for (const [name, all] of this.#byName) {
      const [first, second] = this.#candidates(name);
      if (first === undefined || second !== undefined) continue;
      const short = this.#candidates(first.name);
      const hasShort = short.length === 1 && short[0] === first;
      if (hasShort ? name === first.name : all.length === 1) {
        yield [name, first];
      }
    }
  }
}

function qualified({ section, name }: Declaration): string {
  return `${section}/${name}`;
}
