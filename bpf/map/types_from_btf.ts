/** The types of a map's keys and values, from its BTF. */

import type { Btf } from "../../btf/btf.ts";
import { NotSupportedError, SystemError } from "../../errors.ts";
import { type Declaration, declarationsOf } from "../variable/declarations.ts";
import { systemError } from "../../ffi/mod.ts";
import { array, type Type, u32, u64 } from "../../layout/mod.ts";
import type { MapInfo } from "./info.ts";
import { btfOfId, knownBtf } from "./shared_btf.ts";
import { hasIds, hasSlots, type MapType } from "./type.ts";

/**
 * Tests whether keys are indices, or ids, of 32 bits: by the kernel, not by
 * BTF.
 */
function hasIndices(type: MapType | undefined): boolean {
  return type === "array" || type === "percpu_array" ||
    type === "devmap_hash" || (type !== undefined && hasSlots(type));
}

/** `linux/bpf.h` */
const BPF_F_STACK_BUILD_ID = 1 << 5;

/** The types of a map's keys and values, where they are known. */
export interface EntryTypes {
  readonly keyType: Type | undefined;
  readonly valueType: Type | undefined;
}

/** The types of one map, found when they are asked for. */
export class MapBtf {
  readonly #info: MapInfo;
  #btf: Btf | undefined;

  readonly #definition: () => EntryTypes | undefined;
  readonly #given: EntryTypes | undefined;

  /**
   * Asks nothing yet; keeps what is known already.
   *
   * @param definition Finds what the map's definition in C names, which the
   * kernel may drop.
   * @param given The types that the map was made with here.
   */
  constructor(
    info: MapInfo,
    definition: () => EntryTypes | undefined = () => undefined,
    given?: EntryTypes,
  ) {
    this.#info = info;
    this.#definition = definition;
    this.#given = given;
    this.#btf = knownBtf(info.btfId);
  }

  /** All of it; undefined where the map has none. */
  get btf(): Btf | undefined {
    const { btfId } = this.#info;
    if (btfId === 0) return undefined;
    return this.#btf ??= btfOfId(btfId);
  }

  /** The type of keys; undefined where nothing says what it is. */
  get keyType(): Type | undefined {
    const { type, keySize, btfKeyTypeId } = this.#info;
    return this.#given?.keyType ?? this.#layout(btfKeyTypeId) ??
      this.#defined("keyType", keySize) ??
      (hasIndices(type) && keySize === u32.size ? u32 : undefined);
  }

  /** The type of values; undefined where nothing says what it is. */
  get valueType(): Type | undefined {
    const { type, valueSize, flagBits, btfValueTypeId } = this.#info;
    if (hasIds(type)) return u32;
    const known = this.#given?.valueType ?? this.#layout(btfValueTypeId) ??
      this.#defined("valueType", valueSize);
    if (known !== undefined || type !== "stack_trace") return known;
    // Addresses of instructions, unless they are looked up in files.
    return (flagBits & BPF_F_STACK_BUILD_ID) === 0
      ? array(u64, valueSize / u64.size) as unknown as Type
      : undefined;
  }

  /** The type in the definition, of the map's own size; rings have none. */
  #defined(part: keyof EntryTypes, size: number): Type | undefined {
    const type = this.#definition()?.[part];
    return type?.size === size || size === 0 ? type : undefined;
  }

  /**
   * The variables of a map of a section.
   *
   * @throws {NotSupportedError} if there is no BTF that tells of them.
   */
  variables(): Declaration[] {
    const { btfValueTypeId } = this.#info;
    const section = btfValueTypeId === 0
      ? undefined
      : this.#telling(() => this.btf?.type(btfValueTypeId));
    if (this.btf === undefined || section?.kind !== "datasec") {
      throw new NotSupportedError(
        "The map has no variables that BTF tells of: it must be that of a section, such as .bss, of an object with types (clang -g)",
      );
    }
    return declarationsOf(this.btf, section);
  }

  #layout(id: number): Type | undefined {
    if (id === 0) return undefined;
    return this.#telling(() => this.btf?.layout(id));
  }

  #telling<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      throw systemError(
        error.errno,
        error.syscall,
        `the map's own types cannot be read; pass types, or: ${error.hint}`,
      );
    }
  }
}
