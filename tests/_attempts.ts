/**
 * The requests of a probe to the kernel, by libc directly and not by the module
 * under test: a fault of that must fail tests, and not have them skipped.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { constants } from "node:os";

/** Something that the kernel did not do. */
export class Refusal extends Error {
  /** The error number, where there was one. */
  readonly errno: number | undefined;

  /** One, for a reason. */
  constructor(reason: string, errno?: number) {
    super(reason);
    this.errno = errno;
  }
}

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
  names.set(number, name);
}
// Linux has one number for both, and this name for it.
names.set(95, "EOPNOTSUPP");
// include/linux/errno.h: meant for the kernel itself, and let out by bpf(2).
names.set(524, "ENOTSUPP");

function nameOf(errno: number): string {
  return names.get(errno) ?? `error ${errno}`;
}

/** The numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl, … */
const number = Deno.build.arch === "x86_64"
  ? { bpf: 321n, perfEventOpen: 298n }
  // include/uapi/asm-generic/unistd.h
  : { bpf: 280n, perfEventOpen: 241n };

function openLibc() {
  const { symbols } = Deno.dlopen("libc.so.6", {
    __errno_location: { parameters: [], result: "pointer" },
    syscall: {
      parameters: ["i64", "i64", "buffer", "i64", "i64", "i64"],
      result: "i64",
    },
    perfEventOpen: {
      name: "syscall",
      parameters: ["i64", "buffer", "i64", "i64", "i64", "i64"],
      result: "i64",
    },
    mmap: {
      parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
      result: "i64",
    },
    munmap: { parameters: ["usize", "usize"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const errno = new Deno.UnsafePointerView(symbols.__errno_location()!);
  return { ...symbols, errno: () => errno.getInt32() };
}

let opened: ReturnType<typeof openLibc> | undefined;
const libc = () => opened ??= openLibc();

const { EAGAIN, ETIMEDOUT } = constants.errno;
const TRIES = 10;

/**
 * Makes a call. Between it and the look at errno the engine may wait for its own
 * threads, which leaves one of two numbers there; so it is made once more then.
 */
function checked(call: string, make: () => bigint | number): number {
  let errno = 0;
  for (let i = 0; i < TRIES; i++) {
    const result = Number(make());
    if (result !== -1) return result;
    errno = libc().errno();
    if (errno !== EAGAIN && errno !== ETIMEDOUT) break;
  }
  throw new Refusal(`${call}: ${nameOf(errno)}`, errno);
}

function addressOf(bytes: BufferSource): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}

/** `bpf(2)`, with a `union bpf_attr` of 128 bytes that are zero at first. */
function bpf(
  name: string,
  command: number,
  fill: (attributes: DataView) => void,
): number {
  const attributes = new DataView(new ArrayBuffer(128));
  fill(attributes);
  const { syscall } = libc();
  return checked(
    `bpf(BPF_${name})`,
    () => syscall(number.bpf, BigInt(command), attributes, 128n, 0n, 0n),
  );
}

/** `linux/bpf.h`: a program, by `enum bpf_prog_type` and what goes with it. */
export interface ProgramKind {
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** `enum bpf_attach_type`; 0 by default. */
  readonly attachType?: number;
  /** The type of the kernel's BTF that it is for; see {@linkcode btfId}. */
  readonly btfId?: number;
  /** The value that it returns; 0 by default. */
  readonly returns?: number;
  /** An array with one entry of 8 bytes, in which it counts its runs. */
  readonly counts?: number;
}

/** `struct bpf_insn`: code, registers, offset, immediate. */
type Instruction = [
  code: number,
  registers: number,
  offset: number,
  immediate: number,
];

function instructionsOf(
  { returns = 0, counts }: ProgramKind,
): Instruction[] {
  const count: Instruction[] = counts === undefined ? [] : [
    [0x18, 0x21, 0, counts], // r1 = BPF_PSEUDO_MAP_VALUE of the array
    [0x00, 0, 0, 0],
    [0xb7, 2, 0, 1], // r2 = 1
    [0xdb, 0x21, 0, 0], // lock *(u64 *)r1 += r2
  ];
  // r0 = returns; exit
  return [...count, [0xb7, 0, 0, returns], [0x95, 0, 0, 0]];
}

function assemble(instructions: readonly Instruction[]): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(instructions.length * 8));
  instructions.forEach(([code, registers, offset, immediate], i) => {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, registers);
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, immediate, true);
  });
  return view;
}

const license = new TextEncoder().encode("GPL\0");

/** The objects that an attempt made, none of which is left after its block. */
export class Attempt implements Disposable {
  readonly #descriptors: number[] = [];

  #keep(descriptor: number): number {
    this.#descriptors.push(descriptor);
    return descriptor;
  }

  /** A map: `BPF_MAP_CREATE`. */
  map(
    type: number,
    keySize: number,
    valueSize: number,
    entries: number,
    flags: number = 0,
  ): number {
    return this.#keep(bpf("MAP_CREATE", 0, (attributes) => {
      [type, keySize, valueSize, entries, flags].forEach((field, i) =>
        attributes.setUint32(i * 4, field, true)
      );
    }));
  }

  /** An array of one entry of 8 bytes, that can be mapped. */
  array(): number {
    // BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE
    return this.map(2, 4, 8, 1, 1 << 10);
  }

  /** Types of an object, of which there is one: `BPF_BTF_LOAD`. */
  #btf(): number {
    // struct btf_header, struct btf_type of an int, and the texts "" and "int"
    const words = [0x1eb9f, 24, 0, 16, 16, 5, 1, 1 << 24, 4, 32, 0x746e6900, 0];
    const types = new DataView(new ArrayBuffer(words.length * 4));
    words.forEach((word, i) => types.setUint32(i * 4, word, true));
    return this.#keep(bpf("BTF_LOAD", 18, (attributes) => {
      attributes.setBigUint64(0, addressOf(types), true);
      attributes.setUint32(16, 45, true);
    }));
  }

  /** A map for functions of the kernel's, attached by a link. */
  structOpsMap(type: { readonly id: number; readonly size: number }): number {
    return this.#keep(bpf("MAP_CREATE", 0, (attributes) => {
      // BPF_MAP_TYPE_STRUCT_OPS, one entry of that type, BPF_F_LINK
      [26, 4, type.size, 1, 1 << 13].forEach((field, i) =>
        attributes.setUint32(i * 4, field, true)
      );
      // The kernel asks for BTF of the object, whatever is in it.
      attributes.setUint32(48, this.#btf(), true);
      attributes.setUint32(60, type.id, true);
    }));
  }

  /** Maps the first page of a map's memory, and unmaps it again. */
  mmap(map: number): void {
    const { mmap, munmap } = libc();
    // PROT_READ | PROT_WRITE, MAP_SHARED
    const address = checked("mmap", () => mmap(0n, 4096n, 3, 1, map, 0n));
    munmap(BigInt(address), 4096n);
  }

  /** The entry of an array, by `BPF_MAP_LOOKUP_ELEM`. */
  lookup(map: number): bigint {
    const key = new Uint32Array(new ArrayBuffer(4));
    const value = new BigUint64Array(new ArrayBuffer(8));
    bpf("MAP_LOOKUP_ELEM", 1, (attributes) => {
      attributes.setUint32(0, map, true);
      attributes.setBigUint64(8, addressOf(key), true);
      attributes.setBigUint64(16, addressOf(value), true);
    });
    return value[0]!;
  }

  /** A program that does nothing, or counts: `BPF_PROG_LOAD`. */
  program(kind: ProgramKind): number {
    const code = assemble(instructionsOf(kind));
    return this.#keep(bpf("PROG_LOAD", 5, (attributes) => {
      attributes.setUint32(0, kind.type, true);
      attributes.setUint32(4, code.byteLength / 8, true);
      attributes.setBigUint64(8, addressOf(code), true);
      attributes.setBigUint64(16, addressOf(license), true);
      attributes.setUint32(68, kind.attachType ?? 0, true);
      attributes.setUint32(108, kind.btfId ?? 0, true);
    }));
  }

  /**
   * Attaches a program: `BPF_LINK_CREATE`.
   *
   * @param target A descriptor, or the number of an interface.
   * @param more Fills what the attach type has of its own, from byte 16.
   */
  link(
    program: number,
    target: number,
    attachType: number,
    more: (attributes: DataView) => void = () => {},
  ): number {
    return this.#keep(bpf("LINK_CREATE", 28, (attributes) => {
      attributes.setUint32(0, program, true);
      attributes.setUint32(4, target, true);
      attributes.setUint32(8, attachType, true);
      more(attributes);
    }));
  }

  /** Attaches a program to a raw tracepoint, or to what it was loaded for. */
  rawTracepoint(program: number, name?: string): number {
    const text = new TextEncoder().encode(`${name}\0`);
    return this.#keep(bpf("RAW_TRACEPOINT_OPEN", 17, (attributes) => {
      if (name !== undefined) {
        attributes.setBigUint64(0, addressOf(text), true);
      }
      attributes.setUint32(8, program, true);
    }));
  }

  /** Lists maps: `BPF_MAP_GET_NEXT_ID`. */
  firstMap(): void {
    bpf("MAP_GET_NEXT_ID", 12, () => {});
  }

  /** A token of no BPF file system: `BPF_TOKEN_CREATE`. */
  noToken(): void {
    bpf("TOKEN_CREATE", 36, (attributes) => attributes.setInt32(4, -1, true));
  }

  /** The first 64 bytes of what the kernel knows of a link. */
  linkInfo(link: number): DataView {
    const info = new DataView(new ArrayBuffer(64));
    bpf("OBJ_GET_INFO_BY_FD", 15, (attributes) => {
      attributes.setUint32(0, link, true);
      attributes.setUint32(4, info.byteLength, true);
      attributes.setBigUint64(
        8,
        addressOf(info as DataView<ArrayBuffer>),
        true,
      );
    });
    return info;
  }

  /**
   * An event of all processes on CPU 0: `perf_event_open(2)`.
   *
   * @param name The name that `config1` is the address of, if it is one.
   */
  event(type: number, config: bigint, name?: string): number {
    const text = new TextEncoder().encode(`${name}\0`);
    // struct perf_event_attr up to config2: PERF_ATTR_SIZE_VER1
    const attributes = new DataView(new ArrayBuffer(72));
    attributes.setUint32(0, type, true);
    attributes.setUint32(4, 72, true);
    attributes.setBigUint64(8, config, true);
    attributes.setBigUint64(40, 1n, true); // disabled
    if (name !== undefined) {
      attributes.setBigUint64(56, addressOf(text), true);
    }
    const { perfEventOpen } = libc();
    // pid, cpu, group_fd, PERF_FLAG_FD_CLOEXEC
    return this.#keep(checked(
      "perf_event_open",
      () => perfEventOpen(number.perfEventOpen, attributes, -1n, 0n, -1n, 8n),
    ));
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.reverse()) {
      libc().close(descriptor);
    }
  }
}

/** An address, for {@linkcode Attempt.link}. */
export function putAddress(
  attributes: DataView,
  offset: number,
  of: BufferSource,
): void {
  attributes.setBigUint64(offset, addressOf(of), true);
}

/** The bytes of each kind of BTF's types behind the first 12, by their number. */
const BTF_TAILS: Readonly<Record<number, [fixed: number, each: number]>> = {
  1: [4, 0], // int
  3: [12, 0], // array
  4: [0, 12], // struct
  5: [0, 12], // union
  6: [0, 8], // enum
  13: [0, 8], // function prototype
  14: [4, 0], // variable
  15: [0, 12], // section
  17: [4, 0], // tag
  19: [0, 12], // enum64
};

/** `linux/btf.h`: kinds of types. */
export const BTF_KIND = { struct: 4, typedef: 8, func: 12 } as const;

let btf: Buffer<ArrayBuffer> | undefined;

/** The number of a type of the kernel, or undefined where it has none. */
export function btfId(kind: number, name: string): number | undefined {
  return btfType(kind, name)?.id;
}

/** A type of the kernel, with its size if it is a struct. */
export function btfType(
  kind: number,
  name: string,
): { readonly id: number; readonly size: number } | undefined {
  btf ??= Buffer.from(Deno.readFileSync("/sys/kernel/btf/vmlinux").buffer);
  const [header, typesAt, typesSize, stringsAt] = [4, 8, 12, 16].map((at) =>
    btf!.readUInt32LE(at)
  ) as [number, number, number, number];
  const strings = header + stringsAt;
  const found = btf.indexOf(`\0${name}\0`, strings, "latin1");
  if (found < 0) return undefined;
  const nameAt = found + 1 - strings;
  const end = header + typesAt + typesSize;
  let at = header + typesAt;
  for (let id = 1; at < end; id++) {
    const info = btf.readUInt32LE(at + 4);
    const own = info >>> 24 & 0x1f;
    if (own === kind && btf.readUInt32LE(at) === nameAt) {
      return { id, size: btf.readUInt32LE(at + 8) };
    }
    const [fixed, each] = BTF_TAILS[own] ?? [0, 0];
    at += 12 + fixed + each * (info & 0xffff);
  }
  return undefined;
}
