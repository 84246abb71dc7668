/**
 * A view that the library points from one value to the next, instead of making
 * an object for each. It is as safe as any other: wherever it points, it reads
 * through its region.
 */

import { classOf } from "./_class.ts";
import type { Move } from "./_pointer_class.ts";
import type { Region } from "./_region.ts";
import type { AnyType } from "./_registry.ts";

/** A view, and what points it elsewhere. */
export interface MovingView {
  /** The view. */
  readonly view: object;
  /** Points it elsewhere. What it is told is not checked. */
  readonly move: Move;
}

/**
 * Makes a view that points to the begin of a region.
 *
 * @param type What it points to; one that passed `checkType`, below 2^30 bytes.
 * @param region The region.
 */
export function movingView(type: AnyType, region: Region): MovingView {
  const style = { writable: false, aligned: true };
  const { construct, move } = classOf(type, style, false, true);
  const rest = type.kind === "array"
    ? [type.length, type.name]
    : type.kind === "atomic"
    ? [type.name]
    : [0];
  return { view: new construct(region, 0, ...rest), move: move! };
}
