/**
 * The layout language: what a type is, how large, and where its fields lie; and
 * typed pointers and views into any buffer. Pure: it calls nothing native and
 * needs no permission.
 *
 * ```ts
 * import { array, HostLayout, pointer, struct, u16, u64 } from "@hostmem/hostmem/layout";
 *
 * const Stats = struct("Stats", {
 *   _: HostLayout, // laid out as C lays it out on this host
 *   bytes: u64,
 *   ports: array(u16, 8),
 * });
 * const stats = pointer(Stats, new ArrayBuffer(24));
 * stats.bytes += 64n;
 * stats.ports[3] = 443;
 * ```
 *
 * @module
 */

import "./require_runtime.ts";

export { aligned } from "./aligned.ts";
export { array } from "./array.ts";
export { assign } from "./assign.ts";
export { atomic } from "./atomic.ts";
export { bits } from "./bits.ts";
export { checkType } from "./check_type.ts";
export { declarationOf } from "./declaration.ts";
export { enumeration } from "./enumeration.ts";
export { type Field, field } from "./field.ts";
export { HostLayout } from "./host_layout.ts";
export { padding, type PaddingConstructor } from "./padding.ts";
export { pointer, type PointerOptions, view } from "./pointer.ts";
export { alignOf, offsetOf, sizeOf } from "./queries.ts";
export { safe } from "./safe.ts";
export {
  be16,
  be32,
  be64,
  bool,
  f32,
  f64,
  i16,
  i32,
  i64,
  i8,
  u16,
  u32,
  u64,
  u8,
  uintptr,
} from "./scalars.ts";
export { snapshot } from "./snapshot.ts";
export { struct, type StructOptions } from "./struct.ts";
export { text } from "./text.ts";
export { union } from "./union.ts";
export type {
  ArrayType,
  AtomicBase,
  AtomicType,
  Be16,
  Be32,
  Be64,
  Bits,
  Bool,
  Enumeration,
  F32,
  F64,
  Fields,
  HostLayoutMarker,
  I16,
  I32,
  I64,
  I8,
  Input,
  IntegerType,
  Marked,
  MissingHostLayout,
  Padding,
  pointee,
  Pointer,
  Primitive,
  Safe,
  ScalarType,
  shape,
  StructType,
  Text,
  Type,
  U16,
  U32,
  U64,
  U8,
  Uintptr,
  UnionType,
  Value,
  ValueOf,
  View,
} from "./types.ts";
export type {
  Atomic,
  AtomicBoolean,
  Boxed,
  Column,
  ColumnValue,
  Elements,
  Hidden,
  LiveArray,
  LiveArrayView,
  LiveAtomic,
  NativeArrays,
  PointerTo,
  ReadonlyAtomic,
  ReadonlyColumn,
  ReadonlyElements,
  ReadonlyRecords,
  Records,
  ScalarKind,
  Side,
  Stored,
  StructInput,
  StructPointer,
  StructValue,
  StructView,
  ViewOf,
  WaitableAtomic,
} from "./live.ts";
export type { At, FieldsOf, Names, Path } from "./paths.ts";
export {
  AlignmentError,
  BoundsError,
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
  ReadOnlyError,
} from "../errors.ts";
