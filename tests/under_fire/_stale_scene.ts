/**
 * The scene of the tests of stale access: memory full of one byte, of which
 * everything there is to take was taken; and other memory, full of another
 * byte, which is mapped in the moment after the first was closed, at whatever
 * addresses have become free.
 *
 * @module
 */

import {
  array,
  atomic,
  be32,
  bits,
  bool,
  enumeration,
  HostLayout,
  i32,
  type Pointer,
  safe,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
  union,
} from "../../layout/mod.ts";
import { Memory } from "../../memory/mod.ts";
import { cString, libc } from "./_native.ts";

/** The size of the memory in bytes: that of the engine's own smallest pages. */
export const SIZE = 65536;

/** Every byte of the memory before it is closed. */
const OLD = 0x5a;
/** Every byte of what is mapped after it was closed. */
const NEW = 0xa5;

/** As many mappings are made after it was closed. */
const CANARIES = 4;

/** A struct within {@linkcode Everything}. */
export const Inner = struct("Inner", { _: HostLayout, x: u32, y: u32 });

/** One field of every kind. */
export const Everything = struct("Everything", {
  _: HostLayout,
  bytes: array(u8, 4096),
  words: array(u32, 16),
  signed: array(i32, 16),
  longs: array(u64, 16),
  inner: Inner,
  inners: array(Inner, 8),
  flags: array(bool, 8),
  flag: bool,
  small: u16,
  word: u32,
  long: u64,
  halves: safe(u64),
  swapped: be32,
  part: bits(u32, 5),
  name: text(16),
  kind: enumeration("Kind", { ONE: 1, TWO: 2 }, u32),
  either: union("Either", { _: HostLayout, a: u32, b: u64 }),
  count: atomic(u64),
  signal: atomic(i32),
});

/** The program of one case. */
export type Run = (scene: Scene) => unknown;

/** A case: what is done, and what comes of it; shared memory may differ. */
export type Case = [run: Run, plain: string, shared?: string];

function memfd(name: string, byte: number): number {
  const fd = libc.memfd_create(cString(name), 1);
  if (fd < 0) throw new Error("memfd_create");
  libc.write(fd, new Uint8Array(SIZE).fill(byte), BigInt(SIZE));
  return fd;
}

function isFullOf(fd: number, byte: number): boolean {
  const bytes = Deno.readFileSync(`/proc/self/fd/${fd}`);
  return bytes.length === SIZE && bytes.every((value) => value === byte);
}

/** One scene; each case has its own. */
export class Scene {
  /** The memory. */
  readonly memory: Memory;
  /** A pointer to all of it. */
  readonly root: Pointer<typeof Everything>;
  /** A typed array that was taken out of it. */
  readonly bytes: Uint8Array;
  /** The buffer that all of its arrays lie in. */
  readonly buffer: ArrayBuffer;
  /** The memory that was mapped after it was closed. */
  later: Memory | undefined;

  readonly #old = memfd("stale-old", OLD);
  readonly #new = memfd("stale-new", NEW);
  readonly #canaries: bigint[] = [];

  /** Makes memory that is open. */
  constructor(workers: boolean) {
    const options = { workers, allowTruncatable: true };
    this.memory = Memory.map(this.#old, SIZE, options);
    this.root = this.memory.pointer(Everything);
    this.bytes = this.root.bytes;
    this.buffer = this.bytes.buffer as ArrayBuffer;
  }

  /** Closes the memory, and maps something else in its place. */
  close(): void {
    if (this.memory.closed) return;
    this.memory.close();
    for (let i = 0; i < CANARIES; i++) {
      // PROT_READ | PROT_WRITE, MAP_SHARED
      const address = libc.mmap(0n, BigInt(SIZE), 3, 1, this.#new, 0n);
      this.#canaries.push(address);
    }
    this.later = Memory.map(this.#new, SIZE, { allowTruncatable: true });
  }

  /** Closes the memory and returns something, for callbacks. */
  closing<T>(value: T): T {
    this.close();
    return value;
  }

  /** Something that closes the memory when it is made a number. */
  number(value: number): number {
    return { valueOf: () => this.closing(value) } as unknown as number;
  }

  /** Lists what is wrong after the case; nothing, if the promises were kept. */
  verdict(): string[] {
    const wrong: string[] = [];
    if (!this.memory.closed) wrong.push("it was not closed");
    if (!isFullOf(this.#old, OLD)) wrong.push("the closed memory changed");
    if (!isFullOf(this.#new, NEW)) wrong.push("another mapping changed");
    return wrong;
  }

  /** Gives back what the scene has. */
  end(): void {
    this.later?.close();
    for (const address of this.#canaries) libc.munmap(address, BigInt(SIZE));
    libc.close(this.#old);
    libc.close(this.#new);
  }
}

/** Closes the memory, and does something. */
export function after(use: (scene: Scene) => unknown): Run {
  return (scene) => {
    scene.close();
    return use(scene);
  };
}

/** The error of most of the language when it meets a detached buffer. */
export const TYPE_ERROR = "TypeError";
