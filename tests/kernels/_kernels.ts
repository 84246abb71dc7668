/** The kernels that are tried, and the machines that run them. */

import type { Installable } from "./_command.ts";
import type { Suite } from "./_debian.ts";

/** A kernel of Debian's. */
export interface Kernel {
  /** The name that it has here. */
  readonly name: string;
  /** Its series. */
  readonly series: string;
  /** The release of Debian that has it, and all else of the guest. */
  readonly suite: Suite;
  /** The architecture, in Debian's word. */
  readonly debian: "amd64" | "arm64";
  /** The architecture, in the kernel's word, and that of `Deno.build.arch`. */
  readonly arch: "x86_64" | "aarch64";
  /** The architecture, in the word of Deno's packages in npm. */
  readonly deno: "x64" | "arm64";
  /** A regular expression that matches the names of its packages alone. */
  readonly packageName: string;
  /** The emulator, and a machine that has nothing but a console. */
  readonly emulator: Installable;
  readonly machine: readonly string[];
  /** The console, in the kernel's word. */
  readonly console: string;
}

function amd64(series: string, suite: Suite): Kernel {
  return {
    name: series,
    series,
    suite,
    debian: "amd64",
    arch: "x86_64",
    deno: "x64",
    packageName: `^linux-image-${
      escaped(series)
    }[^a-z]*(deb[0-9]+)?-cloud-amd64$`,
    emulator: "qemu-system-x86_64",
    machine: ["-machine", "q35", "-cpu", "max,la57=off"],
    console: "ttyS0",
  };
}

function arm64(series: string, suite: Suite): Kernel {
  return {
    name: "arm64",
    series,
    suite,
    debian: "arm64",
    arch: "aarch64",
    deno: "arm64",
    packageName: `^linux-image-${
      escaped(series)
    }[^a-z]*(deb[0-9]+)?-cloud-arm64$`,
    emulator: "qemu-system-aarch64",
    // Pointer authentication, as emulated, takes half of all time.
    machine: ["-machine", "virt,gic-version=3", "-cpu", "max,pauth=off"],
    console: "ttyAMA0",
  };
}

function escaped(series: string): string {
  return `${series.replaceAll(".", "\\.")}\\.`;
}

/** All that there are, by name. */
export const kernels: ReadonlyMap<string, Kernel> = new Map(
  [amd64("6.1", "bookworm"), amd64("6.12", "trixie"), arm64("6.12", "trixie")]
    .map((kernel) => [kernel.name, kernel] as const),
);
