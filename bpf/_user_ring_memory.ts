/** The memory of a ring buffer from the user to the kernel. */

import { NotSupportedError, ReadOnlyError } from "../errors.ts";
import { check, flagsOf, O_ACCMODE, O_RDWR, pageSize } from "../ffi/mod.ts";
import { uncurry } from "../layout/_intrinsics.ts";
import { Region } from "../layout/_region.ts";
import { Memory } from "../memory/mod.ts";
import { type RingGeometry, ringGeometry } from "./_ring_geometry.ts";
import { regionOf } from "./_ring_memory.ts";
import type { MapInfo } from "./map_info.ts";

// As they were when this module loaded.
const { map } = Memory;
const closeMemory = uncurry(Memory.prototype.close);

/** A ring buffer's memory. */
export interface UserRingMemory {
  /** Where its parts lie. */
  readonly geometry: RingGeometry;
  /** The consumer's page, which cannot be written. */
  readonly consumer: Region;
  /** The producer's page, the data and the data again, which can. */
  readonly producer: Region;
  /** The data and the data again alone. */
  readonly data: Region;
  /** Unmaps all of it. */
  close(): void;
}

/**
 * Checks that a descriptor is of a ring buffer that a process writes.
 *
 * @throws {NotSupportedError} if it is not.
 */
function requireUserRing(fd: number, info: MapInfo): void {
  if (info.type !== "user_ringbuf") {
    const hint = info.type === "ringbuf"
      ? ", which the kernel writes and this process consumes"
      : "";
    throw new NotSupportedError(
      `Cannot write map "${info.name}": its type must be user_ringbuf, and is ${
        info.type ?? info.typeNumber
      }${hint}`,
    );
  }
  if ((check(flagsOf(fd), "fcntl") & O_ACCMODE) !== O_RDWR) {
    throw new NotSupportedError(
      `Cannot write map "${info.name}": its descriptor was opened for reading or for writing alone, and such a descriptor cannot be mapped at all: open the map for both`,
    );
  }
}

/**
 * Maps a ring buffer: its two parts apart, because one can be written and the
 * other cannot.
 *
 * @throws {NotSupportedError} if it is no ring buffer that a process writes.
 * @throws {ReadOnlyError} if it is frozen.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function mapUserRing(fd: number, info: MapInfo): UserRingMemory {
  requireUserRing(fd, info);
  const geometry = ringGeometry(info.maxEntries, pageSize());
  const { page, length } = geometry;
  const producer = map(fd, length, { offset: page });
  try {
    if (producer.readOnly) {
      throw new ReadOnlyError(`Cannot write map "${info.name}": it is frozen`);
    }
    const consumer = map(fd, page, { readOnly: true });
    return partsOf(geometry, consumer, producer);
  } catch (error) {
    closeMemory(producer);
    throw error;
  }
}

function partsOf(
  geometry: RingGeometry,
  consumer: Memory,
  producer: Memory,
): UserRingMemory {
  const whole = regionOf(producer);
  return {
    geometry,
    consumer: regionOf(consumer),
    producer: whole,
    data: new Region(
      whole.buffer,
      whole.start + geometry.data,
      2 * geometry.size,
      "record",
    ),
    close() {
      closeMemory(producer);
      closeMemory(consumer);
    },
  };
}
