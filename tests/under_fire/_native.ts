/**
 * The calls of libc that the tests of this folder make, directly and not by the
 * module under test.
 *
 * @module
 */

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "usize",
  },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  mprotect: { parameters: ["usize", "usize", "i32"], result: "i32" },
  memcpy: { parameters: ["buffer", "buffer", "usize"], result: "usize" },
  qsort: {
    parameters: ["buffer", "usize", "usize", "function"],
    result: "void",
  },
  pipe: { parameters: ["buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  readLater: {
    name: "read",
    parameters: ["i32", "buffer", "usize"],
    result: "isize",
    nonblocking: true,
  },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  timerfd_create: { parameters: ["i32", "i32"], result: "i32" },
  inotify_init1: { parameters: ["i32"], result: "i32" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  syscall: { parameters: ["i64", "i32", "buffer", "u32"], result: "i32" },
  perf_event_open: {
    name: "syscall",
    parameters: ["i64", "buffer", "i32", "i32", "i32", "i64"],
    result: "i32",
  },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
});

export { libc };

/** A string as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** The address that a view is to a native call; 0 when it is detached. */
export function addressOf(view: ArrayBufferView): bigint {
  const bytes = view as Uint8Array<ArrayBuffer>;
  return libc.memcpy(bytes, bytes, 0n);
}

/** `asm-generic/resource.h` */
export const RLIMIT_FSIZE = 1;
/** `asm-generic/resource.h` */
export const RLIMIT_DATA = 2;
/** `asm-generic/resource.h` */
export const RLIMIT_NOFILE = 7;
/** `asm-generic/resource.h` */
export const RLIMIT_MEMLOCK = 8;
/** `asm-generic/resource.h` */
export const RLIMIT_AS = 9;

/** Sets a limit of this process, until `restore` is called. */
export function limit(resource: number, to: number): { restore(): void } {
  const before = new BigUint64Array(2);
  if (libc.getrlimit(resource, before) !== 0) throw new Error("getrlimit");
  const lowered = new BigUint64Array([BigInt(to), before[1]!]);
  if (libc.setrlimit(resource, lowered) !== 0) throw new Error("setrlimit");
  return {
    restore() {
      if (libc.setrlimit(resource, before) !== 0) throw new Error("setrlimit");
    },
  };
}

/** A pipe, closed with the block that it was made in. */
export class Pipe implements Disposable {
  /** The end to read from. */
  readonly read: number;
  /** The end to write to. */
  readonly write: number;

  constructor() {
    const ends = new Int32Array(2);
    if (libc.pipe(ends) !== 0) throw new Error("pipe");
    [this.read, this.write] = ends as unknown as [number, number];
  }

  [Symbol.dispose](): void {
    libc.close(this.read);
    libc.close(this.write);
  }
}

/** A module that imports `m.m`, a memory of 1 to 2 pages, and `m.f`. */
export function accessor(shared: boolean): WebAssembly.Module {
  // (module
  //   (import "m" "m" (memory 1 2))
  //   (import "m" "f" (func $f))
  //   (func (export "load") (param i32) (result i32)
  //     (i32.load (local.get 0)))
  //   (func (export "store") (param i32 i32)
  //     (i32.store (local.get 0) (local.get 1)))
  //   (func (export "call") (result i32)
  //     (call $f) (i32.load (i32.const 0)))
  //   (func (export "fill") (param i32 i32)
  //     (memory.fill (i32.const 0) (local.get 0) (local.get 1)))
  //   (func (export "add") (param i32) (result i32)
  //     (i32.atomic.rmw.add (i32.const 0) (local.get 0)))
  //   (func (export "grow") (result i32) (memory.grow (i32.const 0))))
  // deno-fmt-ignore
  return new WebAssembly.Module(new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    1, 18, 4,
    0x60, 0, 0,
    0x60, 1, 0x7f, 1, 0x7f,
    0x60, 2, 0x7f, 0x7f, 0,
    0x60, 0, 1, 0x7f,
    2, 15, 2, 1, 0x6d, 1, 0x6d, 2, shared ? 3 : 1, 1, 2, 1, 0x6d, 1, 0x66, 0, 0,
    3, 7, 6, 1, 2, 3, 2, 1, 3,
    7, 43, 6,
    4, 0x6c, 0x6f, 0x61, 0x64, 0, 1,
    5, 0x73, 0x74, 0x6f, 0x72, 0x65, 0, 2,
    4, 0x63, 0x61, 0x6c, 0x6c, 0, 3,
    4, 0x66, 0x69, 0x6c, 0x6c, 0, 4,
    3, 0x61, 0x64, 0x64, 0, 5,
    4, 0x67, 0x72, 0x6f, 0x77, 0, 6,
    10, 59, 6,
    7, 0, 0x20, 0, 0x28, 2, 0, 0x0b,
    9, 0, 0x20, 0, 0x20, 1, 0x36, 2, 0, 0x0b,
    9, 0, 0x10, 0, 0x41, 0, 0x28, 2, 0, 0x0b,
    11, 0, 0x41, 0, 0x20, 0, 0x20, 1, 0xfc, 11, 0, 0x0b,
    10, 0, 0x41, 0, 0x20, 0, 0xfe, 0x1e, 2, 0, 0x0b,
    6, 0, 0x41, 0, 0x40, 0, 0x0b,
  ]));
}

/** The exports of {@linkcode accessor}. */
export interface Accessor {
  load(address: number): number;
  store(address: number, value: number): void;
  call(): number;
  fill(value: number, length: number): void;
  add(value: number): number;
  grow(): number;
}
