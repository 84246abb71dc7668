import type { LoadMapOptions } from "./load_map_options.ts";
import type { LoadProgramOptions } from "./load_program_options.ts";

/** Options of {@linkcode BpfObject.load}. */
export interface LoadOptions {
  /**
   * What the maps of sections are named after in the kernel: from 1 to 15
   * letters, digits and `_`. By default the file's name.
   */
  readonly name?: string | undefined;
  /**
   * The values of constants (`const volatile` in C), by their names, as plain
   * data. The verifier knows them: it leaves out what they make unreachable.
   * They can be set here and never again.
   */
  readonly constants?: Readonly<Record<string, unknown>> | undefined;
  /** The values that other variables have at first, by their names. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  /** What to set of maps, by their names, before they are made. */
  readonly maps?: Readonly<Record<string, LoadMapOptions>> | undefined;
  /** What to set of programs, by their names, before they are loaded. */
  readonly programs?: Readonly<Record<string, LoadProgramOptions>> | undefined;
  /**
   * What the kernel shall log of programs that it takes, too: 1 for all that the
   * verifier looks at, 2 for more, 4 for statistics, or a sum (`BPF_LOG_*` of
   * `linux/bpf_verifier.h`). By default 0: it logs what it refuses.
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
   * Lines `CONFIG_…=…`, which go before the kernel's own configuration for what
   * programs declare as `__kconfig`.
   */
  readonly kconfig?: string | undefined;
}
