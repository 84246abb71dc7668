/** Declarations written in C. */

import {
  type Aggregate,
  aggregatesIn,
  type Base,
  type Field,
  type Integer,
  INTEGERS,
  type Model,
  runsOf,
  type ScalarName,
  sizeOfBase,
} from "./declarations.ts";

const C_SCALARS: Record<ScalarName, string> = {
  bool: "_Bool",
  u8: "__UINT8_TYPE__",
  i8: "__INT8_TYPE__",
  u16: "__UINT16_TYPE__",
  i16: "__INT16_TYPE__",
  u32: "__UINT32_TYPE__",
  i32: "__INT32_TYPE__",
  u64: "__UINT64_TYPE__",
  i64: "__INT64_TYPE__",
  f32: "float",
  f64: "double",
  uintptr: "__UINTPTR_TYPE__",
  be16: "__UINT16_TYPE__",
  be32: "__UINT32_TYPE__",
  be64: "__UINT64_TYPE__",
  bei16: "__UINT16_TYPE__",
  bei32: "__UINT32_TYPE__",
  bei64: "__UINT64_TYPE__",
  bef32: "__UINT32_TYPE__",
  bef64: "__UINT64_TYPE__",
  f16: "HALF_TYPE",
  u128: "unsigned __int128",
  i128: "__int128",
  safeU64: "__UINT64_TYPE__",
  safeI64: "__INT64_TYPE__",
};

/** The least and the most of an integer, as C constants. */
function limitsOf(integer: Integer): [string, string] {
  const bits = Number(integer.slice(1));
  if (integer.startsWith("u")) {
    return ["0", `${(1n << BigInt(bits)) - 1n}ull`];
  }
  const most = (1n << BigInt(bits - 1)) - 1n;
  return [`-${most}ll - 1`, `${most}ll`];
}

/**
 * Floats of 16 bits: `_Float16`, or their bits where a compiler has none, as clang
 * before 15 on x86-64. `HALF_IS` takes all that are not a number for one.
 */
const HALF =
  `#if defined(__clang__) && __clang_major__ < 15 && defined(__x86_64__)
#define HALF_TYPE __UINT16_TYPE__
#define HALF(number, bits) bits
#define HALF_IS(at, number, bits) \\
  ((bits) == 0x7e00 ? ((at) & 0x7fff) > 0x7c00 : (at) == (bits))
#else
#define HALF_TYPE _Float16
#define HALF(number, bits) number
#define HALF_IS(at, number, bits) \\
  ((bits) == 0x7e00 ? (at) != (at) \\
                    : (at) == (number) && !!__builtin_signbit(at) == (bits) >> 15)
#endif`;

/**
 * The begin of every translation unit. Before C23 an enumeration has the
 * smallest type that holds its members where it is packed, or else an `int` or
 * larger, so the members decide.
 */
export const PREAMBLE: string = [
  HALF,
  ...Object.entries(C_SCALARS).map(([name, type]) => `typedef ${type} ${name};`)
    .filter((line) => !line.endsWith(" bool;")),
  ...INTEGERS.map((integer) => {
    const [least, most] = limitsOf(integer);
    return `enum __attribute__((packed)) e_${integer} { LEAST_${integer} = ${least}, MOST_${integer} = ${most} };`;
  }),
  "",
].join("\n");

/** The name of a struct or union as C has it. */
export function nameOf(aggregate: Aggregate, prefix: string): string {
  return `${aggregate.kind} ${prefix}_${aggregate.tag}`;
}

/** The definitions of a struct or union and of all that is in it. */
export function definitionsOf(aggregate: Aggregate, prefix: string): string {
  return aggregatesIn(aggregate)
    .map((inner) => new Writer(prefix).define(inner))
    .join("\n");
}

/**
 * The path from a struct to a field of it. Runs of fields with offsets of their
 * own are structs of their own in C, in one union.
 */
export function pathTo(aggregate: Aggregate, field: Field): string {
  if (!isOverlaid(aggregate)) return field.name;
  const run = laidRuns(aggregate).findIndex((run) => run.includes(field));
  return `overlay.run${run}.${field.name}`;
}

/** The type that an integer, scalar or enumeration is in C. */
export function baseName(base: Base): string {
  if (base.kind === "enumeration") return `enum e_${base.base}`;
  return base.name === "bool" ? "_Bool" : base.name;
}

function isOverlaid({ fields, size }: Aggregate): boolean {
  return size !== undefined ||
    fields.some(({ offset }) => offset !== undefined);
}

function laidRuns(aggregate: Aggregate): Field[][] {
  return aggregate.kind === "union"
    ? aggregate.fields.map((field) => [field])
    : runsOf(aggregate);
}

class Writer {
  readonly #prefix: string;
  readonly #typedefs: string[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  define(aggregate: Aggregate): string {
    const overlaid = isOverlaid(aggregate);
    const body = overlaid
      ? this.#overlay(aggregate)
      : this.#fields(aggregate, aggregate.fields, "  ");
    // What is overlaid is packed inside: the runs are, their union is not.
    const attributes = attribute([
      ...aggregate.packed && !overlaid ? ["packed"] : [],
      ...aggregate.align === undefined ? [] : [`aligned(${aggregate.align})`],
    ]);
    return [
      ...this.#typedefs,
      `${nameOf(aggregate, this.#prefix)} {`,
      ...body,
      `}${attributes};`,
    ].join("\n");
  }

  #overlay(aggregate: Aggregate): string[] {
    const packed = attribute(aggregate.packed ? ["packed"] : []);
    const runs = laidRuns(aggregate).flatMap((run, index) => {
      const lead = run[0]!.offset ?? 0;
      return [
        "    struct {",
        ...lead === 0 ? [] : [`      char lead[${lead}];`],
        ...this.#fields(aggregate, run, "      "),
        `    }${packed} run${index};`,
      ];
    });
    return [
      "  union {",
      ...runs,
      ...aggregate.size === undefined
        ? []
        : [`    char all[${aggregate.size}];`],
      "  } overlay;",
    ];
  }

  #fields(aggregate: Aggregate, fields: Field[], indent: string): string[] {
    return fields.map((field, index) => {
      // C wants a named field before a flexible array; GNU C has [0] elsewhere.
      const first = aggregate.kind === "union" ||
        fields.slice(0, index).every(({ type }) => type.kind === "unnamed");
      return `${indent}${this.#field(field, first)};`;
    });
  }

  #field({ name, type, offset }: Field, first: boolean): string {
    switch (type.kind) {
      case "bits":
        return `${baseName(type.base)} ${name} : ${type.width}`;
      case "unnamed":
        return `${baseName(type.base)} : ${type.width}`;
      case "padding":
        return `unsigned char ${name}[${type.size}]`;
      case "aligned":
        return this.#declarator(type.base, name, first) +
          attribute([`aligned(${type.align})`]);
      case "scalar": {
        // A scalar at an odd offset does not align the struct.
        const packed = (offset ?? 0) % sizeOfBase(type) !== 0;
        return this.#declarator(type, name, first) +
          attribute(packed ? ["packed"] : []);
      }
      default:
        return this.#declarator(type, name, first);
    }
  }

  #declarator(type: Model, name: string, first: boolean): string {
    let dimensions = "";
    let element = type;
    while (element.kind === "array") {
      dimensions += `[${element.length ?? (first ? 0 : "")}]`;
      element = element.element;
    }
    if (element.kind === "text") dimensions += `[${element.length}]`;
    return `${this.#element(element)} ${name}${dimensions}`;
  }

  #element(type: Exclude<Model, { kind: "array" }>): string {
    switch (type.kind) {
      case "scalar":
      case "enumeration":
        return baseName(type);
      case "text":
        return type.unit === 1 ? "char" : "__CHAR16_TYPE__";
      case "atomic":
        return `_Atomic ${baseName(type.base)}`;
      case "struct":
      case "union":
        return nameOf(type, this.#prefix);
      case "aligned": {
        // An attribute of an array's elements belongs to their type.
        const [aggregate] = aggregatesIn(type.base).slice(-1);
        const name = `${this.#prefix}_${aggregate!.tag}_aligned`;
        this.#typedefs.push(
          `typedef ${nameOf(aggregate!, this.#prefix)} ${name}` +
            `${attribute([`aligned(${type.align})`])};`,
        );
        return name;
      }
    }
  }
}

function attribute(attributes: string[]): string {
  return attributes.length === 0
    ? ""
    : ` __attribute__((${attributes.join(", ")}))`;
}
