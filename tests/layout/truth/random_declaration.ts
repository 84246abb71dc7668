/** Random declarations, and as many of each kind as find errors soon. */

import type { Random } from "../../_support.ts";
import {
  type Aggregate,
  type Base,
  type Bits,
  type Field,
  INTEGERS,
  type Model,
  SCALARS,
  sizeOfBase,
  TAIL_LENGTH,
  type UnnamedBits,
} from "./declarations.ts";

/** At least the alignment of a type, on any machine. */
function alignBound(type: Field["type"]): number {
  switch (type.kind) {
    case "scalar":
    case "enumeration":
      return sizeOfBase(type);
    case "text":
      return type.unit;
    case "bits":
    case "unnamed":
    case "atomic":
      return sizeOfBase(type.base);
    case "array":
      return alignBound(type.element);
    case "aligned":
      return Math.max(type.align, alignBound(type.base));
    case "struct":
    case "union":
      return Math.max(
        type.align ?? 1,
        ...type.fields.map(({ type }) => alignBound(type)),
      );
    default:
      return 1;
  }
}

/** At least the size of a type, on any machine. */
function sizeBound(type: Field["type"]): number {
  switch (type.kind) {
    case "scalar":
    case "enumeration":
      return sizeOfBase(type);
    case "text":
      return type.length * type.unit;
    case "padding":
      return type.size;
    case "bits":
    case "unnamed":
    case "atomic":
      return sizeOfBase(type.base);
    case "array":
      return sizeBound(type.element) * (type.length ?? 0);
    case "aligned":
      return sizeBound(type.base);
    case "struct":
    case "union": {
      const align = alignBound(type);
      const sizes = type.fields.map(({ type, offset }) =>
        (offset ?? 0) + sizeBound(type) + alignBound(type)
      );
      const end = Math.max(
        type.size ?? 0,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      return Math.ceil(end / align) * align;
    }
  }
}

/** Counts the values of a type. */
function weightOf(type: Field["type"]): number {
  switch (type.kind) {
    case "array":
      return weightOf(type.element) * (type.length ?? TAIL_LENGTH);
    case "aligned":
      return weightOf(type.base);
    case "struct":
    case "union":
      return type.fields.reduce((sum, { type }) => sum + weightOf(type), 0);
    case "padding":
    case "unnamed":
      return 0;
    default:
      return 1;
  }
}

function hasAtomics(type: Field["type"]): boolean {
  switch (type.kind) {
    case "atomic":
      return true;
    case "array":
      return hasAtomics(type.element);
    case "aligned":
      return hasAtomics(type.base);
    case "struct":
    case "union":
      return type.fields.some((field) => hasAtomics(field.type));
    default:
      return false;
  }
}

const MOST_DEPTH = 4;
const MOST_WEIGHT = 48;
const ALIGNMENTS = [1, 2, 4, 8, 16, 32, 64];

/** Makes one random struct or union. */
export function randomDeclaration(random: Random): Aggregate {
  return new Generator(random).aggregate(0, true);
}

class Generator {
  #random: Random;
  #tags = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  #chance(probability: number): boolean {
    return this.#random.float() < probability;
  }

  aggregate(depth: number, mayEnd: boolean): Aggregate {
    const random = this.#random;
    const made: Aggregate = {
      kind: this.#chance(0.2) ? "union" : "struct",
      tag: `${this.#tags++}`,
      fields: [],
      packed: this.#chance(0.25),
    };
    if (this.#chance(0.15)) made.align = random.pick(ALIGNMENTS);
    const count = this.#chance(0.02) && depth > 0 ? 0 : 1 + random.int(8);
    const bitShare = random.pick([0, 0.2, 0.5, 0.9]);
    for (let index = 0; index < count; index++) {
      const type = this.#fieldType(depth, bitShare);
      // C has no atomics at odd addresses, and neither have we.
      if (made.packed && hasAtomics(type)) continue;
      if (weightOf(made) + weightOf(type) > MOST_WEIGHT) continue;
      made.fields.push({ name: `f${index}`, type });
    }
    if (made.kind === "struct" && mayEnd && this.#chance(0.1)) {
      this.#addTail(made, depth);
    }
    if (made.kind === "struct" && this.#chance(0.1)) this.#addOffsets(made);
    if (this.#chance(0.05)) {
      made.size = Math.ceil(sizeBound(made) / 64) * 64;
    }
    return made;
  }

  #addTail(made: Aggregate, depth: number): void {
    const element = this.#chance(0.1) && depth < MOST_DEPTH
      ? undefined
      : this.#type(depth + 1);
    const type: Model = element === undefined
      ? this.aggregate(depth + 1, true)
      : { kind: "array", element };
    if (made.packed && hasAtomics(type)) return;
    // What has no value may have no size either, and then no pointer.
    if (weightOf(type) === 0 || weightOf(made) === 0) return;
    if (weightOf(type) > MOST_WEIGHT) return;
    made.fields.push({ name: "tail", type });
  }

  #addOffsets(made: Aggregate): void {
    const random = this.#random;
    for (const field of made.fields.slice(1)) {
      const { type } = field;
      if (!this.#chance(0.4)) continue;
      // Scalars may lie anywhere; a bit-field's unit lies where it does in C.
      const step = type.kind === "bits" || type.kind === "unnamed" ||
          type.kind === "scalar"
        ? 1
        : alignBound(type);
      field.offset = step * random.int(Math.max(2, Math.ceil(40 / step)));
    }
  }

  #fieldType(depth: number, bitShare: number): Field["type"] {
    if (this.#chance(bitShare)) return this.#bits();
    if (this.#chance(0.05)) {
      return { kind: "padding", size: 1 + this.#random.int(9) };
    }
    const type = this.#type(depth);
    return this.#chance(0.1) ? this.#aligned(type) : type;
  }

  #aligned(base: Model): Model {
    return { kind: "aligned", base, align: this.#random.pick(ALIGNMENTS) };
  }

  #bits(): Bits | UnnamedBits {
    const random = this.#random;
    const base: Base = this.#chance(0.1)
      ? { kind: "scalar", name: "bool" }
      : this.#integer();
    const most = base.kind === "scalar" && base.name === "bool"
      ? 1
      : sizeOfBase(base) * 8;
    const width = Math.min(
      most,
      random.pick([1, 1 + random.int(4), 1 + random.int(most), most - 1, most]),
    );
    if (!this.#chance(0.2)) {
      return { kind: "bits", base, width: Math.max(1, width) };
    }
    const ends = most > 1 && this.#chance(0.5);
    return { kind: "unnamed", base, width: ends ? 0 : Math.max(1, width) };
  }

  #integer(): Base {
    const name = this.#random.pick(INTEGERS);
    return this.#chance(0.15)
      ? { kind: "enumeration", base: name }
      : { kind: "scalar", name };
  }

  #type(depth: number): Model {
    const random = this.#random;
    const choice = random.int(20);
    if (choice < 9) return { kind: "scalar", name: random.pick(SCALARS) };
    if (choice < 10) {
      const unit = random.pick([1, 2] as const);
      return { kind: "text", unit, length: 1 + random.int(16) };
    }
    if (choice < 11) {
      return { kind: "enumeration", base: random.pick(INTEGERS) };
    }
    if (choice < 12) return { kind: "atomic", base: this.#atomicBase() };
    if (choice < 16) return this.#array(depth);
    if (depth < MOST_DEPTH) return this.aggregate(depth + 1, false);
    return { kind: "scalar", name: random.pick(SCALARS) };
  }

  #atomicBase(): Base {
    if (this.#chance(0.1)) return { kind: "scalar", name: "bool" };
    if (this.#chance(0.1)) return { kind: "scalar", name: "uintptr" };
    return this.#integer();
  }

  #array(depth: number): Model {
    const random = this.#random;
    let element = this.#type(depth + 1);
    // An array needs elements whose size is a multiple of their alignment.
    // `aligned` does not change the size; a `size` is such a multiple. An
    // attribute on a typedef could lessen an alignment: 64 is the largest.
    if (
      (element.kind === "struct" || element.kind === "union") &&
      element.size !== undefined && this.#chance(0.5)
    ) element = { kind: "aligned", base: element, align: 64 };
    const most = Math.max(1, Math.floor(MOST_WEIGHT / 2 / weightOf(element)));
    const length = this.#chance(0.03)
      ? 0
      : 1 + random.int(Math.min(most, this.#chance(0.1) ? 20 : 4));
    return { kind: "array", element, length };
  }
}
