/** Object files as they lie on disk: what is in them, without loading them. */

import { Btf } from "../../btf/btf.ts";
import type { BtfDatasec, BtfVar } from "../../btf/types.ts";
import { InvalidObjectError } from "../../errors.ts";
import type { Type } from "../../layout/static.ts";
import { type MapType, mapTypeName } from "../map/type.ts";
import { checkBtf } from "./file_check/btf.ts";
import { Elf, type ElfSection, SECTION } from "./file_check/elf.ts";
import { errorIn, readSource } from "./file.ts";
import { plainType } from "./plain_type.ts";
import { variablesIn } from "./variables.ts";

/** A map that an object file defines. */
export interface ObjectFileMap {
  /** The name of the variable in C. */
  readonly name: string;
  /** Its type; undefined for one that this package does not know. */
  readonly type: MapType | undefined;
  /** The number of its type (`enum bpf_map_type`). */
  readonly typeNumber: number;
  /** The size of a key in bytes; 0 where it has none or the size is not said. */
  readonly keySize: number;
  /** The size of a value in bytes; 0 where it has none or the size is not said. */
  readonly valueSize: number;
  /** The number of entries it has room for, or the size of a ring in bytes. */
  readonly maxEntries: number;
  /** Its flags (`BPF_F_*`). */
  readonly flagBits: number;
  /** The type of keys; undefined where the definition has a size alone. */
  readonly keyType: Type | undefined;
  /** The type of values; undefined where the definition has a size alone. */
  readonly valueType: Type | undefined;
  /** True where it is pinned by its name (`LIBBPF_PIN_BY_NAME`). */
  readonly pinned: boolean;
  /** False where a `?` in `SEC()` says that it is not made unless asked for. */
  readonly made: boolean;
}

/** A program in an object file. */
export interface ObjectFileProgram {
  /** The name of the function in C. */
  readonly name: string;
  /** The argument of `SEC()`, without a `?` before it. */
  readonly section: string;
  /** False where a `?` in `SEC()` says that it is not loaded unless asked for. */
  readonly loads: boolean;
}

/** A global variable in an object file. */
export interface ObjectFileVariable {
  /** The shortest name that means it alone, as in `BpfObject.variables`. */
  readonly name: string;
  /** The section that it is in: `".bss"`. */
  readonly section: string;
  /** Its size in bytes. */
  readonly size: number;
  /** True for constants: the variables in `.rodata` or `.kconfig`. */
  readonly readOnly: boolean;
  /** Its type; bytes where the object has no BTF. */
  readonly type: Type;
}

/** The contents of an object file, as `BpfObject.load` would make them. */
export interface ObjectFile {
  /** The maps that it defines, without those of sections. */
  readonly maps: readonly ObjectFileMap[];
  /** Its programs. */
  readonly programs: readonly ObjectFileProgram[];
  /** Its global variables. */
  readonly variables: readonly ObjectFileVariable[];
  /** Its types; undefined where it was compiled without `-g`. */
  readonly btf: Btf | undefined;
}

/**
 * Tells what is in an object file that clang made for BPF, without loading it:
 * no privilege is needed, and no libbpf.
 *
 * @param source A path, a `file:` URL, or the bytes of the file.
 * @throws {InvalidObjectError} if it is not an object file for BPF, or not whole.
 * @throws {BtfError} if its types are wrong.
 * @throws {Deno.errors.NotCapable} without permission to read the path.
 *
 * @example
 * ```ts ignore
 * for (const { name, section } of readObjectFile("count.bpf.o").programs) {
 *   console.log(name, section);
 * }
 * ```
 */
export function readObjectFile(source: string | URL | Uint8Array): ObjectFile {
  const file = readSource(source);
  try {
    return contentsOf(file.bytes);
  } catch (error) {
    throw errorIn(file, error);
  }
}

function contentsOf(bytes: Uint8Array<ArrayBuffer>): ObjectFile {
  const elf = new Elf(bytes);
  checkBtf(elf);
  const section = elf.only(({ name }) => name === ".BTF", "section .BTF");
  const btf = section === undefined
    ? undefined
    : Btf.parse(elf.bytesOf(section));
  return {
    maps: btf === undefined ? [] : [...mapsIn(btf), ...structOpsIn(btf)],
    programs: programsIn(elf),
    variables: [...definedIn(elf, btf), ...kconfigIn(btf)],
    btf,
  };
}

// ---------------------------------------------------------------------------
// Maps
// ---------------------------------------------------------------------------

/** `bpf_helpers.h`: `enum libbpf_pin_type`. */
const LIBBPF_PIN_BY_NAME = 1;

/** The values of maps that hold maps or programs are descriptors. */
const DESCRIPTOR_SIZE = 4;

function mapsIn(btf: Btf): ObjectFileMap[] {
  return [...mapVariables(btf)].map(({ name, type }) => mapOf(btf, name, type));
}

function* mapVariables(btf: Btf): Generator<BtfVar> {
  for (const section of btf.findAll(".maps", "datasec")) {
    for (const { type } of section.variables) {
      const variable = btf.type(type);
      if (variable.kind === "var") yield variable;
    }
  }
}

/** The definition of one map; undefined where there is none of that name. */
export function definitionOf(
  btf: Btf,
  name: string,
): ObjectFileMap | undefined {
  for (const variable of mapVariables(btf)) {
    if (variable.name === name) return mapOf(btf, name, variable.type);
  }
  return undefined;
}

/** A map's definition: the members of its struct say things by their types. */
function mapOf(btf: Btf, name: string, id: number): ObjectFileMap {
  const definition = plainType(btf, id);
  if (definition.kind !== "struct") {
    throw new InvalidObjectError(
      `The definition of the map ${name} must be a struct: it is a ${definition.kind}`,
    );
  }
  const members = new Map(
    definition.members.map((
      member,
    ) => [member.name, plainType(btf, member.type)]),
  );
  // `__uint(max_entries, 8)` is `int (*max_entries)[8]`.
  const number = (member: string): number => {
    const pointer = members.get(member);
    const array = pointer?.kind === "ptr"
      ? plainType(btf, pointer.type)
      : pointer;
    if (array?.kind === "array") return array.length;
    // `__ulong(map_extra, 1ull << 44)` is an enumeration of 64 bits.
    if (array?.kind === "enum" || array?.kind === "enum64") {
      return Number(array.members[0]?.value ?? 0);
    }
    return 0;
  };
  // `__type(key, struct flow)` is `struct flow *key`.
  const layout = (member: string): Type | undefined => {
    const pointer = members.get(member);
    if (pointer?.kind !== "ptr" || pointer.type === 0) return undefined;
    return btf.layout(pointer.type);
  };
  const keyType = layout("key");
  const valueType = layout("value");
  const typeNumber = number("type");
  return {
    name,
    type: mapTypeName(typeNumber),
    typeNumber,
    keySize: keyType?.size ?? number("key_size"),
    valueSize: valueType?.size ??
      (members.has("values") ? DESCRIPTOR_SIZE : number("value_size")),
    maxEntries: number("max_entries"),
    flagBits: number("map_flags"),
    keyType,
    valueType,
    pinned: number("pinning") === LIBBPF_PIN_BY_NAME,
    made: true,
  };
}

/** `linux/bpf.h` */
const BPF_MAP_TYPE_STRUCT_OPS = 26;
const BPF_F_LINK = 1 << 13;

/** The sections whose variables libbpf makes maps of struct_ops of. */
const STRUCT_OPS = /^(\?)?\.struct_ops(\.link)?$/;

/** Maps of struct_ops: one for each variable, whose values the kernel lays out. */
function structOpsIn(btf: Btf): ObjectFileMap[] {
  return [...btf].flatMap((section) => {
    const match = section.kind === "datasec" && STRUCT_OPS.exec(section.name);
    if (!match) return [];
    const [, asked, link] = match;
    return (section as BtfDatasec).variables.map(({ type }) => ({
      name: btf.type(type).name ?? "",
      type: mapTypeName(BPF_MAP_TYPE_STRUCT_OPS),
      typeNumber: BPF_MAP_TYPE_STRUCT_OPS,
      keySize: 4,
      valueSize: 0,
      maxEntries: 1,
      flagBits: link === undefined ? 0 : BPF_F_LINK,
      keyType: undefined,
      valueType: undefined,
      pinned: false,
      made: asked === undefined,
    }));
  });
}

// ---------------------------------------------------------------------------
// Programs
// ---------------------------------------------------------------------------

/** `linux/elf.h` */
const STT_FUNC = 2;
const SHF_EXECINSTR = 4;

function programsIn(elf: Elf): ObjectFileProgram[] {
  return elf.symbols.flatMap(({ name, kind, section }) => {
    const home = elf.sections[section];
    // Functions in `.text` are called by others and are not programs.
    if (kind !== STT_FUNC || !isCode(home) || home.name === ".text") return [];
    const loads = !home.name.startsWith("?");
    return [{ name, section: loads ? home.name : home.name.slice(1), loads }];
  });
}

function isCode(section: ElfSection | undefined): section is ElfSection {
  return section?.type === SECTION.progbits &&
    (section.flags & SHF_EXECINSTR) !== 0;
}

// ---------------------------------------------------------------------------
// Variables
// ---------------------------------------------------------------------------

/** The sections that libbpf makes maps of. */
const VARIABLES = /^\.(?:bss|data|rodata)(?:\..*)?$/;

function definedIn(elf: Elf, btf: Btf | undefined): ObjectFileVariable[] {
  const sections = elf.sections
    .filter(({ name, size }) => VARIABLES.test(name) && size > 0);
  return Array.from(variablesIn(elf, btf, sections), ([name, variable]) => {
    const { section, size, type } = variable;
    const readOnly = section.startsWith(".rodata");
    return { name, section, size, readOnly, type: type() };
  });
}

/** The variables of the kernel's configuration, which libbpf places. */
function kconfigIn(btf: Btf | undefined): ObjectFileVariable[] {
  return (btf?.findAll(".kconfig", "datasec") ?? []).flatMap((section) =>
    section.variables.map(({ type: id }) => {
      const type = btf!.layout(id);
      const { name } = btf!.type(id);
      return {
        name,
        section: ".kconfig",
        size: type.size,
        readOnly: true,
        type,
      };
    })
  );
}
