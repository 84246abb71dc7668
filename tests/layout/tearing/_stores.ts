/** Every kind of store of 16, 32 and 64 bits, for the tearing test. */

import {
  array,
  assign,
  atomic,
  be16,
  be32,
  be64,
  bits,
  enumeration,
  f32,
  f64,
  field,
  HostLayout,
  i16,
  i32,
  i64,
  pointer,
  safe,
  struct,
  u16,
  u32,
  u64,
  union,
} from "../../../layout/mod.ts";

/** Stores 0, or the other value of two; the bits that this changes. */
export interface Store {
  readonly store: (full: boolean) => void;
  /** The number of bits that can be torn. */
  readonly width: 16 | 32 | 64;
  /** The offset of what is stored, in bytes. */
  readonly offset: number;
}

const all = { _: HostLayout };
const Tail = struct("Tail", { ...all, a: u32, b: u32 });
const Wide = union("Wide", {
  ...all,
  u64,
  i64,
  be64,
  f64,
  big: enumeration("big", { A: 0n }, u64),
  atomic: atomic(u64),
  safe: safe(u64),
  half: u32,
  signed: i32,
  be32,
  f32,
  state: enumeration("state", { A: 0 }),
  quarter: u16,
  short: i16,
  be16,
  tail: Tail,
  words: array(u64, 1),
  halves: array(be32, 2),
  cells: array(struct("Cell", { ...all, pad: u32, it: u32 }), 1),
  low: struct("Low", { ...all, below: bits(u64, 12), it: bits(u64, 40) }),
  mid: struct("Mid", { ...all, below: bits(u32, 5), it: bits(u32, 20) }),
  minus: struct("Minus", { ...all, below: bits(i16, 3), it: bits(i16, 11) }),
});

/** All of them, by name. */
export function storesTo(shared: SharedArrayBuffer): Record<string, Store> {
  const p = pointer(Wide, shared);
  const column = p.cells.column("it");
  const scalar = field(Wide, "tail.b").of(p);
  const of = (
    width: 16 | 32 | 64,
    store: (full: boolean) => void,
    offset = 0,
  ): Store => ({ store, width, offset });
  const ones64 = 2n ** 64n - 1n;
  const ones32 = 2 ** 32 - 1;
  return {
    u64: of(64, (full) => p.u64 = full ? ones64 : 0n),
    i64: of(64, (full) => p.i64 = full ? -1n : 0n),
    be64: of(64, (full) => p.be64 = full ? ones64 : 0n),
    // No two bytes of it are 0.
    f64: of(64, (full) => p.f64 = full ? 1 / 3 : 0),
    "enumeration over u64": of(64, (full) => p.big = full ? ones64 : 0n),
    "atomic(u64)": of(64, (full) => p.atomic.store(full ? ones64 : 0n)),
    "safe(u64)": of(64, (full) => p.safe = full ? 2 ** 53 - 1 : 0),
    "u64[]": of(64, (full) => p.words[0] = full ? ones64 : 0n),
    "bits(u64, 40)": of(64, (full) => p.low.it = full ? 2n ** 40n - 1n : 0n),
    "assign, u64": of(64, (full) => assign(p, { u64: full ? ones64 : 0n })),
    u32: of(32, (full) => p.half = full ? ones32 : 0),
    i32: of(32, (full) => p.signed = full ? -1 : 0),
    be32: of(32, (full) => p.be32 = full ? ones32 : 0),
    f32: of(32, (full) => p.f32 = full ? 1 / 3 : 0),
    enumeration: of(32, (full) => p.state = full ? ones32 : 0),
    "array(be32)": of(32, (full) => p.halves.set(1, full ? ones32 : 0), 4),
    "nested u32": of(32, (full) => p.tail.b = full ? ones32 : 0, 4),
    "scalar pointer": of(32, (full) => scalar.value = full ? ones32 : 0, 4),
    column: of(32, (full) => column.set(0, full ? ones32 : 0), 4),
    "bits(u32, 20)": of(32, (full) => p.mid.it = full ? 2 ** 20 - 1 : 0),
    "assign, u32": of(32, (full) => assign(p.tail, { b: full ? 1e9 : 0 }), 4),
    u16: of(16, (full) => p.quarter = full ? 65535 : 0),
    i16: of(16, (full) => p.short = full ? -1 : 0),
    be16: of(16, (full) => p.be16 = full ? 65535 : 0),
    "bits(i16, 11)": of(16, (full) => p.minus.it = full ? -1 : 0),
  };
}

/** The element, of 32 bits, that tells the storing thread what is wanted. */
export const WANTED = 8;
/** The element that tells what the storing thread is at. */
export const STORED = 9;
/** The value for when nothing is wanted any more. */
export const END = -1;
