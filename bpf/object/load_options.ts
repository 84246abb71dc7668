import type { HasDescriptor } from "../kernel_object.ts";
import type { AttachType } from "../link/attach_type.ts";
import type { MapFlag } from "../map/flag.ts";
import type { MapType } from "../map/type.ts";
import type { ProgramType } from "../program/type.ts";
import type { EachOf, InputsOf, ObjectShape } from "./shape.ts";
import type { BpfToken } from "../token.ts";

/**
 * Options of {@linkcode BpfObject.load}.
 *
 * @typeParam S The shape of the object, where that is known: then names and values
 * are checked by the compiler.
 */
export interface LoadOptions<S extends ObjectShape = ObjectShape> {
  /**
   * The beginning of the names of the maps of sections in the kernel: from 1 to
   * 15 letters, digits and `_`. By default the file's name.
   */
  readonly name?: string | undefined;
  /**
   * The values of constants (`const volatile` in C), by their names, as plain
   * data. The verifier knows the constants, and leaves out code that they make
   * unreachable. They can be set here and never again.
   */
  readonly constants?: InputsOf<S, "constants"> | undefined;
  /** The values that other variables have at first, by their names. */
  readonly variables?: InputsOf<S, "variables"> | undefined;
  /** The options to set of maps, by their names, before they are made. */
  readonly maps?: EachOf<S, "maps", LoadMapOptions> | undefined;
  /** The options to set of programs, by their names, before they are loaded. */
  readonly programs?: EachOf<S, "programs", LoadProgramOptions> | undefined;
  /**
   * The detail of the kernel's log, also of programs that it accepts: 1 for all
   * that the verifier looks at, 2 for more, 4 for statistics, or a sum
   * (`BPF_LOG_*` of `linux/bpf_verifier.h`). By default 0: it logs what it
   * refuses.
   */
  readonly logLevel?: number | undefined;
  /**
   * A file of BTF to relocate against in place of the kernel's own, for kernels
   * without `CONFIG_DEBUG_INFO_BTF`: raw, as `bpftool gen min_core_btf` writes it
   * and BTFHub has it.
   */
  readonly btfPath?: string | URL | undefined;
  /**
   * The directory for maps whose definition asks to be pinned by name
   * (`LIBBPF_PIN_BY_NAME`); by default `/sys/fs/bpf`.
   */
  readonly pinPath?: string | URL | undefined;
  /**
   * Lines `CONFIG_…=…`, which override the kernel's own configuration for
   * variables that programs declare as `__kconfig`.
   */
  readonly kconfig?: string | undefined;
  /**
   * A token that permits loading, in place of CAP_BPF. This takes libbpf 1.4.
   * Without this option, libbpf 1.4 makes a token by itself from the file
   * system at `/sys/fs/bpf`, or at `LIBBPF_BPF_TOKEN_PATH` of the environment,
   * if that delegates anything.
   */
  readonly token?: BpfToken | undefined;
}

/**
 * The options of a map that {@linkcode BpfObject.load} sets before it makes the
 * map.
 */
export interface LoadMapOptions {
  /**
   * Its type, in place of its definition's. A section keeps its type, and no
   * type can be changed to or from `"struct_ops"`.
   */
  readonly type?: MapType | undefined;
  /** The size of a key in bytes. Not of a section. */
  readonly keySize?: number | undefined;
  /**
   * The number of entries it has room for; the size in bytes of a ring buffer. Not of
   * a section.
   */
  readonly maxEntries?: number | undefined;
  /**
   * The size of a value in bytes. For a section, such as `".bss"` or
   * `".data.slots"`, it resizes the array that the section ends with, and the
   * variable has the new length. This takes libbpf 1.3. Not of `".kconfig"`.
   */
  readonly valueSize?: number | undefined;
  /**
   * A map to be used in place of a new one, such as another object's: of the
   * same type, sizes and flags. It stays its holder's to close.
   */
  readonly reuse?: HasDescriptor | undefined;
  /**
   * The path to pin it at, on a BPF file system: a map that is pinned there
   * already is used in place of a new one. `false` for nowhere, whatever its
   * definition says.
   */
  readonly pin?: string | URL | false | undefined;
  /** Its flags by name, or as a number (`BPF_F_*`), in place of its definition's. */
  readonly flags?: readonly MapFlag[] | number | undefined;
  /** The NUMA node whose memory it takes; with it goes the flag `numa_node`. */
  readonly numaNode?: number | undefined;
  /**
   * The number that some types of map need besides (`map_extra`, Linux 5.16): of
   * an arena the address that it lies at, where nothing else may lie.
   */
  readonly mapExtra?: bigint | undefined;
  /**
   * `false` makes no such map. It is missing in `BpfObject.maps`, and programs
   * that use it must not be loaded, or not reach it.
   */
  readonly create?: boolean | undefined;
  /** The template for the inner maps of a map of maps. */
  readonly innerMap?: HasDescriptor | undefined;
}

/**
 * The options of a program that {@linkcode BpfObject.load} sets before it loads
 * the program.
 */
export interface LoadProgramOptions {
  /**
   * True if it is loaded. By default it is, unless its section's name begins
   * with `?`. One that is not can be neither attached nor run.
   */
  readonly load?: boolean | undefined;
  /**
   * Its type, where its section does not say: `SEC("xdp_drop")`, for example. In
   * place of `"tracing"` and `"lsm"`, which a section said, it takes libbpf 1.2.
   */
  readonly type?: ProgramType | undefined;
  /** The attach type that it is loaded for, where its section does not say. */
  readonly attachType?: AttachType | undefined;
  /**
   * The target that it is attached to, which the verifier must know, in place
   * of the one that its section names: of `fentry`, `fexit`, `fmod_ret`, `lsm`,
   * `tp_btf` and `freplace` programs.
   *
   * @example A replacement for a function of a program that is loaded
   * ```ts ignore
   * const attachTo = { program: object.program("filter"), function: "decide" };
   * BpfObject.load("decide.bpf.o", { programs: { other: { attachTo } } });
   * ```
   */
  readonly attachTo?: ProgramTarget | undefined;
}

/** The target of a program, for {@linkcode LoadProgramOptions.attachTo}. */
export interface ProgramTarget {
  /**
   * Name of a function or tracepoint of the kernel or its modules, or of a
   * function of `program`. By default what the program's section names.
   */
  readonly function?: string | undefined;
  /** The program that has the function; by default it is the kernel's. */
  readonly program?: HasDescriptor | undefined;
}
