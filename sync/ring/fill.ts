/** The loop that has slots filled by a callback. */

import { classOf } from "../../layout/access/classes.ts";
import { type Make, maker } from "../../layout/access/make_pointer.ts";
import {
  type MovingView,
  movingView,
} from "../../layout/access/moving_view.ts";
import { accessTo, constantsOf, WRITABLE } from "../../layout/access/plan.ts";
import type { Construct } from "../../layout/access/private_fields.ts";
import { type Region, windowFor } from "../../layout/region/region.ts";
import { refusePromise } from "../../base/arguments.ts";
import type { Placed } from "../shared/structure.ts";
import { part, specialise } from "../../base/specialise.ts";
import { type Drain, ownDrainOf, type Progress } from "./drain.ts";

/** The parts that the loop is made for. */
export interface FillInput extends Placed {
  /** The offset of the slots in the region, in bytes. */
  readonly start: number;
  /** The numbers that the loop and those who end it tell each other. */
  readonly progress: Progress;
}

/** The loop, and the validity of the pointer that it shows. */
export interface Filling extends Pick<MovingView, "retire" | "revive"> {
  /** The loop. */
  readonly fill: Drain;
}

/**
 * The loop of one ring: by a pointer that is moved from slot to slot, where the
 * pointers to an element are of a class of ours; typed arrays are made anew.
 */
export function fillOf(input: FillInput): Filling {
  const { region, element, start, progress, capacity } = input;
  const mask = capacity - 1;
  const { size } = element;
  const access = accessTo(element, element.name, 0, WRITABLE);
  if (access.kind === "native") {
    const make = maker(element, WRITABLE, element.name);
    const fill: Drain = (from, count, callback) => {
      let i = 0;
      progress[1] = count;
      while (i < progress[1]!) {
        const at = start + ((from + i) & mask) * size;
        progress[0] = ++i;
        const slot = make(region, at, size) as never;
        refusePromise(
          callback(slot),
          "the slot is submitted once it has returned",
        );
      }
    };
    return { fill, retire() {}, revive() {} };
  }
  const moving = movingView(element, region, WRITABLE);
  const { view: record, move, retire, revive } = moving;
  const fill = ownDrainOf({ record, move, start, mask, size, progress });
  retire();
  return { fill, retire, revive };
}

/** The way to make a pointer to one slot. */
export function slotOf(
  { region, element, start, capacity }: FillInput,
): (index: number) => object {
  const { size } = element;
  const mask = capacity - 1;
  const make: Make = maker(element, WRITABLE, element.name);
  const access = accessTo(element, element.name, 0, WRITABLE);
  const isPlain = access.kind !== "native" &&
    constantsOf(element, element.name).length === 0 &&
    windowFor(region, 0, size) === region;
  if (!isPlain) {
    return (index) => make(region, start + (index & mask) * size, size);
  }
  const { construct } = classOf(element, WRITABLE);
  return specialise(part(plainSlot, construct, region, start, mask, size));
}

/** It refers to nothing outside of itself. */
function plainSlot(
  construct: Construct,
  region: Region,
  start: number,
  mask: number,
  size: number,
): (index: number) => object {
  return (index) => new construct(region, start + (index & mask) * size);
}
