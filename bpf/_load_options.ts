/** What a program may set before an object is loaded. */

import { pathOf } from "../memory/_arguments.ts";
import { requireAccess } from "../memory/_permission.ts";
import { show } from "./_arguments.ts";
import type { LoadRequest } from "./_load.ts";
import { type MapOptions, readMapSettings } from "./_map_settings.ts";
import type { Presets } from "./_presets.ts";
import {
  type ProgramOptions,
  readProgramSettings,
} from "./_program_settings.ts";
import { requireObjectName } from "./_source.ts";

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
  readonly maps?: Readonly<Record<string, MapOptions>> | undefined;
  /** What to set of programs, by their names, before they are loaded. */
  readonly programs?: Readonly<Record<string, ProgramOptions>> | undefined;
  /**
   * What the kernel shall log of programs that it takes, too: 1 for all that the
   * verifier looks at, 2 for more, 4 for statistics, or a sum (`BPF_LOG_*` of
   * `linux/bpf_verifier.h`). By default 0: it logs what it refuses.
   */
  readonly logLevel?: number | undefined;
  /**
   * A file of BTF, raw or ELF, to relocate against in place of the kernel's own:
   * for kernels without `CONFIG_DEBUG_INFO_BTF`. libbpf reads it as it is.
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

/** The options, checked. */
export interface LoadSettings extends Omit<LoadRequest, "bytes" | "name"> {
  readonly name: string | undefined;
  readonly constants: Presets | undefined;
  readonly variables: Presets | undefined;
}

/** Bits that `linux/bpf_verifier.h` has names for. */
const MOST_LOG_LEVEL = 15;

/** Reads each option once. @throws {TypeError | RangeError | Deno.errors.NotCapable} */
export function readLoadOptions(options: LoadOptions): LoadSettings {
  const {
    name,
    constants,
    variables,
    maps,
    programs,
    logLevel,
    btfPath,
    pinPath,
    kconfig,
  } = options;
  return {
    name: name === undefined ? undefined : requireObjectName(name),
    constants,
    variables,
    maps: readMapSettings(maps),
    programs: readProgramSettings(programs),
    logLevel: requireLogLevel(logLevel),
    btfPath: btfPath === undefined ? undefined : readable(btfPath),
    pinRoot: pinPath === undefined ? undefined : pathOf(pinPath),
    kconfig: requireText(kconfig),
  };
}

function readable(path: string | URL): string {
  const file = pathOf(path);
  requireAccess("read", file);
  return file;
}

function requireLogLevel(level: unknown = 0): number {
  if (
    typeof level !== "number" || !Number.isInteger(level) || level < 0 ||
    level > MOST_LOG_LEVEL
  ) {
    throw new RangeError(
      `Log level must be an integer from 0 to ${MOST_LOG_LEVEL}: current value is ${
        show(level)
      }`,
    );
  }
  return level;
}

function requireText(kconfig: unknown): string | undefined {
  if (kconfig === undefined) return undefined;
  if (typeof kconfig !== "string" || kconfig.includes("\0")) {
    throw new TypeError(
      `Option kconfig must be a string without NUL: current value is ${
        show(kconfig)
      }`,
    );
  }
  return kconfig;
}
