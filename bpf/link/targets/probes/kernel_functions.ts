/** The functions of the kernel that can be probed. */

import { NotSupportedError } from "../../../../errors.ts";
import {
  closeDescriptor,
  ENOENT,
  O_RDONLY,
  openFile,
  readNext,
  systemError,
} from "../../../../ffi/mod.ts";
import { show } from "../../../../base/show.ts";
import { globOf } from "./elf_symbols.ts";

/** The kernel's lists of them, one on a line, if tracefs is mounted there. */
const LISTS: readonly string[] = [
  "/sys/kernel/tracing/available_filter_functions",
  "/sys/kernel/debug/tracing/available_filter_functions",
];
/** All symbols; some functions among them cannot be probed. */
const SYMBOLS = "/proc/kallsyms";

const CHUNK = 65536;

/** The text of a file that the kernel writes; undefined where it cannot be read. */
function textOf(path: string): string | undefined {
  const fd = openFile(path, O_RDONLY);
  if (fd < 0) return undefined;
  try {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(new ArrayBuffer(CHUNK));
    let text = "";
    for (;;) {
      const length = readNext(fd, chunk, CHUNK);
      if (length < 0) return undefined;
      if (length === 0) return text;
      text += decoder.decode(chunk.subarray(0, length), { stream: true });
    }
  } finally {
    closeDescriptor(fd);
  }
}

/**
 * The names of the functions that can be probed; undefined where the kernel's
 * list of them cannot be read.
 */
export function probedFunctions(): Set<string> | undefined {
  for (const path of LISTS) {
    const text = textOf(path);
    // A line is "name", or "name [module]".
    if (text) return new Set(text.match(/^[^\s]+/gm));
  }
  return undefined;
}

/** The names of all functions, as `/proc/kallsyms` has them. */
function allFunctions(): Set<string> | undefined {
  const lines = textOf(SYMBOLS)?.matchAll(/^[0-9a-f]+ [tTwW] (\S+)/gm);
  return lines && new Set([...lines].map(([, name]) => name!));
}

/**
 * The functions of the kernel whose names match a pattern, in its own order.
 *
 * @param pattern A pattern in which `*` stands for any text and `?` for one
 * character.
 * @throws {NotSupportedError} if the kernel lists none.
 * @throws {SystemError} with ENOENT, if none matches.
 */
export function matchingFunctions(pattern: string): string[] {
  const all = probedFunctions() ?? allFunctions();
  if (all === undefined) {
    throw new NotSupportedError(
      `Looking functions of the kernel up by a pattern needs tracefs, mounted and readable (mount -t tracefs none /sys/kernel/tracing), or ${SYMBOLS}`,
    );
  }
  const matches = globOf(pattern);
  const found = [...all].filter((name) => matches.test(name));
  if (found.length > 0) return found;
  throw systemError(
    ENOENT,
    "symbol look-up",
    `the kernel has no function that matches ${
      show(pattern)
    } and may be probed`,
  );
}
