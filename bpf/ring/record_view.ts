/** The object that shows the records of a ring, pointed from each to the next. */

import { BoundsError, InvalidTypeError } from "../../errors.ts";
import { movingView } from "../../layout/access/moving_view.ts";
import type { Move } from "../../layout/access/private_fields.ts";
import type { Region } from "../../layout/region/region.ts";
import {
  aggregateOf,
  type AnyType,
  flexibleTailOf,
  isAggregate,
  isFlexible,
} from "../../layout/model/types.ts";
import { checkType, type Type } from "../../layout/mod.ts";
import { HEADER_SIZE, requireRecordAlign } from "./geometry.ts";
import { RecordPlace, RingRecord } from "./record.ts";

/** An object that shows records, and the size that they must have. */
export interface RecordView {
  /** A view, or a `RingRecord`. */
  readonly record: object;
  /** Points it to a record. */
  readonly move: Move;
  /** The number of bytes that a record must have. */
  readonly minimum: number;
}

/**
 * Makes the object that shows the records of a ring.
 *
 * @param type Their type; undefined where that is not known beforehand.
 * @param region The data and the data again.
 * @throws {InvalidTypeError} if it cannot be pointed to, or has no size.
 * @throws {AlignmentError} if records are not aligned as it requires.
 * @throws {BoundsError} if it is larger than any record.
 */
export function recordViewOf(
  type: Type | undefined,
  region: Region,
): RecordView {
  if (type === undefined) {
    const place = new RecordPlace(region);
    return {
      record: new RingRecord(place),
      move: (_record, offset, length) => place.moveTo(offset, length),
      minimum: 0,
    };
  }
  checkType(type);
  const { name, size } = type;
  if (size === 0) {
    throw new InvalidTypeError(
      `${name}: There is no view of a type of size zero`,
    );
  }
  requireRecordAlign(type);
  const minimum = fixedSizeOf(type as AnyType);
  const maximum = region.size / 2 - HEADER_SIZE;
  if (minimum > maximum) {
    throw new BoundsError(
      `${name}: ${minimum}-byte value exceeds any record of a ring buffer of ${
        region.size / 2
      } bytes: one has at most ${maximum}`,
    );
  }
  const { view, move } = movingView(type as AnyType, region);
  return { record: view, move, minimum };
}

/**
 * The number of bytes of a value without what its flexible array holds. It is
 * less than the type's size where that is rounded up: a program may reserve just
 * as much as it writes.
 */
function fixedSizeOf(type: AnyType): number {
  if (isFlexible(type)) return 0;
  if (flexibleTailOf(type) === undefined) return type.size;
  if (!isAggregate(type)) return type.size;
  let end = 0;
  for (const member of aggregateOf(type).members) {
    const last = member.offset + fixedSizeOf(member.type);
    if (last > end) end = last;
  }
  return end;
}
