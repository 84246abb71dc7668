/**
 * The memory of ring buffers: of those that the kernel writes and this process
 * reads, and of those the other way. Each is mapped in two parts, because one
 * can be written and the other cannot.
 */

import { NotSupportedError, ReadOnlyError } from "../../errors.ts";
import { check, flagsOf, O_ACCMODE, O_RDWR, pageSize } from "../../ffi/mod.ts";
import { uncurry } from "../../layout/intrinsics.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import { Region } from "../../layout/region/region.ts";
import { u8 } from "../../layout/mod.ts";
import { Memory } from "../../memory/mod.ts";
import type { MapInfo } from "../map/info.ts";
import { type RingGeometry, ringGeometry } from "./geometry.ts";

// As they were when this module loaded.
const { map } = Memory;
const viewIn = uncurry(Memory.prototype.view<typeof u8>);
const closeMemory = uncurry(Memory.prototype.close);

/**
 * The region of a memory: for code of this folder alone. Where the memory is
 * read-only, no typed array of it may leave.
 */
export function regionOf(memory: Memory): Region {
  return whereIs(viewIn(memory, u8))!.root;
}

/** A ring buffer's memory. What is the kernel's to write cannot be written. */
export interface RingMemory {
  /** Where its parts lie. */
  readonly geometry: RingGeometry;
  /** The consumer's page. */
  readonly consumer: Region;
  /** The producer's page, the data and the data again. */
  readonly producer: Region;
  /** The data and the data again alone. */
  readonly data: Region;
  /** Unmaps all of it. */
  close(): void;
}

/**
 * Checks that a descriptor is of a ring buffer that can be consumed.
 *
 * @throws {NotSupportedError} if it is not.
 */
function requireRing(fd: number, info: MapInfo): void {
  if (info.type !== "ringbuf") {
    const hint = info.type === "user_ringbuf"
      ? ", which this process writes and the kernel consumes"
      : "";
    throw new NotSupportedError(
      `Cannot consume map "${info.name}": its type must be ringbuf, and is ${
        info.type ?? info.typeNumber
      }${hint}`,
    );
  }
  const mode = check(flagsOf(fd), "fcntl") & O_ACCMODE;
  if (mode !== O_RDWR) {
    const flag = mode === 0 ? "rdonly (BPF_F_RDONLY)" : "wronly (BPF_F_WRONLY)";
    throw new NotSupportedError(
      `Cannot consume map "${info.name}": its descriptor was opened ${flag}, and a consumer must write its position: open the map for both reading and writing`,
    );
  }
}

/**
 * Maps a ring buffer that the kernel writes.
 *
 * @throws {NotSupportedError} if it is no ring buffer that can be consumed.
 * @throws {ReadOnlyError} if it is frozen.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function mapRing(fd: number, info: MapInfo): RingMemory {
  requireRing(fd, info);
  const geometry = ringGeometry(info.maxEntries, pageSize());
  const { page, length } = geometry;
  const consumer = map(fd, page);
  try {
    if (consumer.readOnly) {
      throw new ReadOnlyError(
        `Cannot consume map "${info.name}": it is frozen, and a consumer must write its position`,
      );
    }
    const producer = map(fd, length, { offset: page, readOnly: true });
    return partsOf(geometry, consumer, producer);
  } catch (error) {
    closeMemory(consumer);
    throw error;
  }
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
 * Maps a ring buffer that this process writes.
 *
 * @throws {NotSupportedError} if it is no ring buffer that a process writes.
 * @throws {ReadOnlyError} if it is frozen.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function mapUserRing(fd: number, info: MapInfo): RingMemory {
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
): RingMemory {
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
