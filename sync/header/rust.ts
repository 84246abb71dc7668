/** Types as a module of Rust. */

import { InvalidTypeError } from "../../errors.ts";
import {
  aggregateOf,
  type AnyType,
  isFlexible,
  originOf,
} from "../../layout/model/types.ts";
import type {
  Enumeration,
  StructType,
  Type,
  UnionType,
} from "../../layout/mod.ts";
import { structureOf } from "../shared/structure.ts";
import { type Exports, isWord, Names, requireName } from "./names.ts";
import { namedTypesIn, type Piece, piecesOf } from "./pieces.ts";

/** The types of scalars in Rust. A `bool` must not be 2 there: it is a byte. */
const SCALARS: Readonly<Record<string, string>> = {
  bool: "u8",
  u8: "u8",
  i8: "i8",
  u16: "u16",
  i16: "i16",
  u32: "u32",
  i32: "i32",
  u64: "u64",
  i64: "i64",
  uintptr: "usize",
  u128: "u128",
  i128: "i128",
  f16: "F16",
  f32: "f32",
  f64: "f64",
  be16: "Be<u16>",
  be32: "Be<u32>",
  be64: "Be<u64>",
  bei16: "Be<i16>",
  bei32: "Be<i32>",
  bei64: "Be<i64>",
  bef32: "BeFloat<u32>",
  bef64: "BeFloat<u64>",
};

/** The names that the module itself uses. */
const USED =
  "Be BeFloat F16 core bool u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize isize f32 f64";

/**
 * A name of a field, a function or a constant as Rust has it: some words can be
 * one if they are marked.
 *
 * @throws {InvalidTypeError} if Rust cannot have it.
 */
function rustName(name: string, owner: Type): string {
  const isMarked = isWord(name, "Rust") &&
    !/^([Ss]elf|super|crate|_)$/.test(name);
  if (isMarked) return `r#${name}`;
  return requireName(name, `${owner.name}.${name}`, "Rust");
}

/** The patterns and sources of the types that Rust lacks. */
const SUPPORT = [
  [
    /\bBe</,
    `/// An integer in network byte order.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Be<T>(pub T);
${
      ["u16", "u32", "u64", "i16", "i32", "i64"].map((type) =>
        `#[allow(dead_code)]
impl Be<${type}> {
    pub const fn new(value: ${type}) -> Self { Self(value.to_be()) }
    pub const fn get(self) -> ${type} { ${type}::from_be(self.0) }
}`
      ).join("\n")
    }`,
  ],
  [
    /\bBeFloat</,
    `/// A float in network byte order, as its bits.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BeFloat<T>(pub T);
${
      [["u32", "f32"], ["u64", "f64"]].map(([bits, type]) =>
        `#[allow(dead_code)]
impl BeFloat<${bits}> {
    pub fn new(value: ${type}) -> Self { Self(value.to_bits().to_be()) }
    pub fn get(self) -> ${type} { ${type}::from_bits(${bits}::from_be(self.0)) }
}`
      ).join("\n")
    }`,
  ],
  [
    /\bF16\b/,
    `/// The bits of a float of 16 bits.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct F16(pub u16);
#[allow(dead_code)]
impl F16 {
    pub fn get(self) -> f32 {
        let sign = if self.0 & 0x8000 == 0 { 1.0 } else { -1.0 };
        if self.0 & 0x7c00 == 0x7c00 {
            return if self.0 & 0x3ff == 0 { sign * f32::INFINITY } else { f32::NAN };
        }
        // As the bits of an f32 it is too small by 2^112.
        sign * f32::from_bits(((self.0 & 0x7fff) as u32) << 13) * f32::from_bits(239 << 23)
    }
}`,
  ],
] as const;

/** The representation of a struct in Rust. */
interface Representation {
  /** True if Rust lets no packed struct have one of these in it. */
  readonly hasAlign: boolean;
  /** True if it can be copied: atomics cannot. */
  readonly isCopy: boolean;
}

class Module {
  readonly #names = new Names("Rust", USED.split(" "));
  readonly #representations = new Map<AnyType, Representation>();
  readonly #parts: string[] = [];

  constructor(types: Exports) {
    const exported = this.#names.giveAll(types);
    for (const type of namedTypesIn(exported.values())) {
      if (type.kind === "enumeration") this.#enumeration(type);
      else this.#aggregate(type);
    }
    for (const [name, type] of exported) {
      const same = this.#rustType(type);
      if (same !== name) this.#parts.push(`pub type ${name} = ${same};`);
    }
  }

  /** A type in Rust. */
  #rustType(type: Type): string {
    const origin = originOf(type);
    switch (origin.kind) {
      case "array": {
        const length = isFlexible(origin) ? 0 : origin.length;
        return `[${this.#rustType(origin.element)}; ${length}]`;
      }
      case "atomic":
        return atomicOf(origin.base);
      case "safe":
        return this.#rustType(origin.base);
      case "text16":
        return `[u16; ${origin.length}]`;
      case "text":
      case "bytes":
        return bytesOf(origin.length);
      case "struct":
      case "union":
      case "enumeration":
        return this.#names.of(origin);
    }
    const found = Object.hasOwn(SCALARS, origin.kind)
      ? SCALARS[origin.kind]
      : undefined;
    if (found !== undefined) return found;
    throw new InvalidTypeError(`${origin.name}: There is no such type in Rust`);
  }

  #enumeration(type: Enumeration): void {
    const name = this.#names.of(type);
    const base = this.#rustType(type.base);
    const members = Object.entries(type.members).map(([member, value]) =>
      `    pub const ${rustName(member, type)}: ${name} = ${name}(${value});`
    );
    this.#parts.push(`#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(non_camel_case_types)]
pub struct ${name}(pub ${base});
#[allow(non_upper_case_globals, dead_code)]
impl ${name} {
${members.join("\n")}
}`);
  }

  /**
   * The representation of the struct or union that a type is, or has as
   * elements.
   */
  #representationOf(type: Type): Representation | undefined {
    const origin = originOf(type);
    return origin.kind === "array"
      ? this.#representationOf(origin.element)
      : this.#representations.get(origin);
  }

  #isCopy(type: Type): boolean {
    const origin = originOf(type);
    if (origin.kind === "array") return this.#isCopy(origin.element);
    return origin.kind !== "atomic" &&
      (this.#representations.get(origin)?.isCopy ?? true);
  }

  #represent(type: StructType | UnionType, pieces: readonly Piece[]): string {
    const aligns = pieces.map((piece) => alignOf(piece.type));
    const natural = Math.max(1, ...aligns);
    const inner = pieces.map(({ type }) =>
      type === undefined ? undefined : this.#representationOf(type)
    );
    const innerAlign = inner.some((found) => found?.hasAlign);
    const isNatural = pieces.every((piece) => isPlain(piece, type.align));
    // What is neither natural nor packed has what is not aligned as bytes.
    const isPacked = !isNatural && type.align === 1 && !innerAlign;
    const own = isPacked
      ? "C, packed"
      : isNatural && natural === type.align
      ? "C"
      : `C, align(${type.align})`;
    this.#representations.set(type, {
      hasAlign: innerAlign || own.includes("align"),
      isCopy: pieces.every((piece) =>
        piece.type === undefined || this.#isCopy(piece.type)
      ),
    });
    return own;
  }

  #aggregate(type: StructType | UnionType): void {
    const name = this.#names.of(type);
    const pieces = piecesOf(type);
    const repr = this.#represent(type, pieces);
    const { isCopy } = this.#representations.get(type)!;
    const fields = pieces.map((piece) => {
      const fits = repr === "C, packed" || isPlain(piece, type.align);
      const own = piece.type === undefined || !fits
        ? bytesOf(piece.size)
        : this.#rustType(piece.type);
      const held = type.kind === "union" && piece.type !== undefined &&
          !this.#isCopy(piece.type)
        ? `core::mem::ManuallyDrop<${own}>`
        : own;
      return `    pub ${rustName(piece.name, type)}: ${held},`;
    });
    const bits = pieces.flatMap((piece) => this.#bitFields(type, piece));
    const structure = structureOf(type);
    if (structure !== undefined) this.#names.take(`${name}_CAPACITY`);
    this.#parts.push([
      `#[repr(${repr})]`,
      ...isCopy ? ["#[derive(Clone, Copy)]"] : [],
      "#[allow(non_camel_case_types, non_snake_case, dead_code)]",
      `pub ${type.kind} ${name} {`,
      ...fields,
      "}",
      ...bits.length === 0 ? [] : [
        "#[allow(non_snake_case, dead_code)]",
        `impl ${name} {`,
        ...bits,
        "}",
      ],
      ...structure === undefined ? [] : [
        "#[allow(non_upper_case_globals, dead_code)]",
        `pub const ${name}_CAPACITY: u32 = ${structure.capacity};`,
      ],
      "const _: () = {",
      `    assert!(core::mem::size_of::<${name}>() == ${type.size});`,
      `    assert!(core::mem::align_of::<${name}>() == ${type.align});`,
      ...pieces.map(({ name: field, offset }) =>
        `    assert!(core::mem::offset_of!(${name}, ${
          rustName(field, type)
        }) == ${offset});`
      ),
      "};",
    ].join("\n"));
  }

  /** The functions that read and write the bit-fields of a piece. */
  #bitFields(type: StructType | UnionType, piece: Piece): string[] {
    const unit = type.kind === "union"
      ? [
        `unsafe { &self.${rustName(piece.name, type)} }`,
        `unsafe { &mut self.${rustName(piece.name, type)} }`,
      ]
      : [
        `&self.${rustName(piece.name, type)}`,
        `&mut self.${rustName(piece.name, type)}`,
      ];
    return piece.bits.map(({ name, type: { base, width }, shift }) => {
      const integer = base.kind === "enumeration" ? base.base : base;
      const plain = integer.kind === "bool" ? "bool" : SCALARS[integer.kind]!;
      const isNamed = base.kind === "enumeration";
      const result = isNamed ? this.#names.of(base) : plain;
      // At most nine bytes have a part of it.
      const first = Math.floor(shift / 8);
      const end = Math.ceil((shift + width) / 8);
      const within = shift - first * 8;
      const mask = `(u128::MAX >> ${128 - width})`;
      const read = plain === "bool"
        ? "value != 0"
        : plain.startsWith("i")
        ? `((value << ${128 - width}) as i128 >> ${128 - width}) as ${plain}`
        : `value as ${plain}`;
      return `    pub fn ${rustName(name, type)}(&self) -> ${result} {
        let mut bytes = [0u8; 16];
        bytes[..${end - first}].copy_from_slice(&(${
        unit[0]
      })[${first}..${end}]);
        let value = u128::from_le_bytes(bytes) >> ${within} & ${mask};
        ${isNamed ? `${result}(${read})` : read}
    }
    pub fn ${setterOf(name, type)}(&mut self, value: ${result}) {
        let unit = ${unit[1]};
        let mut bytes = [0u8; 16];
        bytes[..${end - first}].copy_from_slice(&unit[${first}..${end}]);
        let others = u128::from_le_bytes(bytes) & !(${mask} << ${within});
        let own = (${
        isNamed ? "value.0" : "value"
      } as u128 & ${mask}) << ${within};
        bytes = (others | own).to_le_bytes();
        unit[${first}..${end}].copy_from_slice(&bytes[..${end - first}]);
    }`;
    });
  }

  text(): string {
    const parts = this.#parts.join("\n\n");
    const support = SUPPORT.filter(([used]) => used.test(parts)).map((
      [, text],
    ) => text);
    return [
      "// Written by hostmem header. Linux on x86-64 and aarch64, Rust 1.77.",
      ...support,
      parts,
    ].join("\n\n") + "\n";
  }
}

/** The alignment that Rust gives a type, in bytes. */
function alignOf(type: AnyType | undefined): number {
  if (type === undefined) return 1;
  const origin = originOf(type);
  return origin.kind === "array"
    ? alignOf(origin.element as AnyType)
    : origin.align;
}

/**
 * Tests whether a piece lies where Rust would have it in a struct of an
 * alignment.
 */
function isPlain({ type, offset }: Piece, align: number): boolean {
  const needed = alignOf(type);
  return needed <= align && offset % needed === 0;
}

function atomicOf(base: Type): string {
  switch (base.kind) {
    case "enumeration":
      return atomicOf((base as Enumeration).base);
    case "uintptr":
      return "core::sync::atomic::AtomicUsize";
    case "bool":
      return "core::sync::atomic::AtomicU8";
  }
  return `core::sync::atomic::Atomic${base.kind.toUpperCase()}`;
}

/**
 * The function that stores a bit-field.
 *
 * @throws {InvalidTypeError} if another bit-field is read by one of that name.
 */
function setterOf(name: string, owner: StructType | UnionType): string {
  const setter = `set_${name}`;
  const isTaken = aggregateOf(owner).members.some((other) =>
    other.name === setter && other.type.kind === "bits"
  );
  if (!isTaken) return setter;
  throw new InvalidTypeError(
    `${owner.name}.${setter}: The name is that of the function in Rust that stores ${name}`,
  );
}

function bytesOf(size: number): string {
  return `[u8; ${size}]`;
}

/**
 * A module of Rust for types: `#[repr(C)]` structs and unions with an assertion in
 * `const` for every size, alignment and offset. Gaps are fields. It needs Rust
 * 1.77 and no crate.
 *
 * A struct that C packs is `packed`. Rust has no packed struct with an
 * alignment: there a misaligned field is its bytes. `bool` is a `u8`, since in
 * Rust it may only be 0 or 1, an enumeration a struct around its integer,
 * `atomic` what `core::sync::atomic` has. Bit-fields are two functions each,
 * `low()` and `set_low()`. Rings and seqlocks are their fields alone: Rust can
 * use them by the functions of `cHeader`.
 *
 * @param types The types, by the names that they are to have.
 * @throws {InvalidTypeError} if Rust cannot have a name, or a struct has fields
 * that share bytes.
 *
 * @example A sample that Rust reads
 * ```ts
 * import { be32, f64, HostLayout, struct } from "@hostmem/hostmem";
 * import { rustModule } from "@hostmem/hostmem/sync";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const Sample = struct("Sample", { _: HostLayout, address: be32, value: f64 });
 * const source = rustModule({ Sample });
 * assertStringIncludes(source, "pub address: Be<u32>,");
 * assertStringIncludes(source, "offset_of!(Sample, value) == 8");
 * ```
 */
export function rustModule(types: Exports): string {
  return new Module(types).text();
}
