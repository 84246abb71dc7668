/** The options of loading an object, checked. */

import { NotSupportedError } from "../../errors.ts";
import { show } from "../../base/show.ts";
import { pathOf } from "../../base/path.ts";
import { requireAccess } from "../../base/permission.ts";
import {
  type OptionNames,
  requireFlag,
  requireOptions,
  requireText,
  requireU32,
  requireU64,
} from "../../base/arguments.ts";
import { descriptorOf } from "../kernel_object.ts";
import { libbpfIsAtLeast, libbpfVersion } from "../libbpf/functions.ts";
import type { MapAttributes } from "../libbpf/map.ts";
import { attachTypeNumber } from "../link/attach_type.ts";
import { mapFlagBits } from "../map/flag.ts";
import { mapTypeNumber } from "../map/type.ts";
import { programTypeNumber } from "../program/type.ts";
import { requireToken } from "../token.ts";
import { checkTypes } from "./file_check/btf.ts";
import type { InitialValues } from "./initial_values.ts";
import type {
  LoadMapOptions,
  LoadOptions,
  LoadProgramOptions,
  ProgramTarget,
} from "./load_options.ts";

/** The options, checked. */
export interface LoadSettings extends InitialValues {
  readonly name: string | undefined;
  /** BTF to relocate against in place of the kernel's own. */
  readonly kernelBtf: Uint8Array | undefined;
  readonly maps: readonly MapSettings[];
  readonly programs: readonly ProgramSettings[];
  /**
   * The detail of the kernel's log, also of programs that it accepts:
   * `BPF_LOG_*`.
   */
  readonly logLevel: number;
  /** The directory that maps are pinned in which ask for it in their definition. */
  readonly pinRoot: string | undefined;
  /** Lines `CONFIG_…=…` that override the kernel's configuration. */
  readonly kconfig: string | undefined;
  /** The directory of a BPF file system that libbpf makes a token of. */
  readonly tokenPath: string | undefined;
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
  token: true,
};

const mapOptions: OptionNames<LoadMapOptions> = {
  type: true,
  keySize: true,
  flags: true,
  numaNode: true,
  mapExtra: true,
  create: true,
  maxEntries: true,
  valueSize: true,
  reuse: true,
  pin: true,
  innerMap: true,
};

const programOptions: OptionNames<LoadProgramOptions> = {
  load: true,
  type: true,
  attachType: true,
  attachTo: true,
};

const targetOptions: OptionNames<ProgramTarget> = {
  function: true,
  program: true,
};

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
    token,
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
    kconfig: requireLines(kconfig),
    tokenPath: tokenPathOf(token),
  };
}

/** @throws {TypeError | RangeError} unless maps of sections can be named so. */
function requireObjectName(name: unknown): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Object name must be a string: received ${show(name)}`,
    );
  }
  // Without dots, so that a section's name can be told from it.
  if (!/^[A-Za-z0-9_]{1,15}$/.test(name)) {
    throw new RangeError(
      `Object name must have from 1 to 15 letters, digits and "_": received ${
        show(name)
      }`,
    );
  }
  return name;
}

/** The minor version of libbpf since which objects are loaded with tokens. */
const TOKENS_SINCE = 4;

/** @throws {NotSupportedError | Deno.errors.NotCapable} */
function tokenPathOf(option: unknown): string | undefined {
  const token = requireToken(option);
  if (token === undefined) return undefined;
  void token.fd; // Libbpf makes another of the same path, but not of a closed one.
  // Libbpf opens it, where Deno cannot see that.
  requireAccess("read", token.path);
  if (libbpfIsAtLeast(TOKENS_SINCE)) return token.path;
  throw new NotSupportedError(
    `Cannot load with a token: this libbpf, ${libbpfVersion()}, takes none; that takes libbpf 1.${TOKENS_SINCE}`,
  );
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

function requireLines(kconfig: unknown): string | undefined {
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
  readonly attributes: MapAttributes;
  /** Gives the descriptor of the map to reuse, as long as that is open. */
  readonly reuse: (() => number) | undefined;
  readonly pin: string | false | undefined;
  /** Gives the descriptor of the template for inner maps. */
  readonly innerMap: (() => number) | undefined;
}

/** Reads each option once. @throws {TypeError | RangeError} */
function readMapSettings(options: unknown): MapSettings[] {
  if (options === undefined) return [];
  requireOptions(options);
  return Object.entries(options as Record<string, LoadMapOptions>)
    .map(([name, own]) => readOne(name, own));
}

function readOne(name: string, options: LoadMapOptions): MapSettings {
  requireOptions(options, mapOptions);
  const { reuse, pin, innerMap } = options;
  if (reuse !== undefined && pin !== undefined && pin !== false) {
    throw new TypeError(
      `Options reuse and pin of the map ${name} exclude each other: pin the map that is reused`,
    );
  }
  return {
    name,
    attributes: readAttributes(name, options),
    reuse: requireMap(`reuse of the map ${name}`, reuse),
    pin: pin === undefined || pin === false ? pin : pathOf(pin),
    innerMap: requireMap(`innerMap of the map ${name}`, innerMap),
  };
}

function readAttributes(name: string, options: LoadMapOptions): MapAttributes {
  const { type, flags, numaNode, mapExtra, create } = options;
  const number = (
    option: "keySize" | "valueSize" | "maxEntries",
    least: number,
  ) => {
    const { [option]: value } = options;
    return value === undefined
      ? undefined
      : requireU32(`${option} of the map ${name}`, value, least);
  };
  return {
    type: type === undefined ? undefined : mapTypeNumber(type),
    keySize: number("keySize", 0),
    valueSize: number("valueSize", 0),
    maxEntries: number("maxEntries", 1),
    flagBits: flags === undefined ? undefined : mapFlagBits(flags),
    numaNode: numaNode === undefined
      ? undefined
      : requireU32(`numaNode of the map ${name}`, numaNode, 0),
    mapExtra: mapExtra === undefined
      ? undefined
      : requireU64(`mapExtra of the map ${name}`, mapExtra),
    create: create === undefined ? undefined : requireFlag("create", create),
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

// ---------------------------------------------------------------------------
// Programs
// ---------------------------------------------------------------------------

/** The settings of one program, checked. */
export interface ProgramSettings {
  readonly name: string;
  readonly load: boolean | undefined;
  readonly type: number | undefined;
  readonly attachType: number | undefined;
  readonly attachTo: TargetSettings | undefined;
}

/** The target of a program, checked. */
export interface TargetSettings {
  /** Gives the descriptor of the program that has the function; 0 for the kernel. */
  readonly fd: () => number;
  readonly name: string | undefined;
}

/** Reads each option once. @throws {TypeError} */
function readProgramSettings(options: unknown): ProgramSettings[] {
  if (options === undefined) return [];
  requireOptions(options);
  return Object.entries(options as Record<string, LoadProgramOptions>)
    .map(([name, own]) => {
      requireOptions(own, programOptions);
      const { load, type, attachType, attachTo } = own;
      return {
        name,
        load: load === undefined ? undefined : requireFlag("load", load),
        type: type === undefined ? undefined : programTypeNumber(type),
        attachType: attachType === undefined
          ? undefined
          : attachTypeNumber(attachType),
        attachTo: attachTo === undefined
          ? undefined
          : readTarget(name, attachTo),
      };
    });
}

function readTarget(name: string, target: ProgramTarget): TargetSettings {
  requireOptions(target, targetOptions);
  const { function: own, program } = target;
  const what = `attachTo of the program ${name}`;
  if (own === undefined && program === undefined) {
    throw new TypeError(`Option ${what} must have a function or a program`);
  }
  const fd = () =>
    program === undefined
      ? 0
      : descriptorOf(`Program of ${what}`, "program", program);
  fd(); // A mistake is told before anything is loaded.
  return {
    fd,
    name: own === undefined
      ? undefined
      : requireText(`Function of ${what}`, own),
  };
}
