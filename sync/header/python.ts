/** Types as a module of Python: for `ctypes`, and for numpy where it is there. */

import { InvalidTypeError } from "../../errors.ts";
import {
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
import { type Exports, Names, requireName } from "./names.ts";
import { isNamed, namedTypesIn, type Piece, piecesOf } from "./pieces.ts";

/** The types of numbers in `ctypes` and in numpy. */
const SCALARS: Readonly<
  Record<string, readonly [ctypes: string, numpy: string]>
> = {
  bool: ["ctypes.c_bool", '"?"'],
  u8: ["ctypes.c_uint8", '"u1"'],
  i8: ["ctypes.c_int8", '"i1"'],
  u16: ["ctypes.c_uint16", '"<u2"'],
  i16: ["ctypes.c_int16", '"<i2"'],
  u32: ["ctypes.c_uint32", '"<u4"'],
  i32: ["ctypes.c_int32", '"<i4"'],
  u64: ["ctypes.c_uint64", '"<u8"'],
  i64: ["ctypes.c_int64", '"<i8"'],
  uintptr: ["ctypes.c_uint64", '"<u8"'],
  u128: ["u128", '("<u8", (2,))'],
  i128: ["i128", '("<u8", (2,))'],
  f16: ["f16", '"<f2"'],
  f32: ["ctypes.c_float", '"<f4"'],
  f64: ["ctypes.c_double", '"<f8"'],
  be16: ["ctypes.c_uint16.__ctype_be__", '">u2"'],
  be32: ["ctypes.c_uint32.__ctype_be__", '">u4"'],
  be64: ["ctypes.c_uint64.__ctype_be__", '">u8"'],
  bei16: ["ctypes.c_int16.__ctype_be__", '">i2"'],
  bei32: ["ctypes.c_int32.__ctype_be__", '">i4"'],
  bei64: ["ctypes.c_int64.__ctype_be__", '">i8"'],
  bef32: ["ctypes.c_float.__ctype_be__", '">f4"'],
  bef64: ["ctypes.c_double.__ctype_be__", '">f8"'],
};

/** The names that the module itself uses. */
const USED =
  "ctypes enum numpy struct _bit_field _Wide u128 i128 f16 int bytes bool list property getattr ValueError TypeError ImportError";

/** The attributes that `ctypes` uses in its classes. */
const ATTRIBUTES =
  /^(__.*__|_(fields|pack|layout|align|anonymous|swappedbytes|b_base|b_needsfree|objects|type|length)_?)$/;

const BEGIN = `"""Written by hostmem header. Linux on x86-64 and aarch64."""

import ctypes
import enum
import struct

try:
    import numpy
except ImportError:
    numpy = None


def _bit_field(name, shift, width, kind):
    """A bit-field in bytes, which are read and written as a whole."""
    mask = (1 << width) - 1

    def get(self):
        value = int.from_bytes(getattr(self, name), "little") >> shift & mask
        if kind == "signed" and value >> width - 1:
            value -= 1 << width
        return bool(value) if kind == "bool" else value

    def put(self, value):
        least = -(1 << width - 1) if kind == "signed" else 0
        if not least <= value <= least + mask:
            raise ValueError(f"{value!r} is not from {least} to {least + mask}")
        unit = getattr(self, name)
        whole = int.from_bytes(unit, "little") & ~(mask << shift)
        whole |= (int(value) & mask) << shift
        unit[:] = list(whole.to_bytes(ctypes.sizeof(unit), "little"))

    return property(get, put)


class _Wide(ctypes.Structure):
    """An integer of 128 bits: its value is that of the attribute value."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("_bytes", ctypes.c_uint8 * 16)]
    _signed = False

    @property
    def value(self):
        return int.from_bytes(self._bytes, "little", signed=self._signed)

    @value.setter
    def value(self, value):
        self._bytes[:] = list(value.to_bytes(16, "little", signed=self._signed))


class u128(_Wide):
    pass


class i128(_Wide):
    _signed = True


class f16(ctypes.Structure):
    """A float of 16 bits: its value is that of the attribute value."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("_bytes", ctypes.c_uint8 * 2)]

    @property
    def value(self):
        return struct.unpack("<e", self._bytes)[0]

    @value.setter
    def value(self, value):
        self._bytes[:] = list(struct.pack("<e", value))
`;

class Module {
  readonly #names = new Names("Python", USED.split(" "));
  readonly #parts: string[] = [BEGIN.trim()];
  readonly #dtypes: string[] = [];

  constructor(types: Exports) {
    const exported = this.#names.giveAll(types);
    for (const type of namedTypesIn(exported.values())) {
      if (type.kind === "enumeration") this.#enumeration(type);
      else this.#aggregate(type);
    }
    for (const [name, type] of exported) {
      const origin = originOf(type);
      const same = isNamed(origin)
        ? this.#names.of(origin)
        : this.#ctype(origin);
      if (same === name) continue;
      this.#parts.push(`${name} = ${same}`);
      this.#dtype(name, this.#format(type));
    }
  }

  /** A type in `ctypes`. */
  #ctype(type: Type): string {
    const origin = originOf(type);
    switch (origin.kind) {
      case "array": {
        const length = isFlexible(origin) ? 0 : origin.length;
        return `(${this.#ctype(origin.element)} * ${length})`;
      }
      case "atomic":
      case "enumeration":
      case "safe":
        return this.#ctype(origin.base);
      case "text":
        return `(ctypes.c_char * ${origin.length})`;
      case "text16":
        return `(ctypes.c_uint16 * ${origin.length})`;
      case "bytes":
        return bytesOf(origin.length);
      case "struct":
      case "union":
        return this.#names.of(origin);
    }
    return scalarOf(origin)[0];
  }

  /** A type in numpy, as an expression of Python. */
  #format(type: Type): string {
    const origin = originOf(type);
    switch (origin.kind) {
      case "array":
        return `(${this.#format(origin.element)}, (${origin.length},))`;
      case "atomic":
      case "enumeration":
      case "safe":
        return this.#format(origin.base);
      case "text":
        return `"S${origin.length}"`;
      case "text16":
        return `("<u2", (${origin.length},))`;
      case "bytes":
        return `("u1", (${origin.length},))`;
      case "struct":
      case "union":
        return `${this.#names.of(origin)}_dtype`;
    }
    return scalarOf(origin)[1];
  }

  #enumeration(type: Enumeration): void {
    const name = this.#names.of(type);
    const members = Object.entries(type.members).map(([member, value]) =>
      `    ${JSON.stringify(memberName(member, type, name))}: ${value},\n`
    );
    this.#parts.push(
      `${name} = enum.IntEnum("${name}", {\n${members.join("")}})`,
    );
    this.#dtype(name, this.#format(type));
  }

  #aggregate(type: StructType | UnionType): void {
    const name = this.#names.of(type);
    const pieces = piecesOf(type);
    const fields = pieces.map((piece) =>
      `        ("${attribute(piece.name, type)}", ${this.#typeOf(piece)}),\n`
    );
    const structure = structureOf(type);
    if (structure !== undefined) this.#names.take(`${name}_CAPACITY`);
    this.#parts.push(
      `class ${name}(ctypes.${type.kind === "struct" ? "Structure" : "Union"}):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [
${fields.join("")}    ]`,
      [
        ...pieces.flatMap((piece) => propertiesOf(piece, type, name)),
        ...structure === undefined
          ? []
          : [`${name}_CAPACITY = ${structure.capacity}`],
        `assert ctypes.sizeof(${name}) == ${type.size}`,
        ...pieces.map((piece) =>
          `assert ${name}.${piece.name}.offset == ${piece.offset}`
        ),
      ].join("\n"),
    );
    // Nothing that has no size or no meaning of its own is a column.
    const columns = pieces.filter(({ type, bits, size }) =>
      size > 0 && (type !== undefined || bits.length > 0)
    );
    const list = (part: (piece: Piece) => string) =>
      `[${columns.map(part).join(", ")}]`;
    this.#dtype(
      name,
      `{
        "names": ${list((piece) => `"${piece.name}"`)},
        "formats": ${
        list(({ type, size }) =>
          type === undefined ? `("u1", (${size},))` : this.#format(type)
        )
      },
        "offsets": ${list(({ offset }) => `${offset}`)},
        "itemsize": ${type.size},
    }`,
    );
  }

  #typeOf({ type, size }: Piece): string {
    return type === undefined ? bytesOf(size) : this.#ctype(type);
  }

  #dtype(name: string, format: string): void {
    this.#names.take(`${name}_dtype`);
    this.#dtypes.push(`    ${name}_dtype = numpy.dtype(${format})`);
  }

  text(): string {
    return [
      ...this.#parts,
      `if numpy is not None:\n${this.#dtypes.join("\n")}`,
    ].join("\n\n") + "\n";
  }
}

function bytesOf(size: number): string {
  return `(ctypes.c_uint8 * ${size})`;
}

function scalarOf(type: AnyType): readonly [string, string] {
  const found = Object.hasOwn(SCALARS, type.kind)
    ? SCALARS[type.kind]
    : undefined;
  if (found !== undefined) return found;
  throw new InvalidTypeError(
    `${type.name}: There is no such type in Python`,
  );
}

/** @throws {InvalidTypeError} if no attribute of a class can have the name. */
function attribute(name: string, owner: Type): string {
  requireName(name, `${owner.name}.${name}`, "Python");
  if (!ATTRIBUTES.test(name)) return name;
  throw new InvalidTypeError(
    `${owner.name}.${name}: The name ${
      JSON.stringify(name)
    } means something else in a class of ctypes`,
  );
}

/** @throws {InvalidTypeError} if no member of an IntEnum can have the name. */
function memberName(name: string, owner: Type, className: string): string {
  // "_x_" and "__x__" are Python's own, and "_Color__x" is private to Color.
  const isOwn = /^(mro)?$|^(__?)[^_](.*[^_])?\2$/.test(name) ||
    name.startsWith(`_${className}__`);
  if (!isOwn) return name;
  throw new InvalidTypeError(
    `${owner.name}.${name}: The name ${
      JSON.stringify(name)
    } means something else in an enumeration of Python`,
  );
}

/** The properties of the bit-fields in some bytes. */
function propertiesOf(
  { name, bits }: Piece,
  type: Type,
  owner: string,
): string[] {
  return bits.map(({ name: field, type: { base, width }, shift }) => {
    const integer = base.kind === "enumeration" ? base.base : base;
    const kind = integer.kind === "bool"
      ? "bool"
      : integer.kind.startsWith("i")
      ? "signed"
      : "unsigned";
    return `${owner}.${
      attribute(field, type)
    } = _bit_field("${name}", ${shift}, ${width}, "${kind}")`;
  });
}

/**
 * A module of Python for types: classes of `ctypes` with an assertion for every
 * size and offset, and, where numpy is there, a dtype for each: `Quote` has
 * `Quote_dtype`. Structs are packed and have every gap as a field, so that no
 * rule of a version of Python decides where a field lies.
 *
 * Enumerations are an `IntEnum` beside fields of integers. `u128`, `i128` and `f16`
 * are reached by their `value`. A bit-field is a property of its class, and bytes
 * in the dtype. Rings, seqlocks and the like are their bytes and no more:
 * working on them takes atomic operations, which Python does not have.
 *
 * @param types The types, by the names that they are to have.
 * @throws {InvalidTypeError} if Python cannot have a name, or a struct has fields
 * that share bytes.
 *
 * @example A sample that Python reads
 * ```ts
 * import { f64, HostLayout, struct, u32 } from "@hostmem/hostmem";
 * import { pythonModule } from "@hostmem/hostmem/sync";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const Sample = struct("Sample", { _: HostLayout, id: u32, value: f64 });
 * const source = pythonModule({ Sample });
 * assertStringIncludes(source, "class Sample(ctypes.Structure):");
 * assertStringIncludes(source, "assert Sample.value.offset == 8");
 * ```
 */
export function pythonModule(types: Exports): string {
  return new Module(types).text();
}
