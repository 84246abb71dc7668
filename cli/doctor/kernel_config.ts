/** The options that the running kernel was built with, where a file tells them. */

import { gunzipSync } from "node:zlib";
import { readText } from "../kernel_objects.ts";

/** The configuration of a kernel. */
export class KernelConfig {
  /** The path of the file. */
  readonly path: string;
  readonly #options: ReadonlySet<string>;

  /**
   * @param path The path of the file.
   * @param text Its text: `CONFIG_BPF=y` and the like, in lines.
   */
  constructor(path: string, text: string) {
    this.path = path;
    this.#options = new Set(
      [...text.matchAll(/^(CONFIG_\w+)=[ym]$/gm)].map(([, name]) => name!),
    );
  }

  /** True if the kernel has an option, or a module of it. */
  has(option: string): boolean {
    return this.#options.has(option);
  }
}

/** The file that the kernel itself has (CONFIG_IKCONFIG_PROC). */
const OWN = "/proc/config.gz";

function ownText(): string | undefined {
  try {
    return new TextDecoder().decode(gunzipSync(Deno.readFileSync(OWN)));
  } catch {
    return undefined;
  }
}

function read(): KernelConfig | undefined {
  const own = ownText();
  if (own !== undefined) return new KernelConfig(OWN, own);
  const release = Deno.osRelease();
  for (
    const path of [
      `/boot/config-${release}`,
      `/lib/modules/${release}/config`,
      `/lib/modules/${release}/build/.config`,
    ]
  ) {
    const text = readText(path);
    if (text !== undefined) return new KernelConfig(path, text);
  }
  return undefined;
}

let known: { readonly config: KernelConfig | undefined } | undefined;

/** The configuration of the running kernel; undefined where no file tells it. */
export function kernelConfig(): KernelConfig | undefined {
  known ??= { config: read() };
  return known.config;
}

/**
 * The remark that a kernel was built without some options, to stand behind a
 * remedy; empty where no file tells it, or it has all of them.
 */
export function lackingText(
  options: Iterable<string>,
  config: KernelConfig | undefined = kernelConfig(),
): string {
  if (config === undefined) return "";
  const lacking = [...new Set(options)].filter((option) => !config.has(option));
  return lacking.length === 0
    ? ""
    : `; ${config.path} has no ${lacking.join(", no ")}`;
}
