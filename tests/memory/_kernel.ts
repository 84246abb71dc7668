/**
 * Descriptors of every kind for the tests of this folder, made by libc directly
 * and not by the module under test.
 *
 * @module
 */

const libc = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  pipe: { parameters: ["buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  syscall: { parameters: ["i64", "i32", "buffer", "u32"], result: "i32" },
  memcpy: { parameters: ["buffer", "buffer", "usize"], result: "usize" },
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "usize",
  },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  mincore: { parameters: ["usize", "usize", "buffer"], result: "i32" },
}).symbols;

function checked(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed`);
  return result;
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** A descriptor that is closed with the block that it was made in. */
export class Descriptor implements Disposable {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** `fcntl(fd, F_ADD_SEALS, seals)`. */
  seal(seals: number): this {
    checked(libc.fcntl(this.fd, 1033, seals), "fcntl(F_ADD_SEALS)");
    return this;
  }

  /** `ftruncate(fd, size)`. */
  truncate(size: number): this {
    checked(libc.ftruncate(this.fd, BigInt(size)), "ftruncate");
    return this;
  }

  [Symbol.dispose](): void {
    libc.close(this.fd);
  }
}

/** `linux/fcntl.h` */
export const F_SEAL_SEAL = 1;
/** `linux/fcntl.h` */
export const F_SEAL_SHRINK = 2;
/** `linux/fcntl.h` */
export const F_SEAL_FUTURE_WRITE = 16;

/** `linux/memfd.h` */
export const MFD_HUGETLB = 4;

/** A memfd that can be sealed. */
export function memfd(size: number, name = "test", flags = 0): Descriptor {
  // MFD_CLOEXEC | MFD_ALLOW_SEALING
  const fd = libc.memfd_create(cString(name), 3 | flags);
  return new Descriptor(checked(fd, "memfd_create")).truncate(size);
}

/** `asm-generic/fcntl.h` */
export const O_RDONLY = 0;
/** `asm-generic/fcntl.h` */
export const O_WRONLY = 1;
/** `asm-generic/fcntl.h` */
export const O_RDWR = 2;
/** `asm-generic/fcntl.h` */
export const O_APPEND = 0o2000;

/** A file opened with libc, with close-on-exec. */
export function open(path: string, flags: number): Descriptor {
  const fd = libc.open(cString(path), flags | 0o2000000, 0);
  return new Descriptor(checked(fd, `open(${path})`));
}

/** Both ends of a pipe. */
export function pipe(): [read: Descriptor, write: Descriptor] {
  const ends = new Int32Array(2);
  checked(libc.pipe(ends), "pipe");
  return [new Descriptor(ends[0]!), new Descriptor(ends[1]!)];
}

/** A ring of requests, `io_uring_setup(2)`; undefined where there is none. */
export function ioUring(): Descriptor | undefined {
  const fd = libc.syscall(425n, 8, new Uint8Array(120), 0);
  return fd < 0 ? undefined : new Descriptor(fd);
}

/** Tests whether libc can map a descriptor at an address, and unmaps it. */
export function canMapAt(fd: number, address: bigint, size: number): boolean {
  // PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE
  const mapped = libc.mmap(address, BigInt(size), 3, 0x100001, fd, 0n);
  if (mapped === address) libc.munmap(address, BigInt(size));
  return mapped === address;
}

/** Maps anonymous memory, for as long as the process lives. */
export function mapAnonymous(size: number): bigint {
  // PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS
  return libc.mmap(0n, BigInt(size), 3, 0x22, -1, 0n);
}

/** Tests whether anything is mapped at the address of a page. */
export function isMapped(address: bigint): boolean {
  return libc.mincore(address, 1n, new Uint8Array(1)) === 0;
}

/** A number that no open descriptor has. */
export function closedDescriptor(): number {
  using descriptor = memfd(0);
  return descriptor.fd;
}

// ---------------------------------------------------------------------------
// BPF maps
// ---------------------------------------------------------------------------

// Held for as long as the module, because the kernel is given its address.
const value = new Uint8Array(new ArrayBuffer(64));
const key = new Uint32Array(new ArrayBuffer(8));

function address(bytes: Uint8Array | Uint32Array): bigint {
  return libc.memcpy(
    bytes as Uint8Array<ArrayBuffer>,
    bytes as Uint8Array<ArrayBuffer>,
    0n,
  );
}

/** `bpf(2)`, as -1 or its result. */
function bpf(command: number, fill: (attributes: DataView) => void): number {
  const attributes = new DataView(new ArrayBuffer(128));
  fill(attributes);
  const number = Deno.build.arch === "x86_64" ? 321n : 280n;
  return libc.syscall(number, command, attributes, 128);
}

/** `linux/bpf.h` */
export const BPF_F_RDONLY = 1 << 3;
/** `linux/bpf.h` */
export const BPF_F_RDONLY_PROG = 1 << 7;
/** `linux/bpf.h` */
export const BPF_F_MMAPABLE = 1 << 10;

const BPF_MAP_TYPE_HASH = 1;
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_MAP_TYPE_ARENA = 33;

/** A BPF map of 8-byte values. */
export class BpfMap extends Descriptor {
  /** An array of `entries` values, with `flags` on top of BPF_F_MMAPABLE. */
  static array(entries: number, flags = 0): BpfMap {
    return BpfMap.#make(BPF_MAP_TYPE_ARRAY, 4, 8, entries, flags | 1024);
  }

  /** An array that was made without BPF_F_MMAPABLE. */
  static unmappable(entries: number): BpfMap {
    return BpfMap.#make(BPF_MAP_TYPE_ARRAY, 4, 8, entries, 0);
  }

  /** A hash table. */
  static hash(entries: number): BpfMap {
    return BpfMap.#make(BPF_MAP_TYPE_HASH, 4, 8, entries, 0);
  }

  /** An arena of `pages` pages. */
  static arena(pages: number): BpfMap {
    return BpfMap.#make(BPF_MAP_TYPE_ARENA, 0, 0, pages, BPF_F_MMAPABLE);
  }

  static #make(
    type: number,
    keySize: number,
    valueSize: number,
    entries: number,
    flags: number,
  ): BpfMap {
    const fd = bpf(0, (attributes) => {
      [type, keySize, valueSize, entries, flags].forEach((field, i) =>
        attributes.setUint32(i * 4, field, true)
      );
    });
    return new BpfMap(checked(fd, "bpf(BPF_MAP_CREATE)"));
  }

  /** The kernel's number of the map. */
  get id(): number {
    return this.#info()[1]!;
  }

  #info(): Uint32Array {
    const info = new Uint32Array(value.buffer);
    info.fill(0);
    const result = bpf(15, (attributes) => {
      attributes.setUint32(0, this.fd, true);
      attributes.setUint32(4, 64, true);
      attributes.setBigUint64(8, address(value), true);
    });
    checked(result, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
    return info;
  }

  /** Another descriptor of the map, opened with `flags`. */
  reopen(flags: number): Descriptor {
    const id = this.id;
    const fd = bpf(14, (attributes) => {
      attributes.setUint32(0, id, true);
      attributes.setUint32(8, flags, true);
    });
    return new Descriptor(checked(fd, "bpf(BPF_MAP_GET_FD_BY_ID)"));
  }

  /** The value at an index, by `BPF_MAP_LOOKUP_ELEM`. */
  lookup(index: number): bigint {
    checked(this.#element(1, index), "bpf(BPF_MAP_LOOKUP_ELEM)");
    return new BigUint64Array(value.buffer)[0]!;
  }

  /** Stores a value, by `BPF_MAP_UPDATE_ELEM`. */
  update(index: number, to: bigint): void {
    new BigUint64Array(value.buffer)[0] = to;
    checked(this.#element(2, index), "bpf(BPF_MAP_UPDATE_ELEM)");
  }

  #element(command: number, index: number): number {
    key[0] = index;
    return bpf(command, (attributes) => {
      attributes.setUint32(0, this.fd, true);
      attributes.setBigUint64(8, address(key), true);
      attributes.setBigUint64(16, address(value), true);
    });
  }

  /** Freezes the map; true if `BPF_MAP_FREEZE` succeeds. */
  freeze(): boolean {
    return bpf(22, (attributes) => {
      attributes.setUint32(0, this.fd, true);
    }) === 0;
  }
}

/** Tests whether the kernel still has a map of this number. */
export function mapExists(id: number): boolean {
  const fd = bpf(14, (attributes) => attributes.setUint32(0, id, true));
  if (fd < 0) return false;
  libc.close(fd);
  return true;
}
