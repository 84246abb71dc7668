/** Generated classes with a property per field: structs, unions, roots. */

import { classSource, here, objectSource, type Source } from "./class_text.ts";
import { type Base, getSource, type Scope } from "../leaves/leaf_source.ts";
import type { Plan, Property, Style } from "./plan.ts";
import { setterSource } from "./store_source.ts";

function propertySource(
  { name, access }: Property,
  base: Base,
  style: Style,
  scope: Scope,
): string[] {
  const key = `[${JSON.stringify(name)}]`;
  if (access.kind !== "leaf") {
    return [`get ${key}() {\nreturn ${objectSource(access, base, scope)};\n}`];
  }
  const { slot } = access;
  const getter = `get ${key}() {\nreturn ${getSource(slot, base, scope)};\n}`;
  if (!style.writable) return [getter];
  const setter = `set ${key}(a) {\n${setterSource(slot, base, scope)}\n}`;
  return [getter, setter];
}

/** A class with one property per field: structs, unions, roots of leaves. */
export function recordSource(
  plan: Extract<Plan, { kind: "record" }>,
  style: Style,
  wide: boolean,
  scope: Scope,
): Source {
  const base = here(wide);
  const body = plan.properties.flatMap((property) =>
    propertySource(property, base, style, scope)
  );
  const fields = ["region", "offset", ...(plan.extends ? ["extent"] : [])];
  return classSource(fields, body, scope);
}
