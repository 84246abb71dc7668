import { Btf } from "../../btf/btf.ts";
import { InvalidObjectError, NotSupportedError } from "../../errors.ts";
import { libbpfIsAtLeast, libbpfVersion } from "../libbpf/functions.ts";
import type { Marked, Type } from "../../layout/mod.ts";
import { NativeObject } from "../libbpf/object.ts";
import { shareBtf } from "../map/types_from_btf.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { orphan } from "../ring/writers.ts";
import { BpfMap, closeMapWithLinks } from "../map/map.ts";
import { requireArenaRoom } from "./arenas.ts";
import { definitionOf } from "./object_file.ts";
import {
  type BpfProgram,
  closeWithLinks,
  programOf,
} from "../program/program.ts";
import { emptyRecord, named } from "../named.ts";
import { checkBtf } from "./file_check/btf.ts";
import type { Declaration } from "../variable/declarations.ts";
import { declarationsIn } from "./declarations.ts";
import { Elf } from "./file_check/elf.ts";
import { loadNative, type LoadRequest } from "./load.ts";
import { type LoadSettings, readLoadOptions } from "./settings.ts";
import {
  initialContents,
  type SectionContents,
  setInitialContents,
} from "./initial_values.ts";
import { dropRecordTypes, makeMappable, sectionSizes } from "./sections.ts";
import { namingFile, readSource, type Source, withSealedFile } from "./file.ts";
import { VariableNames } from "../variable/names.ts";
import type { LoadOptions } from "./load_options.ts";
import type { MapsOf, ObjectShape, ProgramsOf, VariablesOf } from "./shape.ts";
import { BpfVariable } from "../variable/variable.ts";

/** The parts of an object. */
interface Parts {
  readonly native: NativeObject;
  readonly btf: Btf | undefined;
  readonly names: VariableNames;
}

/** Sections of data that later versions of libbpf take. */
const laterSections: readonly (readonly [name: string, minor: number])[] = [
  [".struct_ops.link", 2],
  [".addr_space.1", 4],
  ["?.struct_ops", 5],
  ["?.struct_ops.link", 5],
];

/**
 * libbpf leaves sections of data out that it does not know, without a word that
 * anybody hears.
 *
 * @throws {NotSupportedError} if it does.
 */
function requireKnownSections({ sections }: Elf): void {
  for (const [name, since] of laterSections) {
    const section = sections.find((section) => section.name === name);
    if (section === undefined || section.size === 0) continue;
    if (libbpfIsAtLeast(since)) continue;
    throw new NotSupportedError(
      `This libbpf, ${libbpfVersion()}, leaves out section "${name}": that takes libbpf 1.${since}`,
    );
  }
}

/** An object to load, its settings, and the values of variables. */
type Request = LoadRequest & Pick<LoadSettings, "constants" | "variables">;

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

  private constructor(
    { native, btf, names }: Parts,
    opened: DisposableStack,
  ) {
    if (!(native instanceof NativeObject)) {
      throw new TypeError("Illegal constructor");
    }
    this.#native = native;
    this.#btf = btf;
    this.#names = names;
    if (btf !== undefined && native.btfFd >= 0) shareBtf(native.btfFd, btf);
    this.#maps = openMaps(native, btf, opened);
    this.#programs = openPrograms(native, opened);
    this.#logs = takeLogs(native);
    const variables = emptyRecord<BpfVariable>();
    for (const name of names.names()) {
      variables[name] = new BpfVariable(...this.#find(name));
    }
    this.#variables = Object.freeze(variables);
    this.#opened = opened.move();
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
    const settings = readLoadOptions(options);
    const file = readSource(source);
    return namingFile(file, () => BpfObject.#loadFile<S>(file, settings));
  }

  static #loadFile<S extends ObjectShape>(
    { bytes, name }: Source,
    settings: LoadSettings,
  ): BpfObject<S> {
    const elf = new Elf(bytes);
    checkBtf(elf);
    requireKnownSections(elf);
    const request = { ...settings, bytes, name: settings.name ?? name };
    const { kernelBtf } = settings;
    return kernelBtf === undefined
      ? BpfObject.#load(elf, { ...request, btfPath: undefined })
      : withSealedFile(
        kernelBtf,
        (btfPath) => BpfObject.#load(elf, { ...request, btfPath }),
      );
  }

  static #load<S extends ObjectShape>(
    elf: Elf,
    request: Request,
  ): BpfObject<S> {
    let parts: Parts | undefined;
    let contents: SectionContents | undefined;
    return loadNative(request, {
      prepare(native) {
        makeMappable(native.maps);
        dropRecordTypes(native.maps);
        requireArenaRoom(elf, native.maps);
        parts = { ...readParts(elf, native), native };
        // Once: what the values are is not asked again for another attempt.
        contents ??= initialContents(
          parts.names,
          native.maps,
          request.constants,
          request.variables,
        );
        setInitialContents(native.maps, contents);
      },
      finish(native) {
        using opened = new DisposableStack();
        opened.defer(() => native.close());
        return new BpfObject(parts!, opened);
      },
    });
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
    return new BpfVariable(...this.#find(name), type);
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
    const count = (things: object) => Object.keys(things).length;
    const closed = this.closed ? ", closed" : "";
    return `BpfObject { ${count(this.#maps)} maps, ${
      count(this.#variables)
    } variables, ${count(this.#programs)} programs${closed} }`;
  }

  #find(name: string): [Declaration, BpfMap] {
    const declaration = this.#names.find(name);
    return [declaration, this.#maps[declaration.section]!];
  }
}

function readParts(
  elf: Elf,
  native: NativeObject,
): Pick<Parts, "btf" | "names"> {
  const bytes = native.btf();
  const btf = bytes === undefined ? undefined : Btf.parse(bytes);
  const declarations = declarationsIn(elf, btf, sectionSizes(native.maps));
  return { btf, names: new VariableNames(declarations) };
}

function openMaps(
  { maps }: NativeObject,
  btf: Btf | undefined,
  opened: DisposableStack,
): Readonly<Record<string, BpfMap>> {
  const open = emptyRecord<BpfMap>();
  for (const native of maps) {
    const { name, fd, pinnedTo } = native;
    if (fd < 0) continue;
    if (name in open) {
      throw new InvalidObjectError(
        `An object must have one map of a name: it has several named ${name}`,
      );
    }
    open[name] = opened.adopt(
      new BpfMap(Descriptor.duplicate(fd), `map ${name}`, {
        pinnedTo,
        definition: () => btf && definitionOf(btf, name),
        native,
      }),
      closeMapWithLinks,
    );
  }
  return Object.freeze(open);
}

function openPrograms(
  { programs }: NativeObject,
  opened: DisposableStack,
): Readonly<Record<string, BpfProgram>> {
  const open = emptyRecord<BpfProgram>();
  for (const program of programs) {
    if (program.fd < 0) continue;
    open[program.name] = opened.adopt(programOf(program), closeWithLinks);
  }
  return Object.freeze(open);
}

/** The ids of the maps that programs write records to. */
function idsOfRings(maps: Readonly<Record<string, BpfMap>>): number[] {
  return Object.values(maps)
    .filter(({ closed }) => !closed)
    .map(({ info }) => info)
    .filter(({ type }) => type === "ringbuf" || type === "perf_event_array")
    .map(({ id }) => id);
}

function takeLogs(
  { programs }: NativeObject,
): Readonly<Record<string, string>> {
  const logs = emptyRecord<string>();
  for (const program of programs) {
    const { name, log } = program;
    if (log !== "") logs[name] = log;
    program.dropLog();
  }
  return Object.freeze(logs);
}
