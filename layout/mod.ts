/**
 * The layout language, which describes types as C lays them out; and typed
 * pointers and views into any buffer. It calls no native code and needs no
 * permission.
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

export { aligned } from "./language/aligned.ts";
export { array } from "./language/array.ts";
export { assign } from "./assign.ts";
export { atomic } from "./language/atomic.ts";
export { bits } from "./language/bits.ts";
export { bytes } from "./language/bytes.ts";
export { checkType } from "./model/check_type.ts";
export { codeOf, type CodeOptions } from "./code_of.ts";
export { declarationOf } from "./declaration.ts";
export { decode, encode, equals } from "./encode.ts";
export { enumeration } from "./language/enumeration.ts";
export { type Field, field } from "./field.ts";
export { HostLayout } from "./language/host_layout.ts";
export { jsonValue } from "./json.ts";
export { padding, type PaddingConstructor } from "./language/padding.ts";
export { pointer, type PointerOptions, view } from "./pointer.ts";
export { alignOf, offsetOf, sizeOf } from "./queries.ts";
export { safe } from "./language/safe.ts";
export {
  be16,
  be32,
  be64,
  bef32,
  bef64,
  bei16,
  bei32,
  bei64,
  bool,
  f16,
  f32,
  f64,
  i128,
  i16,
  i32,
  i64,
  i8,
  u128,
  u16,
  u32,
  u64,
  u8,
  uintptr,
} from "./language/scalars.ts";
export { snapshot } from "./snapshot.ts";
export {
  decodeStrings,
  type DecodeStringsOptions,
  encodeStrings,
} from "./string_list.ts";
export { struct, type StructOptions } from "./language/struct.ts";
export { text, text16 } from "./language/text.ts";
export { union } from "./language/union.ts";
export type {
  AnyArray,
  ArrayType,
  At,
  Atomic,
  AtomicBase,
  AtomicBoolean,
  AtomicType,
  Be16,
  Be32,
  Be64,
  Bef32,
  Bef64,
  Bei16,
  Bei32,
  Bei64,
  Bits,
  Bool,
  Boxed,
  Bytes,
  Column,
  ColumnValue,
  Elements,
  Enumeration,
  F16,
  F32,
  F64,
  Fields,
  FieldsOf,
  Hidden,
  HostLayoutMarker,
  I128,
  I16,
  I32,
  I64,
  I8,
  Inherited,
  InPointer,
  Input,
  IntegerType,
  InView,
  IsUnknown,
  LayoutType,
  LiveArray,
  LiveArrayView,
  LiveAtomic,
  Marked,
  MissingHostLayout,
  NameIn,
  Names,
  NativeArrays,
  NativeElements,
  ObjectKind,
  Padding,
  Path,
  pointee,
  Pointer,
  PointerTo,
  Primitive,
  ReadonlyAtomic,
  ReadonlyBytesArray,
  ReadonlyColumn,
  ReadonlyElements,
  ReadonlyRecords,
  Records,
  Safe,
  ScalarKind,
  ScalarType,
  shape,
  Side,
  Stored,
  StructInput,
  StructPointer,
  StructType,
  StructValue,
  StructView,
  Text,
  Text16,
  Type,
  U128,
  U16,
  U32,
  U64,
  U8,
  Uintptr,
  UnionType,
  Value,
  View,
  ViewOf,
  WaitableAtomic,
} from "./static.ts";
export {
  AlignmentError,
  BoundsError,
  ClosedError,
  InvalidTypeError,
  NotSupportedError,
  ReadOnlyError,
} from "../errors.ts";
