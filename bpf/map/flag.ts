import { show } from "../../base/show.ts";
import { requireU32 } from "../../base/arguments.ts";

/**
 * A flag of a map, by the name that `linux/bpf.h` gives it: `"mmapable"` is
 * `BPF_F_MMAPABLE`.
 *
 * `rdonly` and `wronly` limit what the new descriptor can do, `rdonly_prog` and
 * `wronly_prog` what BPF programs can.
 */
export type MapFlag =
  | "no_prealloc"
  | "no_common_lru"
  | "numa_node"
  | "rdonly"
  | "wronly"
  | "stack_build_id"
  | "zero_seed"
  | "rdonly_prog"
  | "wronly_prog"
  | "clone"
  | "mmapable"
  | "preserve_elems"
  | "inner_map"
  | "link"
  | "path_fd"
  | "vtype_btf_obj_fd"
  | "token_fd"
  | "segv_on_fault"
  | "no_user_conv"
  | "rb_overwrite";

/** `linux/bpf.h`, "flags for BPF_MAP_CREATE command", each at its bit. */
const names: readonly MapFlag[] = [
  "no_prealloc",
  "no_common_lru",
  "numa_node",
  "rdonly",
  "wronly",
  "stack_build_id",
  "zero_seed",
  "rdonly_prog",
  "wronly_prog",
  "clone",
  "mmapable",
  "preserve_elems",
  "inner_map",
  "link",
  "path_fd",
  "vtype_btf_obj_fd",
  "token_fd",
  "segv_on_fault",
  "no_user_conv",
  "rb_overwrite",
];

/** The bit of a flag. @throws {TypeError} if there is no such name. */
function mapFlagBit(name: unknown): number {
  const bit = names.indexOf(name as MapFlag);
  if (bit >= 0) return 1 << bit;
  throw new TypeError(
    `Map flag must be a name such as "mmapable" or "rdonly_prog": received ${
      show(name)
    }`,
  );
}

/**
 * Flags as one number.
 *
 * @throws {TypeError | RangeError} if they are neither a number nor names.
 */
export function mapFlagBits(flags: unknown): number {
  if (typeof flags === "number") return requireU32("Flags", flags, 0);
  if (!Array.isArray(flags)) {
    throw new TypeError(
      `Flags must be an array of names, or a number: received ${show(flags)}`,
    );
  }
  return flags.reduce((bits, flag) => bits | mapFlagBit(flag), 0) >>> 0;
}

/** The names of the flags in a number, those that this package knows. */
export function mapFlagNames(bits: number): MapFlag[] {
  return names.filter((_, bit) => (bits & (1 << bit)) !== 0);
}
