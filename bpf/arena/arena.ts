import { BoundsError, ClosedError, NotSupportedError } from "../../errors.ts";
import {
  check,
  EFAULT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  madvise,
  pageSize,
} from "../../ffi/mod.ts";
import { flexibleTailOf } from "../../layout/model/types.ts";
import { show } from "../../base/show.ts";
import type {
  Marked,
  Pointer,
  PointerOptions,
  Type,
  View,
} from "../../layout/mod.ts";
import { lengthIn } from "../../layout/pointer.ts";
import {
  type ArenaPages,
  placeArena,
  reserveArenaPages,
  reserveArenaPagesAt,
} from "../../memory/map/map_arena.ts";
import {
  type OptionNames,
  requireBytes,
  requireFlag,
  requireOffset,
  requireOptions,
  requireU64,
  requireWithin,
} from "../../base/arguments.ts";
import { lengthOf } from "../../base/bytes.ts";
import { roundUp } from "../../base/round.ts";
import type { Mapping } from "../../memory/map/mapping.ts";
import { Memory } from "../../memory/memory.ts";
import { sizeWith } from "../../layout/model/open_ended.ts";
import { BpfMap } from "../map/map.ts";
import { addressIn, hex, inspectArena } from "./inspect.ts";

/** Options of {@linkcode Arena}. */
export interface ArenaOptions {
  /**
   * The address of the arena, a multiple of the page size. An arena that
   * somebody mapped before must get the address that it has. By default the
   * address that the map was made with (`mapExtra`), or else any.
   *
   * The engine is made to reserve memory there, if nothing lies there in this
   * process and the address is between 2^40 and 2^47 (2^48 on aarch64).
   */
  readonly address?: bigint | undefined;
  /** True to map for reading alone. A frozen arena is always mapped so. */
  readonly readOnly?: boolean | undefined;
  /**
   * True to accept an arena that was made with the flag `segv_on_fault`. A page
   * that the BPF program has not allocated is refused then when a pointer, a
   * view or a copy is asked for. But touching one that the program frees
   * afterwards ends the process with SIGSEGV.
   */
  readonly allowSegmentationFaults?: boolean | undefined;
}

const arenaOptions = {
  address: true,
  readOnly: true,
  allowSegmentationFaults: true,
} as const satisfies OptionNames<ArenaOptions>;

/** The place of a map in this process, and the arena that is open there. */
interface Place {
  readonly id: number;
  readonly pages: ArenaPages;
  readonly arena: Arena;
}

/**
 * By map, for as long as the map's object lives: the pages are the only ones
 * that it can be mapped over again.
 */
const places = new WeakMap<BpfMap, Place>();

/**
 * The memory of a BPF arena (Linux 6.9): up to 4 GiB that BPF programs and
 * processes share, with pointers in it that both can follow.
 *
 * An address that a program stored in the arena is a number here.
 * {@linkcode at} turns it into a pointer, after it was checked to lie in the
 * arena. So linked lists, trees and tables can be walked, whatever addresses
 * are in them. An arena lies at one address in all processes, and so do the
 * values in it.
 *
 * **Map it first.** The first mapping of an arena decides, for ever and for
 * every process, at which address it lies, unless it was made with one
 * (`mapExtra`). One that somebody else mapped before can be mapped only if you
 * know that address and nothing lies there in this process: see
 * {@linkcode ArenaOptions.address}. Programs that use the arena cannot be loaded
 * before somebody has mapped it: map it here, then load them. A loader that
 * would make and map the arena by itself, as libbpf does from 1.4 on, must be
 * given this map.
 *
 * An arena that was mapped for writing once cannot be frozen any more, closed or
 * not; one that is frozen before is mapped for reading.
 *
 * **Memory is allocated at the first touch**, by the process or the program,
 * and is charged to the process that made the map. Where no memory is left, or
 * none in the control group, the kernel ends a process: by SIGKILL, as for all
 * memory, or by SIGSEGV. {@linkcode populate} makes that happen at a moment of
 * your choice.
 *
 * An arena is mapped by one thread; Workers cannot have it.
 *
 * @example A list that a BPF program made
 * ```ts
 * import { HostLayout, struct, SystemError, u64, uintptr } from "@hostmem/hostmem";
 * import { Arena, BpfMap } from "@hostmem/hostmem/bpf";
 * import { assertEquals } from "@std/assert";
 *
 * const Node = struct("Node", { _: HostLayout, next: uintptr, value: u64 });
 *
 * try {
 *   using map = BpfMap.create({
 *     type: "arena",
 *     maxEntries: 16, // pages
 *     flags: ["mmapable"],
 *   });
 *   using arena = new Arena(map);
 *
 *   // Usually the program does this.
 *   arena.pointer(Node, 64).value = 1n;
 *   arena.pointer(Node, 64).next = arena.addressOf(128);
 *   arena.pointer(Node, 128).value = 2n;
 *
 *   const values: bigint[] = [];
 *   for (let address = arena.addressOf(64); address !== 0n;) {
 *     const node = arena.at(Node, address);
 *     values.push(node.value);
 *     address = node.next;
 *   }
 *   assertEquals(values, [1n, 2n]);
 * } catch (error) {
 *   // Who may not make BPF maps is told which capability that takes.
 *   if (!(error instanceof SystemError)) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class Arena implements Disposable {
  // Set but where the constructor gives the arena that is open already.
  readonly #memory!: Memory;
  readonly #mapping!: Mapping;
  readonly #base!: bigint;
  readonly #faulting!: boolean;

  /**
   * Maps all of an arena. There is one `Arena` of a map at a time: while one is
   * open, `new Arena(map)` gives that one; once it is closed, another one at
   * the same address. The mapping outlives the map's object. While the map's
   * object lives, it keeps a mapping that was not closed.
   *
   * @param map A map of type `arena`.
   * @param options The address, the option to map for reading alone, and the
   * faults to accept.
   * @throws {TypeError} if it is not a map, or an option is not known.
   * @throws {ClosedError} if the map is closed.
   * @throws {NotSupportedError} if it is not an arena; if it was mapped before by
   * somebody else, or made with an address; if it is open already for writing
   * and shall be for reading alone, or the reverse; if its descriptor is not for
   * both; if it was made with `segv_on_fault` and that was not accepted.
   * @throws {SystemError} with the kernel's reason, as in mmap(2).
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  constructor(map: BpfMap, options: ArenaOptions = {}) {
    if (!(map instanceof BpfMap)) {
      throw new TypeError(`Map must be a BpfMap: received ${show(map)}`);
    }
    requireOptions(options, arenaOptions);
    const readOnly = requireFlag("readOnly", options.readOnly);
    const allowed = requireFlag(
      "allowSegmentationFaults",
      options.allowSegmentationFaults,
    );
    const { address: given } = options;
    const { fd } = map;
    const source = inspectArena(fd, allowed);
    const address = addressIn(given, source);
    const place = placeOf(map, source.id);
    if (place !== undefined) {
      requireSameAddress(address, place.pages.address);
      if (!place.arena.closed) {
        requireSameAccess(place.arena, readOnly || source.frozen, readOnly);
        return place.arena;
      }
    }
    const pages = place?.pages ?? reserve(source.size, address);
    const mapping = placeArena(pages, fd, readOnly || source.frozen);
    this.#mapping = mapping;
    this.#base = pages.address;
    this.#faulting = source.faulting;
    this.#memory = new Memory({
      mapping,
      size: mapping.length,
      control: undefined,
      descriptor: undefined,
      backing: undefined,
    });
    places.set(map, { id: source.id, pages, arena: this });
  }

  /** The size of the arena in bytes, in whole pages. */
  get size(): number {
    return this.#memory.size;
  }

  /** True if it is mapped for reading alone. */
  get readOnly(): boolean {
    return this.#memory.readOnly;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#memory.closed;
  }

  /**
   * The address of the arena's first byte, in this and every other process that
   * has it. It does not keep the arena.
   */
  get base(): bigint {
    return this.#base;
  }

  /**
   * The address of a byte, to be stored where a program will find it.
   *
   * @param offset The offset of the byte in the arena. The end has an address
   * too.
   * @throws {RangeError} if the offset is not a whole number from 0.
   * @throws {BoundsError} if it lies beyond the end.
   */
  addressOf(offset: number): bigint {
    requireOffset(offset);
    requireWithin(offset, 0, this.size);
    return this.#base + BigInt(offset);
  }

  /**
   * The offset in the arena of an address, in bytes: of one that {@linkcode
   * addressOf} gave, or of any number at all that was found in memory.
   *
   * A pointer that the program has not converted for processes has only the
   * lower 32 bits: those are enough, since no arena lies on both sides of a
   * multiple of 4 GiB.
   *
   * @param address The address.
   * @param size The number of bytes that must lie in the arena from there on; 0
   * by default.
   * @throws {TypeError} if the address is not a bigint.
   * @throws {RangeError} if the address has more than 64 bits or a sign, or the
   * size is not a whole number from 0.
   * @throws {BoundsError} if they do not lie in the arena. Null does not.
   */
  offsetOf(address: bigint, size: number = 0): number {
    requireU64("Address", address);
    requireOffset(size);
    const offset = this.#offsetOf(address);
    if (address === 0n || offset < 0 || offset + size > this.size) {
      throw new BoundsError(
        `${size} bytes at address ${
          hex(address)
        } do not lie in the arena of ${this.size} bytes at ${hex(this.#base)}`,
      );
    }
    return offset;
  }

  /** Negative, or beyond the end, for what does not lie in the arena. */
  #offsetOf(address: bigint): number {
    const full = address > LOW ? address : (this.#base & ~LOW) | address;
    return Number(full - this.#base);
  }

  /**
   * A pointer to the value at an address.
   *
   * @param type The type of the value.
   * @param address Its address, as a program stored it; see {@linkcode offsetOf}.
   * @param options The length of a flexible array at its end.
   * @throws {BoundsError} if it does not lie in the arena. Null does not.
   * @throws as {@linkcode offsetOf} and {@linkcode Memory.pointer} do.
   */
  at<T extends Type>(
    type: T & Marked<T>,
    address: bigint,
    options?: PointerOptions,
  ): Pointer<T> {
    return this.pointer<T>(type, this.offsetOf(address), options);
  }

  /**
   * A view of the value at an address, which cannot write; as {@linkcode at}.
   *
   * @param type The type of the value.
   * @param address Its address, as a program stored it; see {@linkcode offsetOf}.
   * @param options The length of a flexible array at its end.
   * @throws {BoundsError} if it does not lie in the arena. Null does not.
   * @throws as {@linkcode offsetOf} and {@linkcode Memory.view} do.
   */
  viewAt<T extends Type>(
    type: T & Marked<T>,
    address: bigint,
    options?: PointerOptions,
  ): View<T> {
    return this.view<T>(type, this.offsetOf(address), options);
  }

  /**
   * A pointer to a value at an offset.
   *
   * @param type The type of the value.
   * @param offset Its offset in the arena, in bytes.
   * @param options The length of a flexible array at its end.
   * @throws {SystemError} with EFAULT, if the arena was made with
   * `segv_on_fault` and the program has not allocated the pages.
   * @throws as {@linkcode Memory.pointer} does.
   */
  pointer<T extends Type>(
    type: T & Marked<T>,
    offset: number = 0,
    options?: PointerOptions,
  ): Pointer<T> {
    const length = flexible(options);
    const made = this.#memory.pointer<T>(type, offset, length);
    if (this.#faulting) this.#touch(offset, this.#extent(type, offset, length));
    return made;
  }

  /**
   * A view of a value at an offset, which cannot write.
   *
   * @param type The type of the value.
   * @param offset Its offset in the arena, in bytes.
   * @param options The length of a flexible array at its end.
   * @throws {SystemError} with EFAULT, as {@linkcode pointer} does.
   * @throws as {@linkcode Memory.view} does.
   */
  view<T extends Type>(
    type: T & Marked<T>,
    offset: number = 0,
    options?: PointerOptions,
  ): View<T> {
    const length = flexible(options);
    const made = this.#memory.view<T>(type, offset, length);
    if (this.#faulting) this.#touch(offset, this.#extent(type, offset, length));
    return made;
  }

  /**
   * Copies bytes out of the arena, fewer at its end; as
   * {@linkcode Memory.readAt}.
   *
   * @param target The room for them.
   * @param offset The offset in the arena of the first, in bytes.
   * @returns The number of bytes that were copied; 0 at the end.
   * @throws {SystemError} with EFAULT, as {@linkcode pointer} does.
   * @throws as {@linkcode Memory.readAt} does.
   */
  readAt(target: Uint8Array, offset: number): number {
    if (this.#faulting) {
      // The copy of nothing makes the checks.
      this.#memory.readAt(new Uint8Array(0), offset);
      requireBytes("Target", target);
      const left = this.size - offset;
      this.#touch(offset, Math.min(lengthOf(target), left));
    }
    return this.#memory.readAt(target, offset);
  }

  /**
   * Copies bytes into the arena, all of them or none; as
   * {@linkcode Memory.writeAt}.
   *
   * @param source The bytes.
   * @param offset The offset in the arena of the first, in bytes.
   * @throws {SystemError} with EFAULT, as {@linkcode pointer} does.
   * @throws as {@linkcode Memory.writeAt} does.
   */
  writeAt(source: Uint8Array, offset: number): void {
    if (this.#faulting) {
      this.#memory.writeAt(new Uint8Array(0), offset);
      requireBytes("Source", source);
      const length = lengthOf(source);
      requireWithin(offset, length, this.size);
      this.#touch(offset, length);
    }
    this.#memory.writeAt(source, offset);
  }

  /**
   * Allocates the pages of a range now (madvise(2), `MADV_POPULATE_WRITE`), so
   * that no touch of them can fail later, unless the program frees them; for an
   * arena that was made with `segv_on_fault`, it checks that they are
   * allocated.
   *
   * @param offset The offset of the range, in bytes; 0 by default.
   * @param length The number of bytes; by default all that follow.
   * @throws {ClosedError} if the arena is closed.
   * @throws {RangeError} if a number is not a whole number from 0.
   * @throws {BoundsError} if the range does not lie in the arena.
   * @throws {SystemError} with EFAULT, if the kernel could not allocate them, or
   * the arena was made with `segv_on_fault` and the program has not.
   */
  populate(offset: number = 0, length?: number): void {
    if (this.closed) throw closedError();
    requireOffset(offset);
    requireWithin(offset, 0, this.size);
    if (length === undefined) length = this.size - offset;
    requireOffset(length);
    requireWithin(offset, length, this.size);
    this.#touch(offset, length);
  }

  /** Touches pages, by way of a call that fails where there is none. */
  #touch(offset: number, length: number): void {
    if (length === 0) return;
    const page = pageSize();
    const begin = offset - offset % page;
    const bytes = roundUp(offset + length, page) - begin;
    const { start } = this.#mapping;
    const advice = this.readOnly ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
    const result = madvise(
      new Uint8Array(this.#mapping.buffer(), start + begin, bytes),
      BigInt(bytes),
      advice,
    );
    check(
      result,
      "madvise",
      result === -EFAULT
        ? this.#faulting
          ? `the BPF program has not allocated all of the ${bytes} bytes at offset ${begin}`
          : "there is no memory for the pages"
        : undefined,
    );
  }

  /** The number of bytes of a value in the arena. */
  #extent(
    type: Type,
    offset: number,
    options: PointerOptions | undefined,
  ): number {
    const tail = flexibleTailOf(type);
    if (tail === undefined) return type.size;
    const length = options?.length;
    return length === undefined ? this.size - offset : sizeWith(type, length);
  }

  /**
   * Releases the memory at once. What pointers, views and raw typed arrays do
   * from then on is told at {@linkcode Memory.close}. What is in the arena
   * stays for as long as the map exists. A second call does nothing.
   *
   * @throws {SystemError} with ENOMEM, as {@linkcode Memory.close} does.
   */
  close(): void {
    this.#memory.close();
  }

  /** Closes the arena at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#base in this)) return "[prototype]";
    const kind = this.readOnly ? "read-only" : "writable";
    const closed = this.closed ? ", closed" : "";
    return `Arena { ${this.size} bytes at ${
      hex(this.#base)
    }, ${kind}${closed} }`;
  }
}

/** The lower half of an address. */
const LOW = 0xffff_ffffn;

/** The options, read once. */
function flexible(
  options: PointerOptions | undefined,
): PointerOptions | undefined {
  const length = lengthIn(options);
  return length === undefined ? undefined : { length };
}

function closedError(): ClosedError {
  return new ClosedError("The arena is closed");
}

/** The place of a map; undefined if it has none, or is another map by now. */
function placeOf(map: BpfMap, id: number): Place | undefined {
  const place = places.get(map);
  return place?.id === id ? place : undefined;
}

/** Reserves pages, at an address unless that is 0. */
function reserve(size: number, address: bigint): ArenaPages {
  return address === 0n
    ? reserveArenaPages(size)
    : reserveArenaPagesAt(size, address);
}

/** @throws {NotSupportedError} if an arena lies at another address. */
function requireSameAddress(wanted: bigint, actual: bigint): void {
  if (wanted === 0n || wanted === actual) return;
  throw new NotSupportedError(
    `Cannot map the arena at the address ${hex(wanted)}: it lies at ${
      hex(actual)
    } for ever`,
  );
}

/** @throws {NotSupportedError} if an arena is mapped for another access. */
function requireSameAccess(
  arena: Arena,
  wanted: boolean,
  asked: boolean,
): void {
  if (arena.readOnly === wanted) return;
  throw new NotSupportedError(
    `Cannot map the arena ${
      asked ? "for reading alone" : "for writing"
    }: it is mapped already ${
      arena.readOnly ? "for reading alone" : "for writing"
    }, close that first`,
  );
}
