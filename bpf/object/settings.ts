/** What a program may set before an object is loaded. */

import { show } from "../../base/show.ts";
import { pathOf } from "../../base/path.ts";
import {
  type OptionNames,
  requireFlag,
  requireOptions,
  requireU32,
} from "../../base/arguments.ts";
import { descriptorOf } from "../kernel_object.ts";
import type { NativeMap } from "../libbpf/map.ts";
import type { NativeProgram } from "../libbpf/program.ts";
import { nothingNamed } from "../named.ts";
import { requireObjectName } from "./file.ts";
import { checkTypes } from "./file_check/btf.ts";
import type { Values } from "./initial_values.ts";
import type {
  LoadMapOptions,
  LoadOptions,
  LoadProgramOptions,
} from "./load_options.ts";

/** The options, checked. */
export interface LoadSettings {
  readonly name: string | undefined;
  /** BTF to relocate against in place of the kernel's own. */
  readonly kernelBtf: Uint8Array | undefined;
  readonly constants: Values | undefined;
  readonly variables: Values | undefined;
  readonly maps: readonly MapSettings[];
  readonly programs: readonly ProgramSettings[];
  /** What the kernel shall log of programs that it takes, too: `BPF_LOG_*`. */
  readonly logLevel: number;
  /** The directory that maps are pinned in which ask for it in their definition. */
  readonly pinRoot: string | undefined;
  /** Lines `CONFIG_…=…` that override the kernel's configuration. */
  readonly kconfig: string | undefined;
}

const loadOptions: OptionNames<LoadOptions> = {
  name: true,
  constants: true,
  variables: true,
  maps: true,
  programs: true,
  logLevel: true,
  btfPath: true,
  pinPath: true,
  kconfig: true,
};

const mapOptions: OptionNames<LoadMapOptions> = {
  maxEntries: true,
  valueSize: true,
  reuse: true,
  pin: true,
  innerMap: true,
};

const programOptions: OptionNames<LoadProgramOptions> = { load: true };

/** Bits that `linux/bpf_verifier.h` has names for. */
const MOST_LOG_LEVEL = 15;

/** Reads each option once. @throws {TypeError | RangeError | Deno.errors.NotCapable} */
export function readLoadOptions(options: LoadOptions): LoadSettings {
  requireOptions(options, loadOptions);
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
    kernelBtf: btfPath === undefined ? undefined : readBtf(btfPath),
    pinRoot: pinPath === undefined ? undefined : pathOf(pinPath),
    kconfig: requireText(kconfig),
  };
}

function readBtf(path: string | URL): Uint8Array {
  const bytes = Deno.readFileSync(pathOf(path));
  checkTypes(bytes);
  return bytes;
}

function requireLogLevel(level: unknown = 0): number {
  if (
    typeof level !== "number" || !Number.isInteger(level) || level < 0 ||
    level > MOST_LOG_LEVEL
  ) {
    throw new RangeError(
      `Log level must be an integer from 0 to ${MOST_LOG_LEVEL}: received ${
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
      `Option kconfig must be a string without NUL: received ${show(kconfig)}`,
    );
  }
  return kconfig;
}

// ---------------------------------------------------------------------------
// Maps
// ---------------------------------------------------------------------------

/** The settings of one map, checked. */
export interface MapSettings {
  readonly name: string;
  readonly maxEntries: number | undefined;
  readonly valueSize: number | undefined;
  /** Gives the descriptor of the map to reuse, as long as that is open. */
  readonly reuse: (() => number) | undefined;
  readonly pin: string | false | undefined;
  /** Gives the descriptor of the template for inner maps. */
  readonly innerMap: (() => number) | undefined;
}

/** Reads each option once. @throws {TypeError | RangeError} */
export function readMapSettings(options: unknown): MapSettings[] {
  if (options === undefined) return [];
  requireOptions(options);
  return Object.entries(options as Record<string, LoadMapOptions>)
    .map(([name, own]) => readOne(name, own));
}

function readOne(name: string, options: LoadMapOptions): MapSettings {
  requireOptions(options, mapOptions);
  const { maxEntries, valueSize, reuse, pin, innerMap } = options;
  if (reuse !== undefined && pin !== undefined && pin !== false) {
    throw new TypeError(
      `Options reuse and pin of the map ${name} exclude each other: pin the map that is reused`,
    );
  }
  return {
    name,
    maxEntries: maxEntries === undefined
      ? undefined
      : requireU32(`maxEntries of the map ${name}`, maxEntries, 1),
    valueSize: valueSize === undefined
      ? undefined
      : requireU32(`valueSize of the map ${name}`, valueSize, 0),
    reuse: requireMap(`reuse of the map ${name}`, reuse),
    pin: pin === undefined || pin === false ? pin : pathOf(pin),
    innerMap: requireMap(`innerMap of the map ${name}`, innerMap),
  };
}

function requireMap(
  what: string,
  value: unknown,
): (() => number) | undefined {
  if (value === undefined) return undefined;
  const open = () => descriptorOf(`Option ${what}`, "map", value);
  open(); // A mistake is told before anything is loaded.
  return open;
}

/** Sets what was asked for. @throws if there is no such map, or it cannot be. */
export function applyMapSettings(
  maps: readonly NativeMap[],
  settings: readonly MapSettings[],
): void {
  for (const own of settings) {
    const map = maps.find(({ name }) => name === own.name);
    if (map === undefined) {
      throw nothingNamed(maps.map(({ name }) => name), own.name, "map");
    }
    applyOne(map, own);
  }
}

function applyOne(map: NativeMap, settings: MapSettings): void {
  const { maxEntries, valueSize, reuse, pin, innerMap } = settings;
  if (maxEntries !== undefined) map.setMaxEntries(maxEntries);
  if (valueSize !== undefined) map.setValueSize(valueSize);
  if (innerMap !== undefined) map.setInnerMap(innerMap());
  if (pin !== undefined) map.setPinPath(pin === false ? undefined : pin);
  if (reuse !== undefined) map.reuse(reuse());
}

// ---------------------------------------------------------------------------
// Programs
// ---------------------------------------------------------------------------

/** The settings of one program, checked. */
export interface ProgramSettings {
  readonly name: string;
  readonly load: boolean | undefined;
}

/** Reads each option once. @throws {TypeError} */
export function readProgramSettings(options: unknown): ProgramSettings[] {
  if (options === undefined) return [];
  requireOptions(options);
  return Object.entries(options as Record<string, LoadProgramOptions>)
    .map(([name, own]) => {
      requireOptions(own, programOptions);
      const { load } = own;
      return {
        name,
        load: load === undefined ? undefined : requireFlag("load", load),
      };
    });
}

/** Sets what was asked for. @throws {RangeError} if there is no such program. */
export function applyProgramSettings(
  programs: readonly NativeProgram[],
  settings: readonly ProgramSettings[],
): void {
  for (const { name, load } of settings) {
    const program = programs.find((program) => program.name === name);
    if (program === undefined) {
      throw nothingNamed(
        programs.map(({ name }) => name),
        name,
        "program",
      );
    }
    if (load !== undefined) program.autoload = load;
  }
}
