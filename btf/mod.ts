/**
 * BTF, the kernel's type information: you need not write down a struct that the
 * kernel already knows.
 *
 * ```ts ignore
 * import { Btf } from "@hostmem/hostmem/btf";
 *
 * const btf = Btf.kernel();
 * const task = btf.layout("task_struct");
 * console.log(task.size, btf.find("task_struct", "struct")?.members.length);
 * ```
 *
 * @module
 */

import "../ffi/require_deno.ts";

export { preload } from "../ffi/preload.ts";
export { Btf, type ParseOptions } from "./btf.ts";
export {
  checkLayout,
  type LayoutCheck,
  type LayoutDifference,
} from "./check_layout.ts";
export {
  typescript,
  type TypescriptOptions,
  TypescriptSource,
} from "./typescript.ts";
export type { PointerType } from "./pointer_type.ts";
export type {
  BtfArray,
  BtfDatasec,
  BtfDeclTag,
  BtfEnum,
  BtfEnum64,
  BtfFloat,
  BtfFunc,
  BtfFuncProto,
  BtfFwd,
  BtfInt,
  BtfKind,
  BtfLinkage,
  BtfMember,
  BtfModifier,
  BtfPtr,
  BtfStruct,
  BtfType,
  BtfTypeBase,
  BtfTypeOf,
  BtfVar,
  BtfVoid,
} from "./types.ts";
export type { ScalarType, shape, Type, Uintptr } from "../layout/static.ts";
export {
  BtfError,
  InvalidTypeError,
  NotSupportedError,
  SystemError,
  type SystemErrorInit,
} from "../errors.ts";
