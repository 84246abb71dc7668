/** The files that an object is loaded from. */

import {
  addSeals,
  check,
  createMemfd,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  truncateFile,
} from "../../ffi/mod.ts";
import { InvalidObjectError } from "../../errors.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { writeFile } from "../../memory/file_copies.ts";
import { show } from "../../base/show.ts";
import { pathOf } from "../../base/path.ts";

/** An object file. */
export interface Source {
  /** A copy of it that nobody else has. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The default of its name. */
  readonly name: string;
  /** The path that it was read from; undefined where its bytes were given. */
  readonly path: string | undefined;
}

/**
 * Reads an object file, or copies its bytes: libbpf parses them in place, and
 * others must not change them meanwhile.
 */
export function readSource(source: unknown): Source {
  if (source instanceof Uint8Array) {
    const bytes = new Uint8Array(source);
    return { bytes, name: "object", path: undefined };
  }
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new TypeError(
      `An object must be given as a path, a file URL or a Uint8Array: received ${
        show(source)
      }`,
    );
  }
  const path = pathOf(source);
  const bytes = new Uint8Array(Deno.readFileSync(path));
  return { bytes, name: nameOf(path), path };
}

/** The error to throw: one about what is in an object file names the file. */
export function errorIn({ path }: Source, error: unknown): unknown {
  if (path === undefined || !(error instanceof InvalidObjectError)) {
    return error;
  }
  return new InvalidObjectError(`"${path}": ${error.message}`, {
    cause: error,
  });
}

/** The name of a file without `.bpf.o`, in characters that the kernel takes. */
function nameOf(path: string): string {
  const base = /([^/]*?)(\.bpf)?(\.o)?$/.exec(path)?.[1] ?? "";
  return base.replace(/[^A-Za-z0-9_]/g, "_").slice(0, 15) || "object";
}

/**
 * Has a function use the path of a file of bytes, into which nobody can put
 * others: not the rest of this process either, which could find its descriptor.
 *
 * @throws {SystemError} if there can be no such file.
 */
export function withSealedFile<T>(
  bytes: Uint8Array,
  use: (path: string) => T,
): T {
  const descriptor = new Descriptor(check(createMemfd("btf"), "memfd_create"));
  try {
    const { fd } = descriptor;
    const length = bytes.length;
    check(truncateFile(fd, length), "ftruncate");
    writeFile(fd, bytes, length, 0);
    check(addSeals(fd, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_WRITE), "fcntl");
    return use(`/proc/self/fd/${fd}`);
  } finally {
    descriptor.close();
  }
}
