/**
 * A view, or a pointer, that the library points from one value to the next,
 * instead of making an object for each. It is as safe as any other: wherever it
 * points, it reads through its region.
 */

import { classOf } from "./classes.ts";
import { type AccessMode, constantsOf, READABLE } from "./plan.ts";
import type { Move } from "./private_fields.ts";
import { Region, type RegionNoun, windowFor } from "../region/region.ts";
import type { AnyType } from "../model/types.ts";

/** A view or a pointer, and what points it elsewhere. */
export interface MovingView {
  /** The view or pointer. */
  readonly view: object;
  /** Points it elsewhere in the whole region. What it is told is not checked. */
  readonly move: Move;
  /** Ends its validity: what is read or stored through it throws, until `revive`. */
  retire(): void;
  /** Points it into memory again; `move` says where. */
  revive(): void;
}

/** Regions whose memory is gone, by the noun that tells what ended. */
const ended = {
  record: endedRegion("record"),
  "reserved record": endedRegion("reserved record"),
} as const;

/** A region that never had memory: to release one would cost all others speed. */
function endedRegion(noun: RegionNoun): Region {
  return new Region(new ArrayBuffer(0), 0, 0, noun);
}

/**
 * Makes a view that points to the begin of a region.
 *
 * @param type The target's type; one that passed `checkType`, below 2^30 bytes.
 * @param root The whole region.
 * @param mode The way to reach memory: as a view, unless it is to be a pointer.
 */
export function movingView(
  type: AnyType,
  root: Region,
  mode: AccessMode = READABLE,
): MovingView {
  const { construct } = classOf(type, mode, false, true);
  const { move, enter } = construct.keys;
  const constants = constantsOf(type, type.name);
  const window = windowFor(root, 0, type.size);
  // What ends in a flexible array is told its bytes with each move.
  const rest = constants.length > 0 ? constants : [0];
  const view = new construct(window, 0, ...rest);
  const nowhere = ended[mode.writable ? "reserved record" : "record"];
  const common = {
    view,
    retire: () => enter(view, nowhere),
    revive: () => enter(view, window),
  };
  if (window === root) return { ...common, move };
  return {
    ...common,
    move(object, absolute, extent) {
      const window = windowFor(root, absolute, type.size);
      enter(object, window);
      move(object, absolute - (window.start - root.start), extent);
    },
  };
}
