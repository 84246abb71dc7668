/**
 * The types and values exchanged with programs in Python and Rust.
 *
 * @module
 */

import {
  aligned,
  array,
  atomic,
  be16,
  be64,
  bef32,
  bei32,
  bits,
  bool,
  bytes,
  enumeration,
  f16,
  f32,
  f64,
  HostLayout,
  i128,
  i16,
  i64,
  padding,
  safe,
  struct,
  text,
  text16,
  u128,
  u16,
  u32,
  u64,
  u8,
  uintptr,
  union,
} from "../../mod.ts";
import { ByteRing, Latest, Seqlock, SpscRing } from "../../sync/mod.ts";

export const Color = enumeration("Color", { red: 1, green: 2 }, u8);
export const Inner = struct("Inner", { _: HostLayout, tag: u8, value: f64 });
export const Packed = struct("Packed", {
  _: HostLayout,
  a: u8,
  b: u64,
  low: bits(u16, 5),
  c: array(i16, 2),
}, { packed: true });
export const Placed = struct("Placed", { _: HostLayout, a: u8, b: u32 }, {
  offsets: { b: 13 },
  size: 32,
  align: 16,
});
export const Everything = struct("Everything", {
  _: HostLayout,
  flag: bool,
  color: Color,
  name: text(7),
  title: text16(6),
  low: bits(u32, 3),
  minus: bits(i64, 40),
  shade: bits(Color, 2),
  priv: bits(bool, 1),
  gap: padding(5),
  network: be16,
  change: bei32,
  load: bef32,
  wide: be64,
  half: f16,
  ratio: f32,
  mac: bytes(6),
  huge: u128,
  debt: i128,
  total: safe(u64),
  counter: atomic(i64),
  address: uintptr,
  matrix: array(array(u16, 3), 2),
  inner: array(Inner, 2),
  packed: Packed,
  placed: Placed,
  halves: array(f16, 3),
  box: aligned(u32, 64),
  either: union("Either", { _: HostLayout, small: u8, large: u64 }),
  rest: array(u32),
});

export const Numbers = array(u64, 4);
export const Ring = SpscRing(Inner, 16);
export const Lock = Seqlock(Inner);
export const Frame = Latest(Inner);
export const Messages = ByteRing(64);

/** The values that are written here, and read there. */
export const first = {
  flag: true,
  color: 2,
  name: "héllo",
  title: "a😀é",
  low: 5,
  minus: -3n,
  shade: 2,
  priv: true,
  network: 443,
  change: -70000,
  load: 1.5,
  wide: 2n ** 40n,
  half: 0.333251953125,
  ratio: 0.25,
  mac: Uint8Array.of(1, 2, 3, 4, 5, 6),
  huge: 2n ** 100n + 1n,
  debt: -(2n ** 90n),
  total: 2 ** 50,
  counter: -7n,
  address: 2n ** 47n,
  matrix: [[1, 2, 3], [4, 5, 65535]],
  inner: [{ tag: 1, value: -1.25 }, { tag: 2, value: 1e100 }],
  packed: { a: 9, b: 2n ** 63n, low: 17, c: [-1, 2] },
  placed: { a: 3, b: 77 },
  halves: [1, -2, 65504],
  box: 123456,
  either: { small: 4, large: 260n },
  rest: [],
};

/** The values that are written there, and read here. */
export const second: typeof first = {
  ...first,
  flag: false,
  color: 1,
  name: "bye",
  title: "bye",
  low: 2,
  minus: -(2n ** 39n),
  shade: 1,
  priv: false,
  network: 8080,
  change: 5,
  load: -0.5,
  wide: 3n,
  half: -2,
  ratio: 8,
  mac: Uint8Array.of(6, 5, 4, 3, 2, 1),
  huge: 2n ** 128n - 1n,
  debt: -1n,
  total: 7,
  counter: 2n ** 62n,
  address: 0n,
  matrix: [[1, 2, 3], [4, 9, 65535]],
  inner: [{ tag: 1, value: -1.25 }, { tag: 200, value: 0.5 }],
  packed: { a: 1, b: 2n, low: 31, c: [-1, -300] },
  placed: { a: 3, b: 2 ** 31 },
  halves: [1, -2, 0.5],
  box: 1,
  either: { small: 255, large: 255n },
};
