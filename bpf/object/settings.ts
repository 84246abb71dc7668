/** What a program may set before an object is loaded. */

import { show } from "../../base/show.ts";
import { pathOf } from "../../base/path.ts";
import { checkTypes } from "./file_check/btf.ts";
import type { LoadRequest } from "./load.ts";
import { readMapSettings } from "./map_settings.ts";
import type { Values } from "./initial_values.ts";
import { readProgramSettings } from "./program_settings.ts";
import { requireObjectName } from "./file.ts";
import type { LoadOptions } from "./load_options.ts";

/** The options, checked. */
export interface LoadSettings
  extends Omit<LoadRequest, "bytes" | "name" | "btfPath"> {
  readonly name: string | undefined;
  /** BTF to relocate against in place of the kernel's own. */
  readonly kernelBtf: Uint8Array | undefined;
  readonly constants: Values | undefined;
  readonly variables: Values | undefined;
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
