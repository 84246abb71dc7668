/** The values that variables have when an object is loaded. */

import { NotSupportedError } from "../../errors.ts";
import { requireOptions } from "../../base/arguments.ts";
import type { NativeMap } from "../libbpf/map.ts";
import type { Declaration } from "../variable/declarations.ts";
import { buffered, VariableAccess } from "../variable/access.ts";
import type { VariableNames } from "../variable/names.ts";

/** Values by the names of variables. */
export type Values = Readonly<Record<string, unknown>>;

/** The values that were asked for. */
export interface InitialValues {
  readonly constants: Values | undefined;
  readonly variables: Values | undefined;
}

/** The initial contents of sections, by their names. */
export type SectionContents = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/**
 * Puts values into what sections hold at first. Nothing is set before all of
 * them are checked.
 *
 * @param values The values of those that cannot be changed afterwards, and of
 * those that can.
 * @throws {RangeError} if there is no such variable, or it is of the other kind.
 * @throws {TypeError | RangeError} if a value is not of its variable's type.
 */
export function initialContents(
  names: VariableNames,
  maps: readonly NativeMap[],
  { constants, variables }: InitialValues,
): SectionContents {
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [values, constant] of [[constants, true], [variables, false]]) {
    if (values === undefined) continue;
    requireOptions(values);
    for (const [name, value] of Object.entries(values as Values)) {
      const declaration = names.find(name);
      requireKind(declaration, constant as boolean);
      let content = contents.get(declaration.section);
      if (content === undefined) {
        content = ownContent(declaration, maps);
        contents.set(declaration.section, content);
      }
      new VariableAccess(declaration, declaration.type())
        .write(buffered(content), value);
    }
  }
  return contents;
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

function ownContent(
  { name, section }: Declaration,
  maps: readonly NativeMap[],
): Uint8Array<ArrayBuffer> {
  const map = maps.find((map) => map.isSection && map.name === section)!;
  const content = map.fd >= 0 ? undefined : map.initialValue();
  if (content === undefined) {
    throw new NotSupportedError(
      `Cannot set ${name} before loading: another map is used in place of that of its section ${section}`,
    );
  }
  return content;
}

/** Has sections hold at first what was put together. */
export function setInitialContents(
  maps: readonly NativeMap[],
  contents: SectionContents,
): void {
  for (const map of maps) {
    const content = map.isSection ? contents.get(map.name) : undefined;
    if (content !== undefined) map.setInitialValue(content);
  }
}
