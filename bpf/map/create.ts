/** From the options of a new map to the map in the kernel. */

import {
  type OptionNames,
  requireOptions,
  requireU32,
  requireU64,
} from "../../base/arguments.ts";
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
import { descriptorOf } from "../kernel_object.ts";
import { requireToken } from "../token.ts";
import {
  createMap,
  loadBtf,
  type MapBtfRequest,
  type MapRequest,
} from "./commands.ts";
import { mapFlagBits } from "./flag.ts";
import { type CreateMapOptions, requireMapName } from "./options.ts";
import {
  isKeyless,
  isLocalStorage,
  isUnbounded,
  type MapType,
  mapTypeNumber,
} from "./type.ts";
import type { EntryTypes } from "./types_from_btf.ts";

const CREATE_OPTIONS: OptionNames<CreateMapOptions> = {
  type: true,
  keySize: true,
  valueSize: true,
  keyType: true,
  valueType: true,
  maxEntries: true,
  flags: true,
  name: true,
  numaNode: true,
  mapExtra: true,
  innerMap: true,
  token: true,
};

/** A new map. */
interface CreatedMap {
  readonly descriptor: Descriptor;
  /** The types that it was made with; undefined without any. */
  readonly types: EntryTypes | undefined;
}

/** Does what `BpfMap.create` does, up to the descriptor. */
export function create(options: CreateMapOptions): CreatedMap {
  requireOptions(options, CREATE_OPTIONS);
  // Each is read once: a getter may give something else the second time.
  const given = { ...options };
  const types = typesIn(given);
  const request = requestOf(given, types);
  const btf = loadTypes(given.type, types, request.tokenFd);
  try {
    return { descriptor: createMap({ ...request, btf }), types };
  } finally {
    btf?.descriptor.close();
  }
}

/** Checks the options, and gives them as the kernel takes them. */
function requestOf(
  options: CreateMapOptions,
  types: EntryTypes | undefined,
): MapRequest {
  const {
    type,
    keySize,
    valueSize,
    maxEntries,
    flags = 0,
    name = "",
    mapExtra = 0n,
    numaNode,
    innerMap,
  } = options;
  const token = requireToken(options.token);
  const keyBytes = sizeOf("keys", types?.keyType, keySize) ??
    (isKeyless(type) ? 0 : 4);
  const valueBytes = sizeOf("values", types?.valueType, valueSize) ?? 0;
  return {
    type: mapTypeNumber(type),
    keySize: requireU32("Key size", keyBytes, 0),
    valueSize: requireU32("Value size", valueBytes, 0),
    maxEntries: requireU32("Number of entries", maxEntries, 0),
    flagBits: mapFlagBits(flags),
    name: requireMapName(name),
    mapExtra: requireU64("Map extra", mapExtra),
    numaNode: numaNode === undefined
      ? undefined
      : requireU32("NUMA node", numaNode, 0),
    innerFd: innerMap === undefined
      ? undefined
      : descriptorOf("Inner map", "map", innerMap),
    tokenFd: token?.fd,
  };
}

/** The types of a new map; undefined for one that has none. */
function typesIn(
  { type, keyType, valueType }: CreateMapOptions,
): EntryTypes | undefined {
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
 * The size of keys or values; undefined where nothing says it.
 *
 * @throws {InvalidTypeError} if a size was given that is not its type's.
 */
function sizeOf(
  part: "keys" | "values",
  type: Type | undefined,
  given: number | undefined,
): number | undefined {
  if (type === undefined) return given;
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
interface LoadedTypes extends MapBtfRequest {
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
function loadTypes(
  type: MapType,
  types: EntryTypes | undefined,
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
