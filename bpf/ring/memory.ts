/**
 * The memory of ring buffers: of those that the kernel writes and this process
 * reads, and of those the other way. Each is mapped in two parts, because one
 * can be written and the other cannot.
 */

import { NotSupportedError, ReadOnlyError } from "../../errors.ts";
import { check, flagsOf, O_ACCMODE, O_RDWR, pageSize } from "../../ffi/mod.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { whereIs } from "../../layout/access/private_fields.ts";
import { Region } from "../../layout/region/region.ts";
import { u8 } from "../../layout/mod.ts";
import { Memory } from "../../memory/mod.ts";
import type { MapInfo } from "../map/info.ts";
import { mapInfoOf } from "../map/info.ts";
import { type RingGeometry, ringGeometry } from "./geometry.ts";

/**
 * The region of a memory: for code of this folder alone. Where the memory is
 * read-only, no typed array of it may leave.
 */
export function regionOf(memory: Memory): Region {
  return whereIs(memory.view(u8))!.root;
}

/** The memory of a ring buffer. The part that the kernel writes is read-only. */
export interface RingMemory {
  /** The places of its parts. */
  readonly geometry: RingGeometry;
  /** The consumer's page. */
  readonly consumer: Region;
  /** The producer's page, the data and the data again. */
  readonly producer: Region;
  /** The data and the data again alone. */
  readonly data: Region;
  /** The id of the map. */
  readonly mapId: number;
  /** A descriptor of the map. */
  readonly fd: number;
  /** Unmaps all of it, and closes the descriptor. */
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
 * Maps a ring buffer that the kernel writes.
 *
 * @param fd A descriptor of the map, which is duplicated.
 * @throws {NotSupportedError} if it is not a ring buffer that can be consumed.
 * @throws {ReadOnlyError} if it is frozen.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function mapRing(fd: number): RingMemory {
  return mapParts(fd, (own, info) => {
    requireRing(own, info);
    const geometry = ringGeometry(info.maxEntries, pageSize());
    const { page, length } = geometry;
    const frozen =
      `Cannot consume map "${info.name}": it is frozen, and a consumer must write its position`;
    const consumer = mapWritable(own, page, 0, frozen);
    return closeUnless(consumer, () => {
      const options = { offset: page, readOnly: true };
      const producer = Memory.map(own, length, options);
      return { geometry, consumer, producer };
    });
  });
}

/**
 * Maps a ring buffer that this process writes.
 *
 * @param fd A descriptor of the map, which is duplicated.
 * @throws {NotSupportedError} if it is not a ring buffer that a process writes.
 * @throws {ReadOnlyError} if it is frozen.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
export function mapUserRing(fd: number): RingMemory {
  return mapParts(fd, (own, info) => {
    requireUserRing(own, info);
    const geometry = ringGeometry(info.maxEntries, pageSize());
    const { page, length } = geometry;
    const frozen = `Cannot write map "${info.name}": it is frozen`;
    const producer = mapWritable(own, length, page, frozen);
    return closeUnless(producer, () => {
      const consumer = Memory.map(own, page, { readOnly: true });
      return { geometry, consumer, producer };
    });
  });
}

/** The two parts of a ring buffer, mapped. */
interface Parts {
  readonly geometry: RingGeometry;
  readonly consumer: Memory;
  readonly producer: Memory;
}

/** Maps both parts by a descriptor of their own. */
function mapParts(
  fd: number,
  map: (own: number, info: MapInfo) => Parts,
): RingMemory {
  const descriptor = Descriptor.duplicate(fd);
  return closeUnless(descriptor, () => {
    const info = mapInfoOf(descriptor.fd, `descriptor ${fd}`);
    const { geometry, consumer, producer } = map(descriptor.fd, info);
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
      mapId: info.id,
      get fd() {
        return descriptor.fd;
      },
      close() {
        producer.close();
        consumer.close();
        descriptor.close();
      },
    };
  });
}

/** Maps the part that this process writes. */
function mapWritable(
  fd: number,
  length: number,
  offset: number,
  frozen: string,
): Memory {
  const memory = Memory.map(fd, length, { offset });
  if (!memory.readOnly) return memory;
  memory.close();
  throw new ReadOnlyError(frozen);
}

/** Passes a result on; closes what it needs if there is none. */
function closeUnless<R>(needed: { close(): void }, make: () => R): R {
  try {
    return make();
  } catch (error) {
    needed.close();
    throw error;
  }
}
