/** Makes pointers, views and arrays from offsets of a whole region. */

import { classOf } from "./classes.ts";
import { countIn } from "./indices.ts";
import { flexibleArray, native } from "./make_object.ts";
import { type AccessMode, accessTo, constantsOf } from "./plan.ts";
import { type Region, windowFor } from "../region/region.ts";
import type { AnyType } from "../model/types.ts";

/**
 * Makes one object.
 *
 * @param root The whole region.
 * @param absolute The offset in it, in bytes.
 * @param extent The bytes there are from there on, for a flexible array.
 */
export type Make = (root: Region, absolute: number, extent: number) => object;

/**
 * Makes the function that makes the pointers to a type.
 *
 * @param type The type.
 * @param mode The way to reach memory.
 * @param path The name of an array or an atomic in error messages.
 */
export function maker(type: AnyType, mode: AccessMode, path: string): Make {
  const access = accessTo(type, path, 0, mode);
  // Bytes alone are reached through `value`, as all that is one value.
  if (access.kind === "native" && type.kind === "array") {
    const { lane, length, stride } = access;
    return (root, absolute, extent) =>
      native[lane](
        root,
        absolute,
        length === "flexible" ? countIn(extent, stride) : length,
      );
  }
  const { construct, wide } = classOf(type, mode);
  if (access.kind === "object" && access.length === "flexible") {
    const other = classOf(type, mode, true).construct;
    const { stride } = access;
    return (root, absolute, extent) =>
      flexibleArray(construct, other, root, absolute, extent, stride, path);
  }
  const isOpenEnded = access.kind === "object" && access.isOpenEnded;
  const constants = constantsOf(type, path);
  const hasConstants = constants.length > 0;
  return (root, absolute, extent) => {
    const window = wide ? root : windowFor(root, absolute, type.size);
    const offset = absolute - (window.start - root.start);
    if (hasConstants) return new construct(window, offset, ...constants);
    return isOpenEnded
      ? new construct(window, offset, extent)
      : new construct(window, offset);
  };
}
