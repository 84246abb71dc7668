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

import { prepareErrno } from "../errno/errno.ts";
import { openLibrary, type Symbols } from "./open_library.ts";
import { platform } from "./platform.ts";

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

const textSymbols = {
  /** Copies a C string of at most so many bytes, and reads none beyond its end. */
  memccpy: {
    parameters: [
      "buffer", // void *dest
      "usize", // const void *src
      "i32", // int c, which ends the copy: 0
      "usize", // size_t n
    ],
    result: "void", // void *
  },
  /** Formats what a C function was passed as `...`. */
  vsnprintf: {
    parameters: [
      "buffer", // char *str
      "usize", // size_t size
      "usize", // const char *format
      "usize", // va_list ap, an array or passed by address on both platforms
    ],
    result: "i32", // int
  },
  /** Tells the address of a function. */
  dlsym: {
    parameters: [
      "usize", // void *handle, NULL for what the process has anyway
      "buffer", // const char *symbol
    ],
    result: "usize", // void *
    optional: true, // In libc itself from glibc 2.34 on.
  },
} as const satisfies Deno.ForeignLibraryInterface;

const threadSymbols = {
  dup3: {
    parameters: [
      "i32", // int oldfd
      "i32", // int newfd
      "i32", // int flags
    ],
    result: "i32", // int
  },
  /** Has a function called when this thread ends (glibc 2.18). */
  atThreadExit: {
    name: "__cxa_thread_atexit_impl",
    parameters: [
      "usize", // void (*function)(void *)
      "usize", // void *argument
      "usize", // void *dso_symbol, an address in the library to stay loaded
    ],
    result: "i32", // int
    optional: true,
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
      "usize", // struct epoll_event *events
      "i32", // int maxevents
      "i32", // int timeout
    ],
    result: "i32", // int
    nonblocking: true,
  },
  malloc: {
    parameters: [
      "usize", // size_t size
    ],
    result: "usize", // void *
  },
  free: {
    parameters: [
      "usize", // void *ptr
    ],
    result: "void",
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
  kill: {
    parameters: [
      "i32", // pid_t pid
      "i32", // int sig
    ],
    result: "i32", // int
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

const networkSymbols = {
  socket: {
    parameters: [
      "i32", // int domain
      "i32", // int type
      "i32", // int protocol
    ],
    result: "i32", // int
  },
  send: {
    parameters: [
      "i32", // int sockfd
      "buffer", // const void *buf
      "usize", // size_t len
      "i32", // int flags
    ],
    result: "i32", // ssize_t
  },
  recv: {
    parameters: [
      "i32", // int sockfd
      "buffer", // void *buf
      "usize", // size_t len
      "i32", // int flags
    ],
    result: "i32", // ssize_t
  },
  setsockopt: {
    parameters: [
      "i32", // int sockfd
      "i32", // int level
      "i32", // int optname
      "buffer", // const void *optval
      "u32", // socklen_t optlen
    ],
    result: "i32", // int
  },
  setns: {
    parameters: [
      "i32", // int fd
      "i32", // int nstype
    ],
    result: "i32", // int
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Opens libc for a group of functions, at the first use of one. */
function group<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): () => Symbols<S> {
  let opened: Symbols<S> | undefined;
  return () => opened ??= open(symbols);
}

function open<const S extends Deno.ForeignLibraryInterface>(
  symbols: S,
): Symbols<S> {
  libc(); // It learns where errno is.
  return openLibrary("libc.so.6", platform().libcPaths, symbols);
}

let memoryLibrary: Symbols<typeof memorySymbols> | undefined;

function openMemoryLibrary(): Symbols<typeof memorySymbols> {
  const { libcPaths } = platform();
  const symbols = openLibrary("libc.so.6", libcPaths, memorySymbols);
  prepareErrno(symbols);
  return symbols;
}

/** The functions that every mapping needs. */
export function libc(): Symbols<typeof memorySymbols> {
  return memoryLibrary ??= openMemoryLibrary();
}

/** The functions that make, fill and write back files. */
export const libcFile: () => Symbols<typeof fileSymbols> = group(fileSymbols);

/** The functions that leave descriptors to the end of a thread. */
export const libcThread: () => Symbols<typeof threadSymbols> = group(
  threadSymbols,
);

/** The function that makes the system call `bpf`. */
export const libcBpf: () => Symbols<typeof bpfSymbols> = group(bpfSymbols);

/** The functions that wait for descriptors. */
export const libcPoll: () => Symbols<typeof pollSymbols> = group(pollSymbols);

/** The functions that read text of C. */
export const libcText: () => Symbols<typeof textSymbols> = group(textSymbols);

/** The functions that find and read what BPF programs are attached to. */
export const libcAttach: () => Symbols<typeof attachSymbols> = group(
  attachSymbols,
);

/** The functions of sockets, and of network namespaces. */
export const libcNetwork: () => Symbols<typeof networkSymbols> = group(
  networkSymbols,
);
