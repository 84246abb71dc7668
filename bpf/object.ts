import { pathOf, requireOptions } from "../memory/_arguments.ts";
import { requireAccess } from "../memory/_permission.ts";
import { requireU32 } from "./_arguments.ts";
import { emptyRecord, named } from "./_by_name.ts";
import { loadNative, type LoadRequest } from "./_load.ts";
import { type MapOptions, readMapSettings } from "./_map_settings.ts";
import type { NativeObject } from "./_native_object.ts";
import {
  type ProgramOptions,
  readProgramSettings,
} from "./_program_settings.ts";
import { readSource, requireObjectName } from "./_source.ts";
import { BpfMap } from "./map.ts";

const { freeze, values } = Object;

/** Options of {@linkcode BpfObject.load}. */
export interface LoadOptions {
  /**
   * What the maps of sections are named after in the kernel: from 1 to 15
   * letters, digits and `_`. By default the file's name.
   */
  readonly name?: string | undefined;
  /** What to set of maps, by their names, before they are made. */
  readonly maps?: Readonly<Record<string, MapOptions>> | undefined;
  /** What to set of programs, by their names, before they are loaded. */
  readonly programs?: Readonly<Record<string, ProgramOptions>> | undefined;
  /**
   * What the kernel shall log of programs that it takes, too: 1 for all that the
   * verifier looks at, 2 for more, 4 for statistics, or a sum (`BPF_LOG_LEVEL1`
   * of `linux/bpf_verifier.h`). By default 0: it logs what it refuses.
   */
  readonly logLevel?: number | undefined;
  /**
   * A file of BTF, raw or ELF, to relocate against in place of the kernel's own:
   * for kernels without `CONFIG_DEBUG_INFO_BTF`.
   */
  readonly btfPath?: string | URL | undefined;
  /**
   * The directory for maps whose definition asks to be pinned by name
   * (`LIBBPF_PIN_BY_NAME`); by default `/sys/fs/bpf`.
   */
  readonly pinPath?: string | URL | undefined;
  /**
   * Lines `CONFIG_…=…`, which go before the kernel's own configuration for what
   * the programs declare as `__kconfig`.
   */
  readonly kconfig?: string | undefined;
}

/** What only this module has, so that only it can construct. */
const secret = Symbol("BpfObject");

/** BPF programs, and the maps and variables that they use. */
export class BpfObject {
  readonly #native: NativeObject;
  /** Its maps, by name; those of sections by that of the section, `".bss"`. */
  readonly maps: Readonly<Record<string, BpfMap>>;

  private constructor(given: symbol, native: NativeObject) {
    if (given !== secret) throw new TypeError("Illegal constructor");
    this.#native = native;
    this.maps = openMaps(native);
  }

  /** Loads an object. */
  static load(
    source: string | URL | Uint8Array,
    options: LoadOptions = {},
  ): BpfObject {
    requireOptions(options);
    const settings = readOptions(options);
    const { bytes, name } = readSource(source);
    const native = loadNative(
      { ...settings, bytes, name: settings.name ?? name },
      () => {},
    );
    try {
      return new BpfObject(secret, native);
    } catch (error) {
      native.close();
      throw error;
    }
  }

  /** What libbpf holds, for this room. */
  static native(object: BpfObject): NativeObject {
    return object.#native;
  }

  /** A map by its name. */
  map(name: string): BpfMap {
    return named(this.maps, name, "map");
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#native.closed;
  }

  /** Closes it. */
  close(): void {
    for (const map of values(this.maps)) map.close();
    this.#native.close();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function openMaps({ maps }: NativeObject): Readonly<Record<string, BpfMap>> {
  const open = emptyRecord<BpfMap>();
  try {
    for (const { name, fd } of maps) {
      if (fd >= 0) open[name] = BpfMap.fromFd(fd);
    }
  } catch (error) {
    for (const map of values(open)) map.close();
    throw error;
  }
  return freeze(open);
}

function readOptions(
  options: LoadOptions,
): Omit<LoadRequest, "bytes" | "name"> & { readonly name: string | undefined } {
  const {
    name,
    maps,
    programs,
    logLevel = 0,
    btfPath,
    pinPath,
    kconfig,
  } = options;
  if (btfPath !== undefined) requireAccess("read", pathOf(btfPath));
  return {
    name: name === undefined ? undefined : requireObjectName(name),
    maps: readMapSettings(maps),
    programs: readProgramSettings(programs),
    logLevel: requireU32("logLevel", logLevel, 0),
    btfPath: btfPath === undefined ? undefined : pathOf(btfPath),
    pinRoot: pinPath === undefined ? undefined : pathOf(pinPath),
    kconfig,
  };
}
