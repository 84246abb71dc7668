/** Paths to fields, as the type checker knows them: `"inner.x"`. */

import type { Fields, Type } from "./types.ts";
import type { Hidden } from "./live.ts";

/** The fields of a struct or union that are properties. */
export type FieldsOf<T> = T extends
  { readonly kind: "struct" | "union"; readonly fields: infer F }
  ? { [K in keyof F as F[K] extends Hidden ? never : K]: F[K] }
  : T extends { readonly kind: infer K }
  // Of a type that is known at run time only, any path may be right.
    ? string extends K ? Fields : Record<never, never>
  : never;
/** Their names. */
export type Names<T> = keyof FieldsOf<T> & string;

/** The type at a path: `At<typeof Outer, "inner.x">`. */
export type At<T, P extends string> = P extends Names<T>
  ? Extract<FieldsOf<T>[P], Type>
  : P extends `${infer H}.${infer R}`
    ? H extends Names<T> ? At<FieldsOf<T>[H], R> : never
  : never;

/** The path itself where it is valid, else what could stand there. */
export type Path<T, P extends string, Before extends string = ""> = P extends
  Names<T> ? `${Before}${P}`
  : P extends `${infer H}.${infer R}`
    ? H extends Names<T> ? Path<FieldsOf<T>[H], R, `${Before}${H}.`>
    : `${Before}${Names<T>}`
  : `${Before}${Names<T>}`;
