/** The other libraries, as far as they can be loaded. */

import type { Library } from "./peer.ts";
import { bufferBacked } from "./buffer_backed.ts";
import { bunStructs } from "./bun_structs.ts";
import { koffi } from "./koffi.ts";
import { refStruct } from "./ref_struct.ts";
import { typedStruct } from "./typed_struct.ts";

/** A library that could not be loaded, and why. */
export interface Missing {
  /** The package with its version. */
  readonly name: string;
  /** The reason of the failure. */
  readonly reason: string;
}

type Factory = () => Promise<Library>;

const factories: Readonly<Record<string, Factory>> = {
  koffi,
  "ref-struct-di": refStruct,
  "buffer-backed-object": bufferBacked,
  "typed-struct": typedStruct,
  "bun-ffi-structs": bunStructs,
};

/** Loads the libraries; those that cannot be loaded are returned apart. */
export async function loadPeers(): Promise<
  { libraries: Library[]; missing: Missing[] }
> {
  const libraries: Library[] = [];
  const missing: Missing[] = [];
  for (const [name, factory] of Object.entries(factories)) {
    try {
      libraries.push(await factory());
    } catch (error) {
      missing.push({ name, reason: String(error) });
    }
  }
  return { libraries, missing };
}
