/** The ring of one CPU into which BPF programs put perf events. */

import { BoundsError, NotSupportedError, SystemError } from "../../errors.ts";
import {
  check,
  EINVAL,
  ENODEV,
  ENOENT,
  EPERM,
  pageSize,
} from "../../ffi/mod.ts";
import type { Region } from "../../layout/region/region.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { Memory } from "../../memory/mod.ts";
import {
  clearAttributes,
  run,
  runChecked,
  SIZE,
} from "../../ffi/bpf/attributes.ts";
import { scratchBlock } from "../../ffi/block.ts";
import { pauseOutput } from "../../ffi/calls/events.ts";
import { eventHint, openEvent } from "../../ffi/calls/perf_event.ts";
import { regionOf } from "./memory.ts";

/** `linux/perf_event.h` */
const PERF_TYPE_SOFTWARE = 1;
/** `linux/perf_event.h`: what `bpf_perf_event_output` puts out (Linux 4.4). */
const PERF_COUNT_SW_BPF_OUTPUT = 10n;
/** `linux/perf_event.h`: samples are bytes of the program. */
const PERF_SAMPLE_RAW = 1n << 10n;

// struct perf_event_mmap_page: at bytes 1024 and 1032, as 64-bit words.
const DATA_HEAD = 128;
const DATA_TAIL = 129;

/** `linux/perf_event.h`, `enum perf_event_type`. */
export const LOST = 2;
/** `linux/perf_event.h`, `enum perf_event_type`. */
export const SAMPLE = 9;

/** `struct perf_event_header { __u32 type; __u16 misc; __u16 size; }`. */
const HEADER_SIZE = 8;

const WANTS_OUTPUT =
  "the kernel must know the software event BPF_OUTPUT (Linux 4.4)";

/** Says why the event of a ring cannot be opened. */
function hintOf(errno: number): string | undefined {
  return errno === EINVAL || errno === ENOENT ? WANTS_OUTPUT : eventHint(errno);
}

/** The moment at which a waiting reader is woken; at each event by default. */
export interface Waking {
  /** The number of events after which it is woken. */
  readonly wakeupEvents?: number | undefined;
  /** The number of bytes after which it is woken instead. */
  readonly watermark?: number | undefined;
}

/**
 * Opens the event of a CPU: its descriptor; undefined where it is offline, null
 * beyond the last.
 *
 * @throws {SystemError} with the kernel's reason, as in perf_event_open(2).
 */
function openOutput(
  cpu: number,
  { wakeupEvents = 1, watermark }: Waking,
): number | undefined | null {
  const fd = openEvent({
    type: PERF_TYPE_SOFTWARE,
    config: PERF_COUNT_SW_BPF_OUTPUT,
    period: 1n,
    sampleType: PERF_SAMPLE_RAW,
    wakeupEvents,
    watermark,
    enabled: true,
    pid: -1,
    cpu,
  });
  if (fd === -ENODEV) return undefined;
  if (fd === -EINVAL && cpu > 0) return null;
  return check(fd, "perf_event_open", hintOf(-fd));
}

/**
 * Maps the ring of an event.
 *
 * @throws {NotSupportedError} if that is more than the user may have.
 * @throws {SystemError} with the kernel's reason, as in mmap(2).
 */
function mapRing(fd: number, size: number): Memory {
  let cause: unknown;
  try {
    const memory = Memory.map(fd, pageSize() + size);
    if (!memory.readOnly) return memory;
    memory.close();
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== EPERM) throw error;
    cause = error;
  }
  throw new NotSupportedError(
    `Cannot map ${size} bytes for each CPU: the kernel allows this user no more locked memory for perf events (kernel.perf_event_mlock_kb, ulimit -l)`,
    { cause },
  );
}

/** The ring of a CPU. */
export class PerfRing {
  /** The CPU. */
  readonly cpu: number;
  readonly #event: Descriptor;
  readonly #memory: Memory;
  /** All of the mapping: a page of positions, then the data. */
  readonly #region: Region;
  readonly #page: number;
  readonly #size: number;
  /** The data's position behind what was read. */
  #tail: bigint;
  /** The bytes of it that were read and are not published. */
  #held = 0;
  /** The bytes that there were behind it at the last look. */
  #left = 0;

  private constructor(
    cpu: number,
    event: Descriptor,
    memory: Memory,
    size: number,
  ) {
    this.cpu = cpu;
    this.#event = event;
    this.#memory = memory;
    this.#region = regionOf(memory);
    this.#page = pageSize();
    this.#size = size;
    this.#tail = Atomics.load(this.#region.u64, DATA_TAIL);
  }

  /**
   * Opens and maps the ring of a CPU.
   *
   * @param cpu The number of the CPU.
   * @param size The size of the data in bytes, a power of two of pages.
   * @param waking When whoever waits is woken.
   * @returns The ring; undefined where the CPU is offline, null beyond the last.
   * @throws {SystemError} with the kernel's reason.
   */
  static open(
    cpu: number,
    size: number,
    waking: Waking,
  ): PerfRing | undefined | null {
    const fd = openOutput(cpu, waking);
    if (typeof fd !== "number") return fd;
    const event = new Descriptor(fd);
    try {
      return new PerfRing(cpu, event, mapRing(event.fd, size), size);
    } catch (error) {
      event.close();
      throw error;
    }
  }

  /** The event's descriptor. */
  get fd(): number {
    return this.#event.fd;
  }

  /** The number of bytes that were not read. */
  unread(): number {
    const head = Atomics.load(this.#region.u64, DATA_HEAD);
    const distance = Number(BigInt.asIntN(64, head - this.#tail));
    if (distance < 0 || distance > this.#size) {
      throw new BoundsError(
        `Cannot read the ring of CPU ${this.cpu}, of ${this.#size} bytes: it was read up to ${this.#tail}, and is written up to ${head}`,
      );
    }
    return distance;
  }

  /** Takes note of how much there is to be read now. */
  look(): void {
    this.#left = this.unread();
  }

  /**
   * Reads an event: its type, or 0 if there is none.
   *
   * @param target The room for the bytes after its header, at most 65 528 of
   * them, as 32-bit words.
   * @param heldMax The bytes to hold before their room is given back.
   */
  read(target: Uint32Array, heldMax: number): number {
    if (this.#left === 0) return 0;
    const { u16, u32 } = this.#region;
    const mask = this.#size - 1;
    const begin = Number(this.#tail & BigInt(mask));
    const type = u32[(this.#page + begin) / 4]!;
    const size = u16[(this.#page + begin + 6) / 2]!;
    if (size < HEADER_SIZE || size % 8 !== 0 || size > this.#left) {
      throw new BoundsError(
        `Cannot read the ring of CPU ${this.cpu}: at position ${this.#tail} there is an event of ${size} bytes, and there are ${this.#left}`,
      );
    }
    // Word by word, as the data is not there twice.
    const words = (size - HEADER_SIZE) / 4;
    for (let i = 0; i < words; i++) {
      const at = (begin + HEADER_SIZE + i * 4) & mask;
      target[i] = u32[(this.#page + at) / 4]!;
    }
    this.#tail = BigInt.asUintN(64, this.#tail + BigInt(size));
    this.#left -= size;
    this.#held += size;
    if (this.#held >= heldMax) this.publish();
    return type;
  }

  /** Gives the kernel the room of what was read. */
  publish(): void {
    if (this.#held === 0) return;
    this.#held = 0;
    Atomics.store(this.#region.u64, DATA_TAIL, this.#tail);
  }

  /** Has nothing written to it, or again. @throws {SystemError} */
  pause(paused: boolean): void {
    check(pauseOutput(this.fd, paused), "ioctl");
  }

  /** Unmaps the ring and closes the event. */
  close(): void {
    try {
      this.#memory.close();
    } finally {
      this.#event.close();
    }
  }
}

/**
 * Makes programs on a CPU put their events into a ring, or into none.
 *
 * @param map The descriptor of the map.
 * @param cpu The CPU.
 * @param event The event's descriptor; undefined for none.
 * @throws {SystemError} with the kernel's reason, as in bpf(2).
 */
export function setEvent(
  map: number,
  cpu: number,
  event: number | undefined,
): void {
  const { buffer, address } = scratchBlock(16);
  const words = new Uint32Array(buffer, 0, 2);
  words[0] = cpu;
  const { element } = clearAttributes();
  element.mapFd = map;
  element.key = address;
  if (event === undefined) {
    run("BPF_MAP_DELETE_ELEM", SIZE.element);
    return;
  }
  words[1] = event;
  element.value = address + 4n;
  runChecked("BPF_MAP_UPDATE_ELEM", SIZE.element);
}
