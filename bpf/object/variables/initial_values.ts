/** The values that variables have when an object is loaded. */

import { NotSupportedError } from "../../../errors.ts";
import { requireOptions } from "../../../base/arguments.ts";
import type { NativeMap } from "../../libbpf/map.ts";
import type { Declaration } from "./declarations.ts";
import { buffered, Place } from "./access.ts";
import type { VariableNames } from "./names.ts";

/** Values by the names of variables. */
export type Presets = Readonly<Record<string, unknown>>;

/** What sections hold at first, by their names. */
export type Images = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/**
 * Puts values into what sections hold at first. Nothing is set before all of
 * them are checked.
 *
 * @param constants The values of those that cannot be changed afterwards.
 * @param variables The values of those that can.
 * @throws {RangeError} if there is no such variable, or it is of the other kind.
 * @throws {TypeError | RangeError} if a value is not of its variable's type.
 */
export function imagesWith(
  names: VariableNames,
  maps: readonly NativeMap[],
  constants: Presets | undefined,
  variables: Presets | undefined,
): Images {
  const images = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [presets, constant] of [[constants, true], [variables, false]]) {
    if (presets === undefined) continue;
    requireOptions(presets);
    for (const [name, value] of Object.entries(presets as Presets)) {
      const declaration = names.find(name);
      requireKind(declaration, constant as boolean);
      let image = images.get(declaration.section);
      if (image === undefined) {
        image = initialImage(declaration, maps);
        images.set(declaration.section, image);
      }
      new Place(declaration, declaration.type()).write(buffered(image), value);
    }
  }
  return images;
}

function requireKind(
  { name, section }: Declaration,
  constant: boolean,
): void {
  if (section === ".kconfig") {
    throw new RangeError(
      `Cannot set ${name}: it is of the kernel's configuration; pass a line ${name}=… as \`kconfig\``,
    );
  }
  const isConstant = section === ".rodata" || section.startsWith(".rodata.");
  if (isConstant === constant) return;
  throw new RangeError(
    constant
      ? `Constant ${name} must be declared const: it is in ${section}; pass it as one of \`variables\``
      : `Variable ${name} must not be declared const: it is in ${section}; pass it as one of \`constants\``,
  );
}

function initialImage(
  { name, section }: Declaration,
  maps: readonly NativeMap[],
): Uint8Array<ArrayBuffer> {
  const map = maps.find((map) => map.isSection && map.name === section)!;
  const image = map.fd >= 0 ? undefined : map.initialValue();
  if (image === undefined) {
    throw new NotSupportedError(
      `Cannot set ${name} before loading: another map is used in place of that of its section ${section}`,
    );
  }
  return image;
}

/** Has sections hold at first what was put together. */
export function applyImages(maps: readonly NativeMap[], images: Images): void {
  for (const map of maps) {
    const image = map.isSection ? images.get(map.name) : undefined;
    if (image !== undefined) map.setInitialValue(image);
  }
}
