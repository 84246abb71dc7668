/**
 * The functions of libc that find and read what BPF programs are attached to:
 * one more of the groups that `libc.ts` tells of.
 */

import { libc } from "./functions.ts";
import { openLibrary, type Symbols } from "./open_library.ts";
import { platform } from "./platform.ts";

const attachSymbols = {
  /** libc has no function of its own for `perf_event_open(2)`. */
  perfEventOpen: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "buffer", // struct perf_event_attr *attr
      "i32", // pid_t pid
      "i32", // int cpu
      "i32", // int group_fd
      "i64", // unsigned long flags
    ],
    result: "i32", // long
  },
  ioctl: {
    parameters: [
      "i32", // int fd
      "u64", // unsigned long request
      "i64", // an argument that is a number
    ],
    result: "i32", // int
  },
  read: {
    parameters: [
      "i32", // int fd
      "buffer", // void *buf
      "usize", // size_t count, at most 2^30
    ],
    result: "i32", // ssize_t
  },
  readlink: {
    parameters: [
      "buffer", // const char *pathname
      "buffer", // char *buf
      "usize", // size_t bufsiz
    ],
    result: "i32", // ssize_t, at most PATH_MAX
  },
  if_nametoindex: {
    parameters: [
      "buffer", // const char *ifname
    ],
    result: "u32", // unsigned int, 0 where there is none
  },
  if_indextoname: {
    parameters: [
      "u32", // unsigned int ifindex
      "buffer", // char *ifname, IF_NAMESIZE bytes
    ],
    result: "usize", // char *, null where there is none
  },
} as const satisfies Deno.ForeignLibraryInterface;

let library: Symbols<typeof attachSymbols> | undefined;

function open(): Symbols<typeof attachSymbols> {
  // It learns where errno is.
  libc();
  return openLibrary("libc.so.6", platform().libcPaths, attachSymbols);
}

/** The functions that find and read what BPF programs are attached to. */
export function libcAttach(): Symbols<typeof attachSymbols> {
  return library ??= open();
}
