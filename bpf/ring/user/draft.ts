/** From a type and a value to the bytes of a record. */

import { InvalidTypeError } from "../../../errors.ts";
import { pointerAt } from "../../../layout/access/pointer_at.ts";
import { Region } from "../../../layout/region/region.ts";
import { flexibleTailOf } from "../../../layout/model/types.ts";
import { show } from "../../../base/show.ts";
import {
  assign,
  checkType,
  HostLayout,
  type PointerOptions,
  struct,
  type Type,
} from "../../../layout/mod.ts";
import { lengthIn } from "../../../layout/pointer.ts";
import { requireRecordAlign } from "../geometry.ts";

/**
 * The length of the flexible array at the end of a type, read once; undefined
 * where it has none. All else is checked as well: what is reserved cannot be
 * given back.
 *
 * @throws {InvalidTypeError | TypeError | RangeError | AlignmentError}
 */
export function tailIn(
  type: Type,
  options: PointerOptions | undefined,
): number | undefined {
  checkType(type);
  requireRecordAlign(type);
  const flexible = flexibleTailOf(type) !== undefined;
  const length = lengthIn(options);
  if (length !== undefined && !flexible) {
    throw new TypeError(
      `${type.name}: A length was given, but the type has no flexible array`,
    );
  }
  if (type.size === 0 && !flexible) {
    throw new InvalidTypeError(
      `${type.name}: There is no record of a type of size zero`,
    );
  }
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 0)) {
    throw new RangeError(
      `${type.name}: The length must be an integer of at least 0: received ${
        show(length)
      }`,
    );
  }
  return length ?? (flexible ? 0 : undefined);
}

/** Memory in which a value is put together. */
interface Draft {
  readonly bytes: Uint8Array;
  readonly region: Region;
}

/** The number of bytes that a draft has at least. */
const DRAFT_MIN = 256;
/** The number of bytes up to which it is kept for the next value. */
const DRAFT_KEPT = 65536;

/**
 * Puts values together outside of the ring: they may have getters, which may
 * write to it as well.
 */
export class Drafts {
  /** Undefined while it is in use. */
  #draft: Draft | undefined;

  /**
   * The bytes of a value; zero where nothing is given. They are valid until this
   * is called again.
   *
   * @param type Its type, checked by {@linkcode tailIn}.
   * @param length The number of its bytes.
   * @param tail The length of the flexible array at its end.
   * @param values The values to store.
   * @throws as {@linkcode assign} does.
   */
  bytesOf(
    type: Type,
    length: number,
    tail: number | undefined,
    values: unknown,
  ): Uint8Array {
    const draft = this.#take(length);
    const { region } = draft;
    // An array is not assigned to as a whole.
    const whole = type.kind !== "array";
    const target = pointerAt(
      whole ? type : holderOf(type),
      region,
      0,
      tail,
      { start: 0, end: length },
    );
    assign(target as never, (whole ? values : { array: values }) as never);
    if (region.size <= DRAFT_KEPT) this.#draft = draft;
    return new Uint8Array(region.buffer, 0, length);
  }

  #take(length: number): Draft {
    const draft = this.#draft;
    this.#draft = undefined;
    if (draft !== undefined && draft.region.size >= length) {
      draft.bytes.fill(0, 0, length);
      return draft;
    }
    const size = Math.max(length, DRAFT_MIN);
    const bytes = new Uint8Array(size);
    return {
      bytes,
      region: new Region(bytes.buffer, 0, size, "reserved record"),
    };
  }
}

/** For each type of array a struct with one in it. */
const holders = new WeakMap<Type, Type>();

function holderOf(type: Type): Type {
  let holder = holders.get(type);
  if (holder === undefined) {
    holder = struct(type.name, { _: HostLayout, array: type });
    holders.set(type, holder);
  }
  return holder;
}
