/**
 * From an object file to the parts of an object in the kernel: its file is
 * checked, it is opened, set up and loaded, and its parts are opened.
 */

import { Btf } from "../../btf/btf.ts";
import { ENOSPC } from "../../ffi/mod.ts";
import { NativeObject, type OpenRequest } from "../libbpf/object.ts";
import { reserveArenas } from "./arenas.ts";
import { errorIn, readSource, withSealedFile } from "./file.ts";
import { checkBtf } from "./file_check/btf.ts";
import { Elf } from "./file_check/elf.ts";
import {
  initialContents,
  type SectionContents,
  setInitialContents,
} from "./initial_values.ts";
import { requireKnownSections } from "./later_sections.ts";
import { loadError } from "./load_error.ts";
import type { LoadOptions } from "./load_options.ts";
import { type ObjectParts, openParts } from "./parts.ts";
import { takePinned, unpin } from "./pinned_maps.ts";
import { setUp } from "./set_up.ts";
import { type LoadSettings, readLoadOptions } from "./settings.ts";
import { variablesIn } from "./variables.ts";

/** Does what `BpfObject.load` does. */
export function load(source: unknown, options: LoadOptions): ObjectParts {
  const settings = readLoadOptions(options);
  const file = readSource(source);
  const { bytes, name } = file;
  try {
    const elf = new Elf(bytes);
    checkBtf(elf);
    requireKnownSections(elf);
    const request = { ...settings, bytes, name: settings.name ?? name };
    const { kernelBtf } = settings;
    return kernelBtf === undefined
      ? loadRequest(elf, { ...request, btfPath: undefined })
      : withSealedFile(
        kernelBtf,
        (btfPath) => loadRequest(elf, { ...request, btfPath }),
      );
  } catch (error) {
    throw errorIn(file, error);
  }
}

/** The object to load, and its options. */
type LoadRequest = OpenRequest & LoadSettings;

/**
 * The sizes of the log of a program, in bytes: little at first, since most
 * load; the last is the most that kernels before Linux 5.2 take.
 */
const LOG_SIZES = [64 * 1024, 1024 * 1024, 16 * 1024 * 1024 - 1];

/**
 * Opens and loads an object. When it throws, nothing is left of it.
 *
 * @throws {VerifierError} if the kernel's verifier refuses a program.
 * @throws {SystemError} with libbpf's reason.
 */
function loadRequest(elf: Elf, request: LoadRequest): ObjectParts {
  const { logLevel } = request;
  // Once: what the values are is not asked again for another attempt.
  let contents: SectionContents | undefined;
  for (const logSize of LOG_SIZES) {
    using opened = new DisposableStack();
    const native = opened.adopt(
      NativeObject.open(request),
      (native) => native.close(),
    );
    const { maps, programs } = native;
    setUp(native, request);
    const pins = takePinned(maps);
    const types = native.btf();
    const btf = types && Btf.parse(types);
    const sections = maps.filter((map) => map.isSection)
      .map(({ name, valueSize }) => ({ name, size: valueSize }));
    const names = variablesIn(elf, btf, sections);
    contents ??= initialContents(names, maps, request);
    setInitialContents(maps, contents);
    for (const program of programs) program.requestLog(logLevel, logSize);
    const { result, warnings } = loadNative(elf, native);
    // An object is of no further use once it failed, so it is opened anew.
    if (result === -ENOSPC && logSize !== LOG_SIZES.at(-1)) continue;
    if (result < 0) throw loadError(native, logLevel, -result, warnings);
    try {
      return openParts(native, btf, names, opened.move());
    } catch (error) {
      // libbpf removes what it has pinned where loading fails, not afterwards.
      unpin(pins);
      throw error;
    }
  }
  throw new Error("Unreachable");
}

function loadNative(
  elf: Elf,
  native: NativeObject,
): ReturnType<NativeObject["load"]> {
  using _reserved = reserveArenas(elf, native.maps);
  return native.load();
}
