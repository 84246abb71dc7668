/**
 * A machine that boots one kernel and runs one script, emulated: nothing of this
 * machine's kernel is asked.
 *
 * @module
 */

import type { Image } from "./_image.ts";
import type { Kernel } from "./_kernels.ts";

/** The options of a guest. */
export interface GuestOptions {
  /** The number of its processors. */
  readonly processors: number;
  /** Its memory, in MiB. */
  readonly memory: number;
  /** Seconds until it is stopped. */
  readonly seconds: number;
}

/** The end of a guest: `"down"` is as its script ends. */
export type GuestEnd = "down" | "panic" | "overdue" | "stopped";

/** Boots, gives each line of the console to `hear`, and tells how it ended. */
export async function boot(
  { emulator, machine, console: tty }: Kernel,
  { kernel, archive }: Image,
  { processors, memory, seconds }: GuestOptions,
  hear: (line: string) => void,
): Promise<GuestEnd> {
  const child = new Deno.Command(emulator, {
    args: [
      ...machine,
      ...["-accel", "tcg,thread=multi"],
      ...["-smp", `${processors}`, "-m", `${memory}`],
      ...["-nodefaults", "-display", "none", "-no-reboot"],
      ...["-serial", "stdio", "-monitor", "none"],
      ...["-kernel", kernel, "-initrd", archive],
      "-append",
      [
        `console=${tty}`,
        // Errors alone, and all that is said of an oops.
        "loglevel=3",
        // It ends with the first fault of the kernel, and does not go on.
        "panic=-1 oops=panic",
        "mitigations=off nokaslr tsc=reliable",
        // A busy host lets a guest wait for seconds, which is no fault of it.
        "no_timer_check nowatchdog rcupdate.rcu_cpu_stall_suppress=1",
      ].join(" "),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let overdue = false;
  let stopped = false;
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It has just ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  const timer = setTimeout(() => {
    overdue = true;
    kill();
  }, seconds * 1000);
  const stop = () => {
    stopped = true;
    kill();
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  let down = false;
  try {
    for await (const line of linesOf(child.stdout)) {
      if (line === "@guest down") down = true;
      hear(line);
    }
    const { success } = await child.status;
    if (stopped) return "stopped";
    if (overdue) return "overdue";
    return down && success ? "down" : "panic";
  } finally {
    clearTimeout(timer);
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

// deno-lint-ignore no-control-regex
const ESCAPES = /\x1b\[[0-9;?]*[A-Za-z]/g;

async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      yield line.replaceAll("\r", "").replace(ESCAPES, "");
    }
  }
  if (rest !== "") yield rest.replaceAll("\r", "");
}
