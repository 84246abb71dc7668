/** One way through a type, for all who read its values as a whole. */

import {
  type Access,
  accessTo,
  type LeafPlace,
  type Length,
  type Plan,
  planOf,
  READABLE,
} from "./plan.ts";
import type { AnyType } from "../model/types.ts";

/** The functions that a walk calls for each part of a type. */
export interface Emitter<E> {
  /** Emits one value. */
  leaf(place: LeafPlace): E;
  /** Shifts an emitted part by an offset in bytes. */
  shifted(inner: E, offset: number): E;
  /** Emits a struct, a union, or a root of one value. */
  fields(fields: readonly (readonly [name: string, E])[]): E;
  /** Emits an array. */
  elements(element: E, stride: number, length: Length): E;
}

/** Walks through a type. */
export function walkType<E>(type: AnyType, emit: Emitter<E>): E {
  return walkAccess(accessTo(type, type.name, 0, READABLE), emit);
}

function walkAccess<E>(access: Access, emit: Emitter<E>): E {
  switch (access.kind) {
    case "leaf":
      return emit.leaf(access.place);
    case "object": {
      const plan = planOf(access.type, access.mode);
      return emit.shifted(
        walkPlan(plan, emit, access.length ?? 0),
        access.offset,
      );
    }
    case "native":
      throw new TypeError("A plan that only reads has no typed arrays");
  }
}

/**
 * Walks through a plan that only reads.
 *
 * @param length The number of its elements, where it is an array's.
 */
export function walkPlan<E>(plan: Plan, emit: Emitter<E>, length: Length): E {
  switch (plan.kind) {
    case "struct":
      return emit.fields(
        plan.properties.map((
          { name, access },
        ) => [name, walkAccess(access, emit)]),
      );
    case "atomic":
      return emit.leaf(plan.place);
    case "elements":
      return emit.elements(emit.leaf(plan.place), plan.stride, length);
    case "objects":
      return emit.elements(
        walkAccess(plan.element, emit),
        plan.stride,
        length,
      );
    case "column":
      throw new TypeError("A column is read by its own stride");
  }
}
