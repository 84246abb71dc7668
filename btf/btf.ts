import { type OptionNames, requireOptions } from "../base/arguments.ts";
import { BtfError } from "../errors.ts";
import { declarationOf } from "../layout/declaration.ts";
import type { Type } from "../layout/static.ts";
import { declare } from "./format/c_text.ts";
import { decode } from "./format/decode.ts";
import { kernelBytes, moduleBytes } from "./kernel_files.ts";
import { bytesOfId } from "./kernel_objects.ts";
import { btfBytesOf } from "./elf_file.ts";
import { Layouts } from "./layouts/layouts.ts";
import { titleOf } from "./format/resolve.ts";
import { TypeTable } from "./format/type_table.ts";
import type { BtfKind, BtfType, BtfTypeOf } from "./types.ts";

/** Options of {@linkcode Btf.parse}. */
export interface ParseOptions {
  /** The base of split BTF, such as that of a kernel module. */
  readonly base?: Btf | undefined;
}

const parseOptions: OptionNames<ParseOptions> = { base: true };

/** The kernel's own, for as long as anyone uses it. */
let kernel: WeakRef<Btf> | undefined;

/**
 * BTF, the BPF Type Format: the types of the kernel, its modules and BPF
 * programs. Opening it finds where each type begins and decodes nothing; types
 * are decoded one by one as they are asked for.
 *
 * It is found at `/sys/kernel/btf`, in the section `.BTF` of object files, and
 * by `bpf(2)`. The format is that of Documentation/bpf/btf.rst in Linux.
 *
 * @example A struct of the kernel, from its own description
 * ```ts
 * import { offsetOf, pointer } from "@hostmem/hostmem";
 * import { Btf } from "@hostmem/hostmem/btf";
 *
 * try {
 *   const list = Btf.kernel().layout("list_head");
 *   console.log(list.size, offsetOf(list, "prev")); // 16 8
 *   pointer(list, new ArrayBuffer(list.size));
 * } catch (error) {
 *   // A kernel without CONFIG_DEBUG_INFO_BTF has none.
 *   console.log((error as Error).message);
 * }
 * ```
 */
export class Btf {
  readonly #table: TypeTable;
  readonly #layouts: Layouts;
  /** The base of split BTF; undefined for BTF that stands alone. */
  readonly base: Btf | undefined;

  private constructor(table: TypeTable, base: Btf | undefined) {
    if (!(table instanceof TypeTable)) {
      throw new TypeError("Illegal constructor");
    }
    this.#table = table;
    this.#layouts = new Layouts(
      table,
      base === undefined ? undefined : base.#layouts,
    );
    this.base = base;
  }

  /** Reads bytes that nobody else has. */
  static #read(bytes: Uint8Array, base?: Btf): Btf {
    return new Btf(
      new TypeTable(bytes, base === undefined ? undefined : base.#table),
      base,
    );
  }

  /**
   * Reads BTF from bytes, which are copied.
   *
   * @param bytes All of it, as in the section `.BTF` of an object file.
   * @param options The BTF that it builds on.
   * @throws {BtfError} if it is not BTF of this host's byte order, or a type in
   * it is of an unknown kind or not whole. What types say of each other is
   * checked as they are used.
   * @throws {TypeError} if these are not bytes, or the base is not a Btf.
   *
   * @example From an object file
   * ```ts ignore
   * // llvm-objcopy --dump-section .BTF=program.btf program.o
   * const btf = Btf.parse(Deno.readFileSync("program.btf"));
   * ```
   */
  static parse(bytes: Uint8Array, options: ParseOptions = {}): Btf {
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError("BTF must be given as a Uint8Array");
    }
    requireOptions(options, parseOptions);
    const { base } = options;
    if (base !== undefined && !(base instanceof Btf)) {
      throw new TypeError("The base of BTF must be a Btf");
    }
    return Btf.#read(new Uint8Array(bytes), base);
  }

  /**
   * Reads BTF from a file: a file of BTF, or an ELF file with a section `.BTF`.
   * Objects of `clang -target bpf -g` have one, programs of `gcc -gbtf`, and
   * programs that `pahole -J` was run on.
   *
   * @param path The file.
   * @param options The BTF that it builds on.
   * @throws {BtfError} if it has no BTF, or {@linkcode Btf.parse} refuses it.
   * @throws {Deno.errors.NotFound} if there is no such file.
   * @throws {Deno.errors.NotCapable} without `--allow-read` for it.
   *
   * @example The structs of a C program
   * ```ts ignore
   * // gcc -gbtf -o server server.c
   * const Config = Btf.open("server").layout("config");
   * ```
   */
  static open(path: string | URL, options: ParseOptions = {}): Btf {
    return Btf.parse(btfBytesOf(path), options);
  }

  /**
   * The running kernel's own BTF, from `/sys/kernel/btf/vmlinux`: about 6 MB.
   * The same object for as long as it is in use.
   *
   * @throws {NotSupportedError} if the kernel has none: it was built without
   * CONFIG_DEBUG_INFO_BTF.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, which the file is
   * read by, and `--allow-read=/sys/kernel/btf/vmlinux`.
   * @throws {SystemError} with the kernel's reason, as in open(2).
   */
  static kernel(): Btf {
    let btf = kernel?.deref();
    if (btf === undefined) {
      btf = Btf.#read(kernelBytes());
      kernel = new WeakRef(btf);
    }
    return btf;
  }

  /**
   * The BTF of a kernel module that is loaded, from `/sys/kernel/btf/<name>`,
   * which builds on the kernel's.
   *
   * @param name The module's name: `"nf_tables"`.
   * @throws {NotSupportedError} if there is none of that name.
   * @throws {RangeError} if it cannot be the name of a module.
   * @throws as {@linkcode Btf.kernel} does.
   */
  static module(name: string): Btf {
    return name === "vmlinux"
      ? Btf.kernel()
      : Btf.#read(moduleBytes(name), Btf.kernel());
  }

  /**
   * BTF that was loaded into the kernel, by its number there
   * (`BPF_BTF_GET_FD_BY_ID`): the BTF of a map, by the number in the map's
   * info, or of a program. That takes CAP_SYS_ADMIN.
   *
   * @param id The number, as in `map.info.btfId`.
   * @throws {RangeError} if it is not an integer of 32 bits.
   * @throws {SystemError} with the kernel's reason, as in bpf(2): ENOENT where
   * there is no such BTF, EPERM without the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static fromId(id: number): Btf {
    const { bytes, split } = bytesOfId(id);
    return Btf.#read(bytes, split ? Btf.kernel() : undefined);
  }

  /**
   * The number of types, `void` and those that this builds on included: ids are
   * less than this.
   */
  get length(): number {
    return this.#table.endId;
  }

  /**
   * A type as data.
   *
   * @param id Its number.
   * @throws {RangeError} if there is no such type.
   * @throws {BtfError} if it names types or names that do not exist.
   */
  type(id: number): BtfType {
    this.#requireId(id);
    return decode(this.#table, id);
  }

  /** All types but `void` and those that this builds on, in the order of ids. */
  *[Symbol.iterator](): Generator<BtfType, void> {
    for (let id = this.#table.firstId; id < this.#table.endId; id++) {
      yield decode(this.#table, id);
    }
  }

  /**
   * The first type of a name; undefined where there is none.
   *
   * @param name Its name.
   * @param kind The kind that it must be of.
   * @throws {BtfError} if it names types or names that do not exist.
   */
  find<K extends BtfKind>(
    name: string,
    kind: K,
  ): BtfTypeOf<K> | undefined;
  /** The first type of a name, of whatever kind. */
  find(name: string, kind?: BtfKind): BtfType | undefined;
  find(name: string, kind?: BtfKind): BtfType | undefined {
    return this.findAll(name, kind)[0];
  }

  /**
   * All types of a name, in the order of ids. There may be several: a struct
   * and a function, or structs of several drivers.
   *
   * @param name Their name.
   * @param kind The kind that they must be of.
   * @throws {BtfError} if one names types or names that do not exist.
   */
  findAll<K extends BtfKind>(
    name: string,
    kind: K,
  ): BtfTypeOf<K>[];
  /** All types of a name, of whatever kind. */
  findAll(name: string, kind?: BtfKind): BtfType[];
  findAll(name: string, kind?: BtfKind): BtfType[] {
    if (typeof name !== "string") {
      throw new TypeError("The name of a type must be a string");
    }
    const ids = [
      ...kind === "func" ? [] : this.#table.idsNamed(name, false),
      ...kind === "func" || kind === undefined
        ? this.#table.idsNamed(name, true)
        : [],
    ];
    return ids.sort((a, b) => a - b)
      .map((id) => decode(this.#table, id))
      .filter((type) => kind === undefined || type.kind === kind);
  }

  /**
   * The layout of a type: a type of the layout language, with the offsets that
   * BTF has. It counts as marked with `HostLayout`.
   *
   * - The members of anonymous structs and unions are those of the struct
   *   around them, as C has it.
   * - `char[n]` is text, unless n is 0. Pointers are {@linkcode PointerType}s:
   *   `uintptr`, with what they point to. `__be16` and the like are in network
   *   byte order.
   * - Floats are `f16`, `f32` or `f64` by their size, also where `pahole -J` wrote
   *   an integer of the name `double`. `long double` and complex numbers are
   *   bytes.
   * - An array without a length is flexible where nothing lies behind it, and
   *   has length 0 elsewhere; one of values without a size has length 0.
   * - A struct whose members are not aligned is packed: its alignment is 1.
   * - A section is a struct of its variables.
   * - Names that the language cannot use are changed: a dot becomes `_`, an
   *   array index gets `_` before it, and the second of two equal names ends in
   *   `_2`.
   *
   * @typeParam T The type, where it is known: nothing checks that it is.
   * @param nameOrId A name or an id. Among types of one name, a struct, union,
   * enumeration or number goes before a typedef, and a typedef before a
   * variable.
   * @param kind The kind that it must be of.
   * @throws {BtfError} if there is no such type, it has no layout, or there are
   * several that differ.
   * @throws {RangeError} if there is no type of that id.
   */
  layout<T extends Type = Type>(nameOrId: string | number, kind?: BtfKind): T {
    if (typeof nameOrId === "string") {
      return this.#layoutNamed(nameOrId, kind) as T;
    }
    const type = this.type(nameOrId);
    if (kind !== undefined && type.kind !== kind) {
      throw new BtfError(
        `Type ${nameOrId} must be a ${kind}: it is a ${type.kind}`,
      );
    }
    return this.#layouts.of(nameOrId) as T;
  }

  /**
   * A type as C has it: `"struct file *"`, and with a name what declares
   * something of the type: `"int (*open)(struct inode *, struct file *)"`.
   *
   * @param id The type.
   * @param name The name to declare.
   * @throws {RangeError} if there is no such type.
   * @throws {BtfError} if it names types or names that do not exist.
   */
  declare(id: number, name: string = ""): string {
    this.#requireId(id);
    return declare(this.#table, id, name);
  }

  #layoutNamed(name: string, kind: BtfKind | undefined): Type {
    const all = this.#table.idsNamed(name, false)
      .map((id) => decode(this.#table, id))
      .filter((type) => kind === undefined || type.kind === kind);
    const candidates = ([0, 1, 2] as const)
      .map((rank) => all.filter((type) => rankOf(type) === rank))
      .find((types) => types.length > 0);
    if (candidates === undefined) throw this.#nothingNamed(name, kind);
    const [first, ...rest] = candidates.map(({ id }) => this.#layouts.of(id));
    if (rest.some((type) => declarationOf(type) !== declarationOf(first!))) {
      throw new BtfError(
        `The name ${name} must be that of one type: the types ${
          candidates.map(({ id }) => id).join(", ")
        } differ; pass an id`,
      );
    }
    return first!;
  }

  #nothingNamed(name: string, kind: BtfKind | undefined): BtfError {
    const what = `There is no ${kind ?? "type"} named ${JSON.stringify(name)}`;
    const first = this.find(name, kind);
    return new BtfError(
      first === undefined
        ? what
        : `${what} with a layout: ${titleOf(first)} has none`,
    );
  }

  #requireId(id: unknown): asserts id is number {
    if (
      !Number.isInteger(id) || (id as number) < 0 ||
      (id as number) >= this.length
    ) {
      throw new RangeError(
        `The id of a type must be an integer from 0 to ${
          this.length - 1
        }: received ${String(id)}`,
      );
    }
  }
}

/**
 * The rank of a type among those of its name, the lowest first; undefined for
 * types without a layout.
 */
function rankOf({ kind }: BtfType): 0 | 1 | 2 | undefined {
  switch (kind) {
    case "int":
    case "float":
    case "struct":
    case "union":
    case "enum":
    case "enum64":
    case "datasec":
      return 0;
    case "typedef":
      return 1;
    case "var":
      return 2;
    default:
      return undefined;
  }
}
