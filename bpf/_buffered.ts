import { pointer, type Type, view } from "../layout/mod.ts";
import type { Pointing } from "./_place.ts";

/** Pointers into bytes, as a Memory makes them into memory. */
export function buffered(bytes: Uint8Array): Pointing {
  return {
    pointer: (type, offset, options) =>
      pointer<Type>(type, bytes, offset, options),
    view: (type, offset, options) => view<Type>(type, bytes, offset, options),
  };
}
