/** Types as a header of C11. */

import { InvalidTypeError } from "../../errors.ts";
import { bitsOf } from "../../layout/model/extents.ts";
import {
  aggregateOf,
  type AnyType,
  bitFieldOf,
  isFlexible,
  type Member,
  originOf,
} from "../../layout/model/types.ts";
import { declarationOf } from "../../layout/mod.ts";
import type { Enumeration, StructType, UnionType } from "../../layout/mod.ts";
import { structureOf, unitOf } from "../shared/structure.ts";
import { functionsOf, SUPPORT } from "./c_support.ts";
import { type Exports, Names, requireName } from "./names.ts";
import { isNamed, namedTypesIn, unusedName } from "./pieces.ts";

/** A declarator's two halves: `uint8_t` and `[4]`. */
interface Declarator {
  readonly base: string;
  readonly suffix: string;
}

class Header {
  readonly #names = new Names("C");
  readonly #parts: string[] = [];
  #hasStructures = false;

  constructor(types: Exports) {
    const exported = this.#names.giveAll(types);
    for (const type of namedTypesIn(exported.values())) {
      if (type.kind === "enumeration") {
        this.#parts.push(this.#enumeration(type));
      } else {
        this.#parts.push(this.#aggregate(type));
        this.#structure(type);
      }
    }
    for (const [name, type] of exported) this.#alias(name, type);
  }

  /** Another name for what has none in C, or has one already. */
  #alias(name: string, type: AnyType): void {
    const origin = originOf(type);
    if (isNamed(origin) && this.#names.of(origin) === name) return;
    const { base, suffix } = this.#declarator(type);
    this.#parts.push(`typedef ${base} ${name}${suffix};`);
  }

  #declarator(type: AnyType): Declarator {
    const origin = originOf(type);
    switch (origin.kind) {
      case "array": {
        const { base, suffix } = this.#declarator(origin.element as AnyType);
        const length = isFlexible(origin) ? "" : origin.length;
        return { base, suffix: `[${length}]${suffix}` };
      }
      case "atomic": {
        const { base, suffix } = this.#declarator(origin.base);
        return { base: `_Atomic ${base}`, suffix };
      }
      case "bits":
        return this.#declarator(origin.base);
      case "struct":
      case "union":
        return { base: `${origin.kind} ${this.#names.of(origin)}`, suffix: "" };
      case "enumeration":
        return { base: this.#names.of(origin), suffix: "" };
      case "be16":
      case "be32":
      case "be64":
      case "bei16":
      case "bei32":
      case "bei64":
      case "bef32":
      case "bef64":
        return { base: `uint${origin.size * 8}_t`, suffix: "" };
    }
    const [, base, suffix] = /^([^[]+?)((?:\[.*)?)$/.exec(
      declarationOf(origin),
    )!;
    return { base: base!, suffix: suffix! };
  }

  #enumeration(type: Enumeration): string {
    const name = this.#names.of(type);
    const { base } = this.#declarator(type.base as AnyType);
    const members = Object.entries(type.members).map(([member, value]) =>
      `#define ${name}_${
        requireName(member, type.name, "C")
      } ((${name})${value}${typeof value === "bigint" ? "LL" : ""})`
    );
    return [`typedef ${base} ${name};`, ...members].join("\n");
  }

  #aggregate(type: StructType | UnionType): string {
    const name = this.#names.of(type);
    const { members } = aggregateOf(type);
    const packed = isPacked(type);
    const title = `${type.kind} ${name}`;
    const body = new Body(type, packed, (type) => this.#declarator(type));
    for (const member of members) body.add(member);
    const attributes = [
      ...(packed ? ["packed"] : []),
      `aligned(${type.align})`,
    ].join(", ");
    const asserts = members
      .filter(({ type, bit }) => bit === undefined && type.kind !== "padding")
      .map(({ name, offset }) => [
        `offsetof(${title}, ${name}) == ${offset}`,
        `${title}: ${name} is elsewhere`,
      ]);
    return [
      `${title} {`,
      ...body.finish(),
      `} __attribute__((${attributes}));`,
      ...[
        [`sizeof(${title}) == ${type.size}`, `${title}: the size differs`],
        [
          `_Alignof(${title}) == ${type.align}`,
          `${title}: the alignment differs`,
        ],
        ...asserts,
      ].map(([condition, message]) =>
        `_Static_assert(${condition}, "${message}");`
      ),
    ].join("\n");
  }

  #structure(type: StructType | UnionType): void {
    const structure = structureOf(type);
    if (structure === undefined) return;
    const { kind, element, capacity } = structure;
    if (!this.#hasStructures) this.#parts.push(SUPPORT.trim());
    this.#hasStructures = true;
    const name = this.#names.of(type);
    const { base, suffix } = this.#declarator(element);
    const { size, grain } = unitOf(structure);
    this.#parts.push(
      [
        `typedef ${base} ${name}_element${suffix};`,
        `#define ${name}_CAPACITY ${capacity}u`,
        `#define ${name}_GRAIN ${grain}u`,
        `#define ${name}_FORMAT (${capacity}ull << 32 | ${size})`,
      ].join("\n"),
      functionsOf(kind, name),
    );
  }

  text(): string {
    return [
      "/*\n * Written by hostmem header. Linux on x86-64 and aarch64, C11, not C++. " +
      "Include it\n * before other headers, or compile with -D_GNU_SOURCE.\n */",
      `#pragma once`,
      ...this.#hasStructures
        ? ["#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif"]
        : [],
      `#include <stdatomic.h>\n#include <stddef.h>\n#include <stdint.h>`,
      ...this.#parts.some((part) => part.includes("char16_t"))
        ? ["#include <uchar.h>"]
        : [],
      ...this.#parts,
    ].join("\n\n") + "\n";
  }
}

/**
 * Tests whether C must be told to pack a struct. One from elsewhere does not
 * say, but has members where C would not align them. Its bit-fields would then
 * move, without an assertion that could tell: such a one does not compile.
 */
function isPacked(type: StructType | UnionType): boolean {
  const { members, packed } = aggregateOf(type);
  if (packed || members.some(({ bit }) => bit !== undefined)) return packed;
  return members.some(({ type: own, offset }) => {
    const { align } = originOf(own);
    return align > type.align || offset % align !== 0;
  });
}

/** The members of a struct or union, with the gaps between them. */
class Body {
  readonly #type: StructType | UnionType;
  readonly #packed: boolean;
  readonly #declarator: (type: AnyType) => Declarator;
  readonly #lines: string[] = [];
  /** The least offset of the next member, in bits. */
  #end = 0;
  #gaps = 0;

  constructor(
    type: StructType | UnionType,
    packed: boolean,
    declarator: (type: AnyType) => Declarator,
  ) {
    this.#type = type;
    this.#packed = packed;
    this.#declarator = declarator;
  }

  add(member: Member): void {
    const { name, type, offset } = member;
    const isStruct = this.#type.kind === "struct";
    const [start, end] = bitsOf(member);
    const bits = bitFieldOf(type);
    if (isStruct && start < this.#end) {
      throw new InvalidTypeError(
        `${this.#type.name}.${name}: A field that shares bytes with another cannot be written in C: it must be in a union`,
      );
    }
    if (bits !== undefined) {
      const { base } = this.#declarator(bits.base as AnyType);
      const declared = type === bits ? ` ${this.#name(name)}` : "";
      this.#lines.push(`\t${base}${declared} : ${bits.width};`);
      if (isStruct) this.#end = end;
      return;
    }
    if (type.kind === "padding") return;
    if (isStruct) {
      this.#fill(offset, this.#packed ? 1 : originOf(type).align);
    }
    const { base, suffix } = this.#declarator(type);
    this.#lines.push(`\t${base} ${this.#name(name)}${suffix};`);
    if (isStruct) this.#end = end;
  }

  #name(name: string): string {
    return requireName(name, `${this.#type.name}.${name}`, "C");
  }

  /** Fills up to an offset, where C would not do so by itself. */
  #fill(offset: number, align: number): void {
    const end = Math.ceil(this.#end / 8);
    const natural = Math.ceil(end / align) * align;
    if (offset <= natural) return;
    this.#lines.push(this.#gap(offset - end));
  }

  #gap(size: number): string {
    return this.#bytes(`_gap${this.#gaps++}`, size);
  }

  /** Bytes that are no member. */
  #bytes(wanted: string, size: number): string {
    const name = unusedName(wanted, aggregateOf(this.#type).members);
    return `\tuint8_t ${name}[${size}];`;
  }

  finish(): readonly string[] {
    const { size, align, kind } = this.#type;
    const end = Math.ceil(this.#end / 8);
    if (kind === "struct" && Math.ceil(end / align) * align < size) {
      this.#lines.push(this.#gap(size - end));
    }
    if (kind === "union" && this.#lines.length > 0) {
      this.#lines.push(this.#bytes("_gap", size));
    }
    return this.#lines;
  }
}

/**
 * A header of C11 for types: their declarations, a `_Static_assert` for every size
 * and offset, and static inline functions for all that `sync` has.
 *
 * A ring `Quotes` has `Quotes_producer_open`, `_reserve`, `_submit`, `_discard`,
 * `_producer_wait`, `_producer_close`, and `Quotes_consumer_open`, `_next`,
 * `_release`, `_consumer_wait`, `_consumer_close`; one of messages `_shorten` and
 * `_write`, too; a seqlock `_writer_open`, `_write`, `_read`, `_try_read`,
 * `_writer_close`; a `Latest` `_writer_open`, `_draft`, `_submit`,
 * `_writer_close`, and `_reader_open`, `_read`, `_reader_wait`, `_reader_close`.
 * `hostmem_wait` and `hostmem_notify` are like `wait` and `notify` here.
 * Functions that can fail return 0 or a negative error number.
 *
 * @param types The types, by the names that they are to have.
 * @throws {InvalidTypeError} if C cannot have a name, or a struct has fields that
 * share bytes.
 *
 * @example A ring whose producer is written in C
 * ```ts
 * import { f64, HostLayout, struct, u32 } from "@hostmem/hostmem";
 * import { cHeader, SpscRing } from "@hostmem/hostmem/sync";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const Quote = struct("Quote", { _: HostLayout, id: u32, price: f64 });
 * const header = cHeader({ Quotes: SpscRing(Quote, 1024) });
 * assertStringIncludes(header, "static inline Quotes_element *Quotes_reserve(");
 * ```
 */
export function cHeader(types: Exports): string {
  return new Header(types).text();
}
