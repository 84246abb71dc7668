/** The rings of all CPUs, as the programs that use a map write to them. */

import { NotSupportedError, SystemError } from "../../errors.ts";
import { EPERM } from "../../ffi/mod.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { openById } from "../map/commands.ts";
import { mapInfoOf } from "../map/info.ts";
import type { MapInfo } from "../map/info.ts";
import { PerfRing, setEvent, type Waking } from "./perf_ring.ts";

/** `linux/bpf.h`: what is in the map stays when who put it there has closed it. */
const BPF_F_PRESERVE_ELEMS = 1 << 11;

/**
 * The map once more, as a file that nobody else has: when it is closed, the
 * kernel takes out of the map what was put there through it, and no more
 * (`perf_event_fd_array_release`). So it does if this process is killed.
 *
 * @returns It; undefined where the kernel would not do that, or lets nobody
 * without CAP_SYS_ADMIN open maps by their ids.
 */
function ownFileOf({ id, flagBits }: MapInfo): Descriptor | undefined {
  if ((flagBits & BPF_F_PRESERVE_ELEMS) !== 0) return undefined;
  try {
    return openById(id, false);
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EPERM) throw error;
    return undefined;
  }
}

/** Opens the rings of all CPUs that are online. */
function openAll(
  rings: PerfRing[],
  entries: number,
  size: number,
  waking: Waking,
): void {
  for (let cpu = 0; cpu < entries; cpu++) {
    const ring = PerfRing.open(cpu, size, waking);
    if (ring === null) break;
    if (ring !== undefined) rings.push(ring);
  }
  if (rings.length === 0) {
    throw new NotSupportedError(
      `Cannot read the perf buffer: none of the ${entries} CPUs that the map has entries for is online`,
    );
  }
}

/**
 * The rings that were put into a map last, by its id, as far as this thread
 * knows: a token of theirs, which does not keep them alive.
 */
const latest = new Map<number, symbol>();

/** The rings of all CPUs that are online, in a map. */
export class PerfRings {
  /** The rings, by ascending CPU. */
  readonly rings: readonly PerfRing[];
  /** The size in bytes of each. */
  readonly size: number;
  /** The id of the map. */
  readonly mapId: number;
  readonly #descriptor: Descriptor;
  readonly #token = Symbol("PerfRings");
  /** True if the kernel takes the rings out of the map when it is closed. */
  readonly #isOwnFile: boolean;

  /**
   * Opens and maps a ring for each CPU, and puts them into a map.
   *
   * @param fd The descriptor of the map, which is duplicated.
   * @param size The size in bytes of each, a power of two of pages.
   * @param waking When whoever waits is woken.
   * @throws {NotSupportedError} if the map is of another type, no CPU is online,
   * or the kernel allows no such size.
   * @throws {SystemError} with the kernel's reason.
   */
  constructor(fd: number, size: number, waking: Waking) {
    let descriptor = Descriptor.duplicate(fd);
    const rings: PerfRing[] = [];
    try {
      const info = mapInfoOf(descriptor.fd, `descriptor ${fd}`);
      const { id, type, typeNumber, name, maxEntries } = info;
      if (type !== "perf_event_array") {
        throw new NotSupportedError(
          `Cannot read map "${name}": its type must be perf_event_array, and is ${
            type ?? typeNumber
          }`,
        );
      }
      const own = ownFileOf(info);
      if (own !== undefined) {
        descriptor.close();
        descriptor = own;
      }
      openAll(rings, maxEntries, size, waking);
      this.rings = rings;
      this.size = size;
      this.#descriptor = descriptor;
      this.mapId = id;
      this.#isOwnFile = own !== undefined;
    } catch (error) {
      for (const ring of rings) ring.close();
      descriptor.close();
      throw error;
    }
  }

  /** Has the programs write to these rings from here on. */
  use(): void {
    for (const { cpu, fd } of this.rings) {
      setEvent(this.#descriptor.fd, cpu, fd);
    }
    latest.set(this.mapId, this.#token);
  }

  /** Has nothing written to these rings, or again. @throws {SystemError} */
  pause(paused: boolean): void {
    for (const ring of this.rings) ring.pause(paused);
  }

  /** Takes the rings out of the map, and unmaps them. */
  close(): void {
    try {
      this.#withdraw();
    } finally {
      for (const ring of this.rings) ring.close();
      this.#descriptor.close();
    }
  }

  /**
   * Takes the rings out of the map, unless other rings have taken over; those of
   * other threads and processes are not known here.
   */
  #withdraw(): void {
    if (this.#isOwnFile || latest.get(this.mapId) !== this.#token) return;
    latest.delete(this.mapId);
    for (const { cpu } of this.rings) {
      setEvent(this.#descriptor.fd, cpu, undefined);
    }
  }
}
