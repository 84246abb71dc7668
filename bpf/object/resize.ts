/** Sections of variables that are made longer or shorter. */

import { Btf } from "../../btf/btf.ts";
import type { BtfDatasec } from "../../btf/types.ts";
import { NotSupportedError } from "../../errors.ts";
import { libbpfIsAtLeast, libbpfVersion } from "../libbpf/functions.ts";
import type { NativeMap } from "../libbpf/map.ts";
import type { NativeObject } from "../libbpf/object.ts";
import { plainType } from "./plain_type.ts";

/** The minor version since which `bpf_map__set_value_size` takes sections. */
const SINCE = 3;

/**
 * The section of the kernel's configuration. Libbpf writes each of its variables
 * where the object has it, also beyond the end of what became shorter.
 */
const CONFIGURATION = ".kconfig";

/**
 * Has the array that a section ends with take what a new size leaves for it.
 * Libbpf would resize any section, but without such an array it would drop the
 * types of all variables.
 *
 * @param size The size of the section in bytes.
 * @throws {NotSupportedError} if this libbpf is too old, there is no BTF, or the
 * section is that of the kernel's configuration, or does not end with an array.
 * @throws {RangeError} if the size leaves no whole number of elements.
 */
export function resizeSection(
  native: NativeObject,
  map: NativeMap,
  size: number,
): void {
  if (!libbpfIsAtLeast(SINCE)) {
    throw new NotSupportedError(
      `Cannot set valueSize of the section ${map.name}: this libbpf, ${libbpfVersion()}, resizes none; that takes libbpf 1.${SINCE}`,
    );
  }
  if (map.name === CONFIGURATION) {
    throw new NotSupportedError(
      `Cannot set valueSize of the section ${CONFIGURATION}: libbpf fills its variables, all of their sizes`,
    );
  }
  const { name, offset, elementSize } = lastArray(native, map.name);
  const room = size - offset;
  if (room < elementSize || room % elementSize !== 0) {
    const before = offset === 0 ? "" : `${offset} bytes and `;
    throw new RangeError(
      `valueSize of the section ${map.name} must be ${before}a multiple of ${elementSize}, the size of an element of ${name}: received ${size}`,
    );
  }
  map.configure({ valueSize: size });
}

/** The array at the end of a section. */
interface LastArray {
  readonly name: string;
  readonly offset: number;
  readonly elementSize: number;
}

function lastArray(native: NativeObject, section: string): LastArray {
  const bytes = native.btf();
  if (bytes === undefined) {
    throw new NotSupportedError(
      `Cannot set valueSize of the section ${section}: the object has no types of its variables; compile it with clang -g`,
    );
  }
  const btf = Btf.parse(bytes);
  // What has no name of its own, such as a text, is no variable, and has no type.
  const [found] = btf.findAll(section, "datasec");
  const last = found && lastOf(found);
  const variable = last && btf.type(last.type);
  if (last === undefined || variable?.kind !== "var") {
    throw new NotSupportedError(
      `Cannot set valueSize of the section ${section}: it has no variables, of which the last must be an array`,
    );
  }
  const { name } = variable;
  const type = plainType(btf, variable.type);
  if (type.kind !== "array") {
    throw new NotSupportedError(
      `Cannot set valueSize of the section ${section}: its last variable must be an array, and ${name} is none`,
    );
  }
  const { offset } = last;
  return { name, offset, elementSize: btf.layout(type.element).size };
}

/** The variable that lies last; undefined where there is none. */
function lastOf(
  { variables }: BtfDatasec,
): BtfDatasec["variables"][number] | undefined {
  return variables.toSorted((a, b) => a.offset - b.offset).at(-1);
}
