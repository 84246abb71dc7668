/**
 * The functions of libc that wait for a word of memory: one more of the groups
 * that `functions.ts` tells of.
 */

import { libc } from "./functions.ts";
import { openLibrary, type Symbols } from "./open_library.ts";
import { platform } from "./platform.ts";

const futexSymbols = {
  /** libc has no function of its own for `futex(2)`. */
  futex: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "buffer", // uint32_t *uaddr
      "i32", // int futex_op
      "u32", // uint32_t val
      "buffer", // const struct timespec *timeout
    ],
    result: "i32", // long
  },
  /** The same on a thread of Deno's pool, whose `errno` is out of reach. */
  futexElsewhere: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "usize", // uint32_t *uaddr
      "i32", // int futex_op
      "u32", // uint32_t val
      "usize", // const struct timespec *timeout
    ],
    result: "i32", // long
    nonblocking: true,
  },
  /** Wakes at an address given as a number. */
  futexAt: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "usize", // uint32_t *uaddr
      "i32", // int futex_op
      "u32", // uint32_t val
    ],
    result: "i32", // long
  },
  /** libc has no function of its own for `futex_waitv(2)`. */
  futexWaitv: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "usize", // struct futex_waitv *waiters
      "u32", // unsigned int nr_futexes
      "u32", // unsigned int flags
      "usize", // struct timespec *timeout
      "i32", // clockid_t clockid
    ],
    result: "i32", // long
  },
  /** The same on a thread of Deno's pool. */
  futexWaitvElsewhere: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "usize", // struct futex_waitv *waiters
      "u32", // unsigned int nr_futexes
      "u32", // unsigned int flags
      "usize", // struct timespec *timeout
      "i32", // clockid_t clockid
    ],
    result: "i32", // long
    nonblocking: true,
  },
  /** Copies to an address given as a number. */
  copyTo: {
    name: "memcpy",
    parameters: [
      "usize", // void *dest
      "buffer", // const void *src
      "usize", // size_t n
    ],
    result: "void", // void *, which is dest
  },
} as const satisfies Deno.ForeignLibraryInterface;

let library: Symbols<typeof futexSymbols> | undefined;

function open(): Symbols<typeof futexSymbols> {
  // It learns where errno is.
  libc();
  return openLibrary("libc.so.6", platform().libcPaths, futexSymbols);
}

/** The functions that wait for a word of memory. */
export function libcFutex(): Symbols<typeof futexSymbols> {
  return library ??= open();
}
