/**
 * The functions of `libbpf.so.1` that this package calls, with their C
 * prototypes. It is opened at the first use of a BPF object, and by nobody who
 * has no use for one.
 *
 * As for libc, they are opened in groups. Objects, programs and maps of libbpf
 * are addresses (`usize`), because pointer objects need the whole of
 * `--allow-ffi`: so `--allow-ffi=<path of libc>,<path of libbpf>` is enough.
 * Addresses that come from libbpf are never followed here but by libbpf itself,
 * and by copies within a size that it told.
 *
 * Functions that return an `int` return 0 or a negative error number, and leave
 * `errno` alone.
 */

import { NotSupportedError } from "../../errors.ts";
import { cString } from "../../ffi/calls/descriptors.ts";
import { libcText } from "../../ffi/libc/functions.ts";
import {
  mayOpen,
  mayOpenAll,
  openLibrary,
  type Symbols,
} from "../../ffi/libc/open_library.ts";
import { platform } from "../../ffi/libc/platform.ts";

const objectSymbols = {
  libbpf_major_version: {
    parameters: [],
    result: "u32", // __u32
  },
  libbpf_minor_version: {
    parameters: [],
    result: "u32", // __u32
  },
  libbpf_set_print: {
    parameters: [
      "usize", // libbpf_print_fn_t fn
    ],
    result: "void", // libbpf_print_fn_t, which was the one before
  },
  libbpf_get_error: {
    parameters: [
      "usize", // const void *ptr: NULL asks for what errno says
    ],
    result: "i32", // long, a negative error number
  },
  bpf_object__open_mem: {
    parameters: [
      "buffer", // const void *obj_buf, of no use after the call
      "usize", // size_t obj_buf_sz
      "buffer", // const struct bpf_object_open_opts *opts
    ],
    result: "usize", // struct bpf_object *, NULL on failure
  },
  bpf_object__load: {
    parameters: [
      "usize", // struct bpf_object *obj
    ],
    result: "i32", // int
  },
  bpf_object__close: {
    parameters: [
      "usize", // struct bpf_object *object
    ],
    result: "void",
  },
  bpf_object__btf: {
    parameters: [
      "usize", // const struct bpf_object *obj
    ],
    result: "usize", // struct btf *, NULL without
  },
  bpf_object__btf_fd: {
    parameters: [
      "usize", // const struct bpf_object *obj
    ],
    result: "i32", // int, negative without
  },
  btf__raw_data: {
    parameters: [
      "usize", // const struct btf *btf
      "buffer", // __u32 *size
    ],
    result: "usize", // const void *
  },
  bpf_object__next_map: {
    parameters: [
      "usize", // const struct bpf_object *obj
      "usize", // const struct bpf_map *map
    ],
    result: "usize", // struct bpf_map *, NULL at the end
  },
  bpf_object__next_program: {
    parameters: [
      "usize", // const struct bpf_object *obj
      "usize", // struct bpf_program *prog
    ],
    result: "usize", // struct bpf_program *, NULL at the end
  },
  bpf_map__name: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "usize", // const char *
  },
  bpf_map__fd: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "i32", // int
  },
  bpf_map__type: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "u32", // enum bpf_map_type
  },
  bpf_map__key_size: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "u32", // __u32
  },
  bpf_map__value_size: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "u32", // __u32
  },
  bpf_map__max_entries: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "u32", // __u32
  },
  bpf_map__map_flags: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "u32", // __u32
  },
  bpf_map__is_internal: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "bool", // bool
  },
  bpf_map__pin_path: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "usize", // const char *, NULL without
  },
  bpf_map__set_max_entries: {
    parameters: [
      "usize", // struct bpf_map *map
      "u32", // __u32 max_entries
    ],
    result: "i32", // int
  },
  bpf_map__set_key_size: {
    parameters: [
      "usize", // struct bpf_map *map
      "u32", // __u32 size
    ],
    result: "i32", // int
  },
  bpf_map__set_value_size: {
    parameters: [
      "usize", // struct bpf_map *map
      "u32", // __u32 size
    ],
    result: "i32", // int
  },
  bpf_map__set_type: {
    parameters: [
      "usize", // struct bpf_map *map
      "u32", // enum bpf_map_type type
    ],
    result: "i32", // int
  },
  bpf_map__set_numa_node: {
    parameters: [
      "usize", // struct bpf_map *map
      "u32", // __u32 numa_node
    ],
    result: "i32", // int
  },
  bpf_map__map_extra: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "u64", // __u64
  },
  bpf_map__set_map_extra: {
    parameters: [
      "usize", // struct bpf_map *map
      "u64", // __u64 map_extra
    ],
    result: "i32", // int
  },
  bpf_map__autocreate: {
    parameters: [
      "usize", // const struct bpf_map *map
    ],
    result: "bool", // bool
  },
  bpf_map__set_autocreate: {
    parameters: [
      "usize", // struct bpf_map *map
      "bool", // bool autocreate
    ],
    result: "i32", // int
  },
  bpf_map__set_map_flags: {
    parameters: [
      "usize", // struct bpf_map *map
      "u32", // __u32 flags
    ],
    result: "i32", // int
  },
  bpf_map__set_pin_path: {
    parameters: [
      "usize", // struct bpf_map *map
      "buffer", // const char *path, or NULL; copied
    ],
    result: "i32", // int
  },
  bpf_map__set_inner_map_fd: {
    parameters: [
      "usize", // struct bpf_map *map
      "i32", // int fd
    ],
    result: "i32", // int
  },
  bpf_map__reuse_fd: {
    parameters: [
      "usize", // struct bpf_map *map
      "i32", // int fd, which is duplicated
    ],
    result: "i32", // int
  },
  bpf_map__initial_value: {
    parameters: [
      "usize", // struct bpf_map *map
      "buffer", // size_t *psize
    ],
    result: "usize", // void *, NULL for maps that are no sections
  },
  bpf_map__set_initial_value: {
    parameters: [
      "usize", // struct bpf_map *map
      "buffer", // const void *data, which is copied
      "usize", // size_t size
    ],
    result: "i32", // int
  },
  bpf_program__name: {
    parameters: [
      "usize", // const struct bpf_program *prog
    ],
    result: "usize", // const char *
  },
  bpf_program__section_name: {
    parameters: [
      "usize", // const struct bpf_program *prog
    ],
    result: "usize", // const char *
  },
  bpf_program__fd: {
    parameters: [
      "usize", // const struct bpf_program *prog
    ],
    result: "i32", // int
  },
  bpf_program__type: {
    parameters: [
      "usize", // const struct bpf_program *prog
    ],
    result: "u32", // enum bpf_prog_type
  },
  bpf_program__autoload: {
    parameters: [
      "usize", // const struct bpf_program *prog
    ],
    result: "bool", // bool
  },
  bpf_program__set_autoload: {
    parameters: [
      "usize", // struct bpf_program *prog
      "bool", // bool autoload
    ],
    result: "i32", // int
  },
  bpf_program__set_type: {
    parameters: [
      "usize", // struct bpf_program *prog
      "u32", // enum bpf_prog_type type
    ],
    result: "i32", // int
  },
  bpf_program__set_expected_attach_type: {
    parameters: [
      "usize", // struct bpf_program *prog
      "u32", // enum bpf_attach_type type
    ],
    result: "i32", // int
  },
  bpf_program__set_attach_target: {
    parameters: [
      "usize", // struct bpf_program *prog
      "i32", // int attach_prog_fd
      "buffer", // const char *attach_func_name
    ],
    result: "i32", // int
  },
  bpf_program__set_log_level: {
    parameters: [
      "usize", // struct bpf_program *prog
      "u32", // __u32 log_level
    ],
    result: "i32", // int
  },
  bpf_program__set_log_buf: {
    parameters: [
      "usize", // struct bpf_program *prog
      "buffer", // char *log_buf, which must stay for as long as prog loads
      "usize", // size_t log_size
    ],
    result: "i32", // int
  },
} as const satisfies Deno.ForeignLibraryInterface;

const install =
  "install the package libbpf1 (Debian, Ubuntu 24.04) or libbpf (Fedora, Alpine, Arch)";

/** Tests whether the program may open libbpf, without asking anybody. */
export function mayOpenLibbpf(): boolean {
  return mayOpenAll() || platform().libbpfPaths.some(mayOpen);
}

/**
 * Opens a group of libbpf's functions.
 *
 * @throws {NotSupportedError} if there is no libbpf, or it lacks one of them.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 */
export function openLibbpf<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): Symbols<S> {
  const { libbpfPaths } = platform();
  try {
    return openLibrary("libbpf.so.1", libbpfPaths, symbols);
  } catch (error) {
    if (
      error instanceof Deno.errors.NotCapable ||
      error instanceof NotSupportedError
    ) throw error;
    throw new NotSupportedError(
      `BPF objects are loaded by libbpf.so.1, version 1.1 or later, which could not be opened: ${install}`,
      { cause: error },
    );
  }
}

/**
 * The version of libbpf that objects are loaded by: `"1.1"`.
 *
 * @throws {NotSupportedError} if there is none, or it is older than 1.1.
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
 *
 * @example
 * ```ts ignore
 * import { libbpfVersion } from "@hostmem/hostmem/bpf";
 *
 * console.log(libbpfVersion()); // 1.5
 * ```
 */
export function libbpfVersion(): string {
  const { libbpf_major_version, libbpf_minor_version } = libbpf();
  return `${libbpf_major_version()}.${libbpf_minor_version()}`;
}

/** True if the libbpf that this process uses is version 1.`minor` or later. */
export function libbpfIsAtLeast(minor: number): boolean {
  const { libbpf_major_version, libbpf_minor_version } = libbpf();
  return libbpf_major_version() > 1 || libbpf_minor_version() >= minor;
}

function openObjectLibrary(): Symbols<typeof objectSymbols> {
  const symbols = openLibbpf(objectSymbols);
  const major = symbols.libbpf_major_version();
  const minor = symbols.libbpf_minor_version();
  if (major < 1 || (major === 1 && minor < 1)) {
    throw new NotSupportedError(
      `BPF objects are loaded by libbpf.so.1, version 1.1 or later: this is ${major}.${minor}; ${install}`,
    );
  }
  // It would print to standard error, which is the program's own.
  symbols.libbpf_set_print(silentPrinter());
  return symbols;
}

let silent: bigint | undefined;

/**
 * The address of a function that libbpf can call to print, and that does nothing.
 *
 * There is NULL for that. But up to 1.2 libbpf reads the address once to see
 * whether it is NULL and, as a compiler sees fit, once more for the call, between
 * which another thread must not make it NULL. `abs` looks at the first argument,
 * and leaves the others alone.
 */
export function silentPrinter(): bigint {
  return silent ??= libcText().dlsym?.(0n, cString("abs") as BufferSource) ??
    0n;
}

let objectLibrary: Symbols<typeof objectSymbols> | undefined;

/** The functions that open and load objects. */
export function libbpf(): Symbols<typeof objectSymbols> {
  return objectLibrary ??= openObjectLibrary();
}
