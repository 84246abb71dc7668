/** A terminal that is drawn over and over, until a signal. */

import type { Output } from "./output.ts";

// Escape sequences of ECMA-48 and of xterm's alternate screen, which every
// terminal in use knows.
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const END_OF_LINE = "\x1b[K";
const BELOW = "\x1b[J";

/**
 * Draws lines now and after every interval, on a screen of its own where there
 * is a terminal, until SIGINT, SIGTERM or SIGHUP. The lines that were seen last
 * stay.
 *
 * @param draw The lines, no more than fit.
 * @param seconds The interval.
 */
export async function watch(
  draw: () => readonly string[],
  seconds: number,
  output: Output,
): Promise<void> {
  const stop = Promise.withResolvers<void>();
  let resized = Promise.withResolvers<void>();
  const onResize = () => resized.resolve();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, stop.resolve);
  Deno.addSignalListener("SIGWINCH", onResize);
  let isStopped = false;
  const stopped = stop.promise.then(() => isStopped = true);
  let lines: readonly string[] = [];
  if (output.isTerminal) output.write(ENTER);
  try {
    while (!isStopped) {
      lines = draw();
      output.write(
        output.isTerminal
          ? HOME + lines.join(`${END_OF_LINE}\n`) + END_OF_LINE + BELOW
          : `${lines.join("\n")}\n\n`,
      );
      resized = Promise.withResolvers<void>();
      const pause = Promise.withResolvers<void>();
      const timer = setTimeout(pause.resolve, seconds * 1000);
      await Promise.race([stopped, resized.promise, pause.promise]);
      clearTimeout(timer);
    }
  } finally {
    if (output.isTerminal) output.write(`${LEAVE}${lines.join("\n")}\n`);
    for (const signal of signals) {
      Deno.removeSignalListener(signal, stop.resolve);
    }
    Deno.removeSignalListener("SIGWINCH", onResize);
  }
}
