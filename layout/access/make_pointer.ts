/** Makes pointers, views and arrays from offsets of a whole region. */

import { classOf } from "./classes.ts";
import { library } from "./library.ts";
import { accessTo, type Style } from "./plan.ts";
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
 * How the pointers to a type are made.
 *
 * @param type The type.
 * @param style In which way memory is reached.
 * @param path What error messages call an array or an atomic.
 * @param ofRecord Whether they shall say of themselves that a record has ended.
 */
export function maker(
  type: AnyType,
  style: Style,
  path: string,
  ofRecord = false,
): Make {
  const access = accessTo(type, path, 0, style);
  if (access.kind === "native") {
    const { lane, length, stride } = access;
    return (root, absolute, extent) =>
      library.native[lane](
        root,
        absolute,
        length === "flexible" ? library.countIn(extent, 0, stride) : length,
      );
  }
  const made = classOf(type, style, undefined, ofRecord);
  const { construct, wide } = made;
  if (access.kind === "object" && access.length === "flexible") {
    const other = classOf(type, style, true, ofRecord);
    const { stride } = access;
    return (root, absolute, extent) =>
      library.flexibleArray(made, other, root, absolute, extent, stride, path);
  }
  const extensible = access.kind === "object" && access.extends;
  const rest = type.kind === "array"
    ? [type.length, path]
    : type.kind === "atomic"
    ? [path]
    : undefined;
  return (root, absolute, extent) => {
    const window = wide ? root : windowFor(root, absolute, type.size);
    const offset = absolute - (window.start - root.start);
    if (rest !== undefined) return new construct(window, offset, ...rest);
    return extensible
      ? new construct(window, offset, extent)
      : new construct(window, offset);
  };
}
