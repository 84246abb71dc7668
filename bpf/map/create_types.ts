/** The types that a new map is made with. */

import { InvalidTypeError } from "../../errors.ts";
import { TypeWriter } from "../../btf/writing/write_types.ts";
import type { Descriptor } from "../../ffi/descriptor.ts";
import { type Type, u32 } from "../../layout/mod.ts";
import { requireTypeOfSize } from "../../layout/model/open_ended.ts";
import {
  flexibleTailOf,
  originOf,
  requireType,
} from "../../layout/model/types.ts";
import { loadBtf, type MapBtfRequest } from "./commands.ts";
import {
  isKeyless,
  isLocalStorage,
  isUnbounded,
  type MapType,
} from "./type.ts";
import type { MapDefinition } from "./types_from_btf.ts";

/** The types of a new map; undefined for one that has none. */
export function givenTypes(
  type: MapType,
  keyType: unknown,
  valueType: unknown,
): MapDefinition | undefined {
  if (keyType === undefined && valueType === undefined) return undefined;
  const key = keyType ?? (isKeyless(type) ? undefined : u32);
  return {
    keyType: key === undefined ? undefined : requireType(key, "keyType"),
    valueType: valueType === undefined
      ? undefined
      : requireType(valueType, "valueType"),
  };
}

/**
 * The size of keys or values.
 *
 * @throws {InvalidTypeError} if a size was given that is not its type's.
 */
export function sizeOfPart(
  part: "keys" | "values",
  type: Type | undefined,
  given: number | undefined,
  otherwise: number,
): number {
  if (type === undefined) return given ?? otherwise;
  const size = given ?? type.size;
  requireTypeOfSize(type, `the map's ${part}`, size);
  return size;
}

/** Tests whether the kernel keeps BTF of maps of a type. */
function takesBtf(type: MapType): boolean {
  switch (type) {
    case "hash":
    case "array":
    case "percpu_hash":
    case "percpu_array":
    case "lru_hash":
    case "lru_percpu_hash":
    case "lpm_trie":
      return true;
    default:
      return isUnbounded(type);
  }
}

/**
 * Tests whether the kernel takes integers of 32 bits as keys, and nothing else.
 */
function hasIntegerKeys(type: MapType): boolean {
  return type === "array" || type === "percpu_array" || isLocalStorage(type);
}

/** BTF in the kernel, for one map, which keeps it from then on. */
export interface LoadedTypes extends MapBtfRequest {
  /** The descriptor whose number is `fd`. */
  readonly descriptor: Descriptor;
}

/**
 * Loads the types of a new map into the kernel; undefined for maps without.
 *
 * @param tokenFd A descriptor of the token that allows it.
 * @throws {InvalidTypeError} if BTF has no room for them.
 * @throws {SystemError} with the kernel's reason.
 */
export function loadTypes(
  type: MapType,
  types: MapDefinition | undefined,
  tokenFd: number | undefined,
): LoadedTypes | undefined {
  if (types === undefined || !takesBtf(type)) return undefined;
  const { keyType, valueType } = types;
  // What has no size of its own the kernel would not take for the map's.
  const parts = [keyType, valueType];
  if (parts.some((part) => part && flexibleTailOf(part))) return undefined;
  if (keyType === undefined || valueType === undefined) {
    throw new InvalidTypeError(
      `A map of type ${type} with a keyType must have a valueType, too`,
    );
  }
  const { kind } = originOf(keyType);
  if (hasIntegerKeys(type) && kind !== "u32" && kind !== "i32") {
    throw new InvalidTypeError(
      `${keyType.name}: The keyType of a map of type ${type} must be u32 or i32`,
    );
  }
  if (type === "lpm_trie" && kind !== "struct") {
    throw new InvalidTypeError(
      `${keyType.name}: The keyType of a map of type lpm_trie must be a struct of a prefix's length and an address: for keys of bytes pass keySize and valueSize, and the types to table()`,
    );
  }
  const writer = new TypeWriter();
  const keyTypeId = writer.write(keyType);
  const valueTypeId = writer.write(valueType);
  const descriptor = loadBtf(writer.bytes(), tokenFd);
  return { descriptor, fd: descriptor.fd, keyTypeId, valueTypeId };
}
