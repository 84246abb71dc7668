/** The functions of libbpf that ask the kernel what it has. */

import { libbpf, openLibbpf } from "./functions.ts";
import type { Symbols } from "../../ffi/libc/open_library.ts";

const probeSymbols = {
  libbpf_probe_bpf_prog_type: {
    parameters: [
      "u32", // enum bpf_prog_type prog_type
      "usize", // const void *opts: NULL
    ],
    result: "i32", // int: 1, 0, or a negative error number
  },
  libbpf_probe_bpf_map_type: {
    parameters: [
      "u32", // enum bpf_map_type map_type
      "usize", // const void *opts: NULL
    ],
    result: "i32", // int: 1, 0, or a negative error number
  },
  libbpf_find_vmlinux_btf_id: {
    parameters: [
      "buffer", // const char *name
      "u32", // enum bpf_attach_type attach_type
    ],
    result: "i32", // int: an id, or a negative error number
  },
} as const satisfies Deno.ForeignLibraryInterface;

let library: Symbols<typeof probeSymbols> | undefined;

function open(): Symbols<typeof probeSymbols> {
  // It checks the version, and keeps libbpf from printing.
  libbpf();
  return openLibbpf(probeSymbols);
}

/**
 * The functions that ask the kernel.
 *
 * @throws {NotSupportedError} if there is no libbpf.
 */
export function libbpfProbes(): Symbols<typeof probeSymbols> {
  return library ??= open();
}
