/**
 * The function of libc that reads clocks: one more of the groups that
 * `functions.ts` tells of.
 */

import { libc } from "./functions.ts";
import { openLibrary, type Symbols } from "./open_library.ts";
import { platform } from "./platform.ts";

const clockSymbols = {
  clock_gettime: {
    parameters: [
      "i32", // clockid_t clockid
      "buffer", // struct timespec *tp
    ],
    result: "i32", // int
  },
} as const satisfies Deno.ForeignLibraryInterface;

let library: Symbols<typeof clockSymbols> | undefined;

function open(): Symbols<typeof clockSymbols> {
  // It learns where errno is.
  libc();
  return openLibrary("libc.so.6", platform().libcPaths, clockSymbols);
}

/** The function that reads clocks. */
export function libcClock(): Symbols<typeof clockSymbols> {
  return library ??= open();
}
