/** Pointers in memory that know what they point to. */

import { register } from "../layout/model/types.ts";
import type { Type, Uintptr } from "../layout/static.ts";

/**
 * The type of a pointer that BTF describes: an address as a bigint, with the
 * type of the value that lies there. Its name is the C type: `"struct file *"`.
 */
export interface PointerType extends Uintptr {
  /** The id of the type that it points to, in the BTF that this type is from.
   */
  readonly targetId: number;
  /**
   * The layout of the type that it points to; undefined for types without one,
   * such as `void`, functions, and structs of which the name alone is known.
   *
   * @throws {BtfError} if BTF gives that type no valid layout.
   */
  target(): Type | undefined;
}

/** Makes the type of a pointer. */
export function pointerType(
  name: string,
  targetId: number,
  target: () => Type | undefined,
): PointerType {
  return register<PointerType>({
    kind: "uintptr",
    name,
    size: 8,
    align: 8,
    targetId,
    target,
  });
}
