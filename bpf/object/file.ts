/** Where an object file comes from, and what it is called. */

import { typedArrayName } from "../../layout/intrinsics.ts";
import { show } from "../../base/show.ts";
import { pathOf } from "../../base/path.ts";

/** An object file. */
export interface Source {
  /** A copy of it that nobody else has. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What it is called where its user does not say. */
  readonly name: string;
}

/** Reads an object file, or takes its bytes. */
export function readSource(source: unknown): Source {
  if (typedArrayName(source) === "Uint8Array") {
    return { bytes: copyOf(source as Uint8Array), name: "object" };
  }
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new TypeError(
      `An object must be given as a path, a file URL or a Uint8Array: received ${
        show(source)
      }`,
    );
  }
  const path = pathOf(source);
  return { bytes: copyOf(Deno.readFileSync(path)), name: nameOf(path) };
}

/** libbpf parses the bytes in place: others must not change them meanwhile. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** The name of a file without `.bpf.o`, in characters that the kernel takes. */
function nameOf(path: string): string {
  const base = /([^/]*?)(\.bpf)?(\.o)?$/.exec(path)?.[1] ?? "";
  return base.replace(/[^A-Za-z0-9_]/g, "_").slice(0, 15) || "object";
}

/** @throws {TypeError | RangeError} unless maps of sections can be named so. */
export function requireObjectName(name: unknown): string {
  if (typeof name !== "string") {
    throw new TypeError(
      `Object name must be a string: received ${show(name)}`,
    );
  }
  // Without dots, so that a section's name can be told from it.
  if (!/^[A-Za-z0-9_]{1,15}$/.test(name)) {
    throw new RangeError(
      `Object name must have from 1 to 15 letters, digits and "_": received ${
        show(name)
      }`,
    );
  }
  return name;
}
