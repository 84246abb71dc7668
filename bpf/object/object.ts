import type { Btf } from "../../btf/btf.ts";
import type { Marked, Type } from "../../layout/mod.ts";
import { NativeObject } from "../libbpf/object.ts";
import type { BpfMap } from "../map/map.ts";
import { named } from "../named.ts";
import type { BpfProgram } from "../program/program.ts";
import { orphan } from "../ring/writers.ts";
import type { VariableNames } from "../variable/names.ts";
import { BpfVariable } from "../variable/variable.ts";
import { load } from "./load.ts";
import type { LoadOptions } from "./load_options.ts";
import type { ObjectParts } from "./parts.ts";
import type { MapsOf, ObjectShape, ProgramsOf, VariablesOf } from "./shape.ts";

/**
 * BPF programs with the maps and variables that they use, loaded into the kernel
 * from an object file, which clang makes of C (`clang -g -O2 -target bpf -c`).
 *
 * libbpf, the kernel community's own library, does the work, as it does for C
 * programs: it reads the file, makes the maps, relocates the programs for the
 * running kernel, and has the kernel verify them. It is `libbpf.so.1`, version
 * 1.1 or later, and is opened at the first `load`.
 *
 * **It parses the file inside this process**, in C. A file that is not an
 * object file for BPF, or has parts that do not lie where they should, never
 * gets there. Still, whoever makes the file may know of a mistake in libbpf that
 * these checks do not cover: load files that you would run as programs, too.
 *
 * All parts are found by name: `maps`, `variables` and `programs` are frozen
 * objects without a prototype; `map`, `variable` and `program` throw if there
 * is no such name, and the error lists the names that there are.
 *
 * @example Counting system calls
 * ```ts ignore
 * // u64 hits; const volatile int limit; SEC("raw_tp/sys_enter") int count(…)
 * using object = BpfObject.load("count.bpf.o", { constants: { limit: 10 } });
 * const hits = object.variable("hits", atomic(u64)).pointer();
 * using link = object.program("count").attach();
 * console.log(hits.load()); // no system call: the program's own memory
 * ```
 *
 * @typeParam S The shape of the object, where that is known; see {@linkcode ObjectShape}.
 */
export class BpfObject<S extends ObjectShape = ObjectShape>
  implements Disposable {
  /** The things that `close` closes, the last first. */
  readonly #opened: DisposableStack;
  readonly #native: NativeObject;
  readonly #btf: Btf | undefined;
  readonly #names: VariableNames;
  readonly #maps: Readonly<Record<string, BpfMap>>;
  readonly #variables: Readonly<Record<string, BpfVariable>>;
  readonly #programs: Readonly<Record<string, BpfProgram>>;
  readonly #logs: Readonly<Record<string, string>>;

  private constructor(parts: ObjectParts) {
    const { native, btf, names, maps, variables, programs, logs, opened } =
      parts;
    if (!(native instanceof NativeObject)) {
      throw new TypeError("Illegal constructor");
    }
    this.#native = native;
    this.#btf = btf;
    this.#names = names;
    this.#maps = maps;
    this.#variables = variables;
    this.#programs = programs;
    this.#logs = logs;
    this.#opened = opened;
  }

  /**
   * Loads an object file into the kernel. Where that fails, nothing is left of
   * it: no map, no program, no pin.
   *
   * @param source A path, a `file:` URL, or the bytes of the file.
   * @param options The options to set before it is loaded.
   * @typeParam S The shape of the object, for the type checker.
   * @throws {VerifierError} if the kernel's verifier refuses a program; its `log`
   * says why.
   * @throws {InvalidObjectError} if it is not an object file for BPF, or not
   * whole.
   * @throws {BtfError} if its types are wrong.
   * @throws {RangeError} if a name in the options is not one of the object's, or a
   * value does not fit.
   * @throws {TypeError} if an option, or a value, is not of its kind.
   * @throws {SystemError} with the reason of libbpf or of the kernel.
   * @throws {NotSupportedError} if there is no libbpf of version 1.1 or later, or
   * a section cannot be set as asked for.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, without permission to
   * read the path, or to read and write where maps are pinned.
   *
   * @example An array with an element for each CPU
   * ```ts ignore
   * // struct slot { u64 hits; u64 misses; } slots[1] SEC(".data.slots");
   * using object = BpfObject.load("slots.bpf.o", {
   *   maps: { ".data.slots": { valueSize: 16 * possibleCpus().length } },
   * });
   * object.variables.slots!.get(); // of as many elements
   * ```
   */
  static load<S extends ObjectShape = ObjectShape>(
    source: string | URL | Uint8Array,
    options: LoadOptions<NoInfer<S>> = {},
  ): BpfObject<S> {
    return new BpfObject<S>(load(source, options));
  }

  /**
   * The maps, by name: the name of the variable in C, or, for sections of
   * variables, the name of the section, such as `".bss"`.
   */
  get maps(): MapsOf<S> {
    return this.#maps as MapsOf<S>;
  }

  /**
   * The global variables, by name. If several static variables have one name,
   * their section goes before it: `".bss/count"`.
   */
  get variables(): VariablesOf<S> {
    return this.#variables as VariablesOf<S>;
  }

  /**
   * The programs, by name: the name of the function in C. Those that were not
   * loaded are missing.
   */
  get programs(): ProgramsOf<S> {
    return this.#programs as ProgramsOf<S>;
  }

  /**
   * Its types, with the places of variables in their sections; undefined for an
   * object without any, which was compiled without `-g`.
   */
  get btf(): Btf | undefined {
    return this.#btf;
  }

  /**
   * The kernel's logs of programs, by their names: of all programs if
   * `logLevel` asked for it, else of none.
   */
  get logs(): Readonly<Record<string, string>> {
    return this.#logs;
  }

  /**
   * The map of a name.
   *
   * @param name As in {@linkcode BpfObject.maps}.
   * @throws {RangeError} if there is none, with the names that there are.
   */
  map(name: string): BpfMap {
    return named(this.#maps, name, "map");
  }

  /**
   * The variable of a name.
   *
   * @param name As in {@linkcode BpfObject.variables}.
   * @throws {RangeError} if there is none, with the names that there are, or
   * there are several, with the sections that they are in.
   *
   * @typeParam T Its type, where it is known: nothing checks that it is.
   */
  variable<T extends Type = Type>(name: string): BpfVariable<T>;
  /**
   * The variable of a name, as a type of its size.
   *
   * @param name As in {@linkcode BpfObject.variables}.
   * @param type The type to take it for, whatever BTF says.
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   * @throws {RangeError} if there is no such variable, or there are several.
   *
   * @example A counter that others count too
   * ```ts ignore
   * object.variable("hits", atomic(u64)).pointer().add(1n);
   * ```
   */
  variable<T extends Type>(name: string, type: T & Marked<T>): BpfVariable<T>;
  variable<T extends Type>(name: string, type?: T): BpfVariable<T> {
    const declaration = this.#names.find(name);
    const map = this.#maps[declaration.section]!;
    return new BpfVariable(declaration, map, type);
  }

  /**
   * The program of a name.
   *
   * @param name As in {@linkcode BpfObject.programs}.
   * @throws {RangeError} if there is none, with the names that there are.
   */
  program(name: string): BpfProgram {
    return named(this.#programs, name, "program");
  }

  /** True if it was closed. */
  get closed(): boolean {
    return this.#native.closed;
  }

  /**
   * Closes the object with its maps and programs, and the links that `attach`
   * of its programs gave: programs whose links are not pinned are detached. The
   * pointers to variables stay valid. A second call does nothing.
   */
  close(): void {
    const isOpen = !this.closed;
    const ids = isOpen ? idsOfRings(this.#maps) : [];
    this.#opened.dispose();
    if (isOpen) orphan(ids);
  }

  /** Closes the object at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#programs in this)) return "[prototype]";
    const count = (things: object) => Object.keys(things).length;
    const closed = this.closed ? ", closed" : "";
    return `BpfObject { ${count(this.#maps)} maps, ${
      count(this.#variables)
    } variables, ${count(this.#programs)} programs${closed} }`;
  }
}

/** The ids of the maps that programs write records to. */
function idsOfRings(maps: Readonly<Record<string, BpfMap>>): number[] {
  return Object.values(maps)
    .filter(({ closed }) => !closed)
    .map(({ info }) => info)
    .filter(({ type }) => type === "ringbuf" || type === "perf_event_array")
    .map(({ id }) => id);
}
