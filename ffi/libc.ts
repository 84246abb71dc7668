/**
 * The functions of libc that this package calls, with their C prototypes.
 *
 * Deno compiles a trampoline for every symbol when a library is opened, at
 * about a quarter of a millisecond each; so they are opened in groups, each at
 * its first use and once per isolate.
 *
 * Three rules keep the errors right and the grant narrow:
 *
 * - A function whose failure is told by `errno` has a result of `i32`, also
 *   where C says otherwise: a result that allocates (`usize`, `pointer`) may
 *   collect garbage, and the collector's own system calls overwrite `errno`.
 * - Memory is passed as a `buffer`, never as a pointer object: those need the
 *   whole of `--allow-ffi`, a buffer does with `--allow-ffi=<path of libc>`.
 * - 64-bit arguments are bigints: a number takes a path ten times slower, and
 *   is not checked.
 */

import { prepareErrno } from "./errno.ts";
import { type Platform, platform } from "./platform.ts";

const memorySymbols = {
  /** Maps at an address that the kernel chooses; for success only. */
  mmapAnywhere: {
    name: "mmap",
    parameters: [
      "usize", // void *addr
      "usize", // size_t length
      "i32", // int prot
      "i32", // int flags
      "i32", // int fd
      "i64", // off_t offset
    ],
    result: "usize", // void *
  },
  /** Maps at an address given as a number. */
  mmapExact: {
    name: "mmap",
    parameters: [
      "usize", // void *addr
      "usize", // size_t length
      "i32", // int prot
      "i32", // int flags
      "i32", // int fd
      "i64", // off_t offset
    ],
    result: "i32", // void *, whose low half is never -1 on success
  },
  /** Maps over the bytes of a buffer. */
  mmapOver: {
    name: "mmap",
    parameters: [
      "buffer", // void *addr
      "usize", // size_t length
      "i32", // int prot
      "i32", // int flags
      "i32", // int fd
      "i64", // off_t offset
    ],
    result: "i32", // void *, whose low half is never -1 on success
  },
  /** Moves a mapping over the bytes of a buffer. */
  mremap: {
    parameters: [
      "usize", // void *old_address
      "usize", // size_t old_size
      "usize", // size_t new_size
      "i32", // int flags
      "buffer", // void *new_address
    ],
    result: "i32", // void *, whose low half is never -1 on success
  },
  munmap: {
    parameters: [
      "usize", // void *addr
      "usize", // size_t length
    ],
    result: "i32", // int
  },
  statx: {
    parameters: [
      "i32", // int dirfd
      "buffer", // const char *pathname
      "i32", // int flags
      "u32", // unsigned int mask
      "buffer", // struct statx *statxbuf
    ],
    result: "i32", // int
  },
  fstatfs: {
    parameters: [
      "i32", // int fd
      "buffer", // struct statfs *buf
    ],
    result: "i32", // int
  },
  fcntl: {
    parameters: [
      "i32", // int fd
      "i32", // int cmd
      "i32", // int arg
    ],
    result: "i32", // int
  },
  open: {
    parameters: [
      "buffer", // const char *pathname
      "i32", // int flags
      "u32", // mode_t mode
    ],
    result: "i32", // int
  },
  pread: {
    parameters: [
      "i32", // int fd
      "buffer", // void *buf
      "usize", // size_t count, at most 2^30
      "i64", // off_t offset
    ],
    result: "i32", // ssize_t
  },
  close: {
    parameters: [
      "i32", // int fd
    ],
    result: "i32", // int
  },
  getpagesize: {
    parameters: [],
    result: "i32", // int
  },
  errnoLocation: {
    name: "__errno_location",
    parameters: [],
    result: "usize", // int *, one per thread
  },
  /** Reads `errno`. */
  copyFrom: {
    name: "memcpy",
    parameters: [
      "buffer", // void *dest
      "usize", // const void *src
      "usize", // size_t n
    ],
    result: "void", // void *, which is dest
  },
  /** Tells the address of a buffer, by a copy of no bytes. */
  addressOf: {
    name: "memcpy",
    parameters: [
      "buffer", // void *dest
      "buffer", // const void *src
      "usize", // size_t n
    ],
    result: "usize", // void *, which is dest
  },
} as const satisfies Deno.ForeignLibraryInterface;

const fileSymbols = {
  memfd_create: {
    parameters: [
      "buffer", // const char *name
      "u32", // unsigned int flags
    ],
    result: "i32", // int
  },
  ftruncate: {
    parameters: [
      "i32", // int fd
      "i64", // off_t length
    ],
    result: "i32", // int
  },
  fallocate: {
    parameters: [
      "i32", // int fd
      "i32", // int mode
      "i64", // off_t offset
      "i64", // off_t len
    ],
    result: "i32", // int
  },
  pwrite: {
    parameters: [
      "i32", // int fd
      "buffer", // const void *buf
      "usize", // size_t count, at most 2^30
      "i64", // off_t offset
    ],
    result: "i32", // ssize_t
  },
  getrlimit: {
    parameters: [
      "i32", // int resource
      "buffer", // struct rlimit *rlim
    ],
    result: "i32", // int
  },
  msync: {
    parameters: [
      "buffer", // void *addr
      "usize", // size_t length
      "i32", // int flags
    ],
    result: "i32", // int
  },
  madvise: {
    parameters: [
      "buffer", // void *addr
      "usize", // size_t length
      "i32", // int advice
    ],
    result: "i32", // int
  },
} as const satisfies Deno.ForeignLibraryInterface;

const bpfSymbols = {
  /** libc has no function of its own for `bpf(2)`. */
  bpf: {
    name: "syscall",
    parameters: [
      "i64", // long number
      "i32", // int cmd
      "buffer", // union bpf_attr *attr
      "u32", // unsigned int size
    ],
    result: "i32", // long
  },
} as const satisfies Deno.ForeignLibraryInterface;

const perfSymbols = {
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
} as const satisfies Deno.ForeignLibraryInterface;

const pollSymbols = {
  epoll_create1: {
    parameters: [
      "i32", // int flags
    ],
    result: "i32", // int
  },
  epoll_ctl: {
    parameters: [
      "i32", // int epfd
      "i32", // int op
      "i32", // int fd
      "buffer", // struct epoll_event *event
    ],
    result: "i32", // int
  },
  epoll_wait: {
    parameters: [
      "i32", // int epfd
      "buffer", // struct epoll_event *events
      "i32", // int maxevents
      "i32", // int timeout
    ],
    result: "i32", // int
  },
  /** The same on a thread of Deno's pool, whose `errno` is out of reach. */
  epollWaitElsewhere: {
    name: "epoll_wait",
    parameters: [
      "i32", // int epfd
      "buffer", // struct epoll_event *events
      "i32", // int maxevents
      "i32", // int timeout
    ],
    result: "i32", // int
    nonblocking: true,
  },
  eventfd: {
    parameters: [
      "u32", // unsigned int initval
      "i32", // int flags
    ],
    result: "i32", // int
  },
  eventfd_write: {
    parameters: [
      "i32", // int fd
      "u64", // eventfd_t value
    ],
    result: "i32", // int
  },
} as const satisfies Deno.ForeignLibraryInterface;

const { dlopen, permissions } = Deno;

function mayOpen(path: string): boolean {
  return permissions.querySync({ name: "ffi", path }).state === "granted";
}

/**
 * Opens libc by whatever name the program was granted. Where all of FFI is
 * granted that is the bare name, which finds the libc this process already has;
 * under a grant of paths Deno takes a bare name for a file in the working
 * directory, so there it is the granted path.
 */
function openLibc<const S extends Deno.ForeignLibraryInterface>(
  { libcPaths }: Platform,
  symbols: S,
): Deno.DynamicLibrary<S>["symbols"] {
  let status = permissions.querySync({ name: "ffi" });
  if (status.state !== "granted" || status.partial) {
    let failure: unknown;
    for (const path of libcPaths) {
      if (!mayOpen(path)) continue;
      try {
        return dlopen(path, symbols).symbols;
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    // Asked as a whole: an answer to the question that `dlopen` would ask is
    // for a file in the working directory.
    status = permissions.requestSync({ name: "ffi" });
  }
  // Without the permission this throws Deno's own error.
  return dlopen("libc.so.6", symbols).symbols;
}

type Symbols<S extends Deno.ForeignLibraryInterface> = Deno.DynamicLibrary<
  S
>["symbols"];

let memoryLibrary: Symbols<typeof memorySymbols> | undefined;
let fileLibrary: Symbols<typeof fileSymbols> | undefined;
let bpfLibrary: Symbols<typeof bpfSymbols> | undefined;
let perfLibrary: Symbols<typeof perfSymbols> | undefined;
let pollLibrary: Symbols<typeof pollSymbols> | undefined;

function openMemoryLibrary(): Symbols<typeof memorySymbols> {
  const symbols = openLibc(platform(), memorySymbols);
  prepareErrno(symbols);
  return symbols;
}

function openFileLibrary(): Symbols<typeof fileSymbols> {
  libc();
  return openLibc(platform(), fileSymbols);
}

function openBpfLibrary(): Symbols<typeof bpfSymbols> {
  libc();
  return openLibc(platform(), bpfSymbols);
}

function openPerfLibrary(): Symbols<typeof perfSymbols> {
  libc();
  return openLibc(platform(), perfSymbols);
}

function openPollLibrary(): Symbols<typeof pollSymbols> {
  libc();
  return openLibc(platform(), pollSymbols);
}

/** The functions that every mapping needs. */
export function libc(): Symbols<typeof memorySymbols> {
  return memoryLibrary ??= openMemoryLibrary();
}

/** The functions that make, fill and write back files. */
export function libcFile(): Symbols<typeof fileSymbols> {
  return fileLibrary ??= openFileLibrary();
}

/** The function that makes the system call `bpf`. */
export function libcBpf(): Symbols<typeof bpfSymbols> {
  return bpfLibrary ??= openBpfLibrary();
}

/** The function that opens events. */
export function libcPerf(): Symbols<typeof perfSymbols> {
  return perfLibrary ??= openPerfLibrary();
}

/** The functions that wait for descriptors. */
export function libcPoll(): Symbols<typeof pollSymbols> {
  return pollLibrary ??= openPollLibrary();
}
