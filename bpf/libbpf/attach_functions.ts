/** The functions of libbpf that attach programs, opened at the first use. */

import { libbpf, openLibbpf } from "./functions.ts";
import type { Symbols } from "../../ffi/libc/open_library.ts";

const attachSymbols = {
  bpf_program__expected_attach_type: {
    parameters: [
      "usize", // const struct bpf_program *prog
    ],
    result: "u32", // enum bpf_attach_type
  },
  bpf_program__attach: {
    parameters: [
      "usize", // const struct bpf_program *prog
    ],
    result: "usize", // struct bpf_link *
  },
  bpf_program__attach_uprobe_opts: {
    parameters: [
      "usize", // const struct bpf_program *prog
      "i32", // pid_t pid
      "buffer", // const char *binary_path
      "usize", // size_t func_offset
      "buffer", // const struct bpf_uprobe_opts *opts
    ],
    result: "usize", // struct bpf_link *
  },
  bpf_program__attach_usdt: {
    parameters: [
      "usize", // const struct bpf_program *prog
      "i32", // pid_t pid
      "buffer", // const char *binary_path
      "buffer", // const char *usdt_provider
      "buffer", // const char *usdt_name
      "buffer", // const struct bpf_usdt_opts *opts
    ],
    result: "usize", // struct bpf_link *
  },
  bpf_object__find_map_by_name: {
    parameters: [
      "usize", // const struct bpf_object *obj
      "buffer", // const char *name
    ],
    result: "usize", // struct bpf_map *, NULL without
  },
  bpf_map__attach_struct_ops: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "usize", // struct bpf_link *
  },
  bpf_link__fd: {
    parameters: [
      "usize", // const struct bpf_link *link
    ],
    result: "i32", // int
  },
  /** From here on `bpf_link__destroy` frees memory and does nothing else. */
  bpf_link__disconnect: {
    parameters: [
      "usize", // struct bpf_link *link
    ],
    result: "void",
  },
  bpf_link__destroy: {
    parameters: [
      "usize", // struct bpf_link *link
    ],
    result: "i32", // int
  },
} as const satisfies Deno.ForeignLibraryInterface;

let library: Symbols<typeof attachSymbols> | undefined;

function open(): Symbols<typeof attachSymbols> {
  // It checks the version, and keeps libbpf from printing.
  libbpf();
  return openLibbpf(attachSymbols);
}

/**
 * The functions that attach programs.
 *
 * @throws {NotSupportedError} if there is no libbpf.
 */
export function libbpfAttach(): Symbols<typeof attachSymbols> {
  return library ??= open();
}
