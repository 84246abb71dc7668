/** The generated classes: what a pointer to each kind of type is made of. */

import { columnSource, elementsSource, recordsSource } from "./array_source.ts";
import { atomicSource } from "./atomic_source.ts";
import type { Source } from "./class_text.ts";
import { type ClassOf, Scope } from "../leaves/leaf_source.ts";
import type { Plan, Style } from "./plan.ts";
import { recordSource } from "./struct_source.ts";

/** The text of the class that does what a plan says. */
export function sourceOf(
  plan: Plan,
  style: Style,
  wide: boolean,
  classOf: ClassOf,
  moving = false,
): Source {
  const scope = new Scope(classOf, moving);
  switch (plan.kind) {
    case "record":
      return recordSource(plan, style, wide, scope);
    case "atomic":
      return atomicSource(plan.type, style, wide, scope);
    case "elements":
      return elementsSource(plan.slot, plan.stride, style, wide, scope);
    case "records":
      return recordsSource(plan, wide, scope);
    case "column":
      return columnSource(plan.slot, style, wide, scope);
  }
}
