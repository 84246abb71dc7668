import { NotSupportedError } from "../../errors.ts";

/** The functions of an open library. */
export type Symbols<S extends Deno.ForeignLibraryInterface> =
  Deno.DynamicLibrary<S>["symbols"];

/** True if the program may open every library, not certain files alone. */
export function mayOpenAll(): boolean {
  const { state, partial } = Deno.permissions.querySync({ name: "ffi" });
  return state === "granted" && !partial;
}

/** True if the program may open a file. */
export function mayOpen(path: string): boolean {
  return Deno.permissions.querySync({ name: "ffi", path }).state === "granted";
}

/**
 * Opens a library by whatever name the program was granted. Where all of FFI is
 * granted that is the bare name, by which the dynamic linker finds it; under a
 * grant of paths Deno takes a bare name for a file in the working directory, so
 * there it is the granted path.
 *
 * @param name The dynamic linker's name for it: `"libc.so.6"`.
 * @param paths The paths where it may lie, most likely first.
 * @param symbols The functions wanted of it.
 */
export function openLibrary<const S extends Deno.ForeignLibraryInterface>(
  name: string,
  paths: readonly string[],
  symbols: S,
): Symbols<S> {
  if (!mayOpenAll()) {
    let failure: unknown;
    for (const path of paths) {
      if (!mayOpen(path)) continue;
      try {
        return Deno.dlopen(path, symbols).symbols;
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    // Asked as a whole: an answer to the question that `dlopen` would ask is
    // for a file in the working directory.
    Deno.permissions.requestSync({ name: "ffi" });
  }
  // Without the permission this throws Deno's own error.
  if (mayOpenAll()) return Deno.dlopen(name, symbols).symbols;
  try {
    return Deno.dlopen(name, symbols).symbols;
  } catch (error) {
    if (!mayOpen(name)) throw error;
    throw new NotSupportedError(
      `Cannot open ${name}: --allow-ffi takes a bare name for a file in the working directory; give the full path, such as --allow-ffi=${
        paths[0]
      }`,
      { cause: error },
    );
  }
}
