import { lengthOf } from "../base/bytes.ts";
import { ClosedError, NotSupportedError, ReadOnlyError } from "../errors.ts";
import { check, EINVAL, EROFS, MS_SYNC, msync } from "../ffi/mod.ts";
import { pointerAt, viewAt } from "../layout/access/pointer_at.ts";
import { Region } from "../layout/region/region.ts";
import { lengthIn, type PointerOptions } from "../layout/pointer.ts";
import type { Marked, Pointer, Type, View } from "../layout/static.ts";
import {
  requireBytes,
  requireOffset,
  requireWithin,
} from "../base/arguments.ts";
import type { Control } from "./workers/shared_state.ts";
import type { Descriptor } from "../ffi/descriptor.ts";
import { readFile, writeFile } from "./file_copies.ts";
import { makeHandle, type MemoryHandle } from "./workers/handle.ts";
import { countOut } from "./mapping_stats.ts";
import { Mapping } from "./map/mapping.ts";
import type { Backing } from "./workers/backing.ts";
import { attach, create, map, type MemoryParts, open } from "./acquire.ts";
import { SleeperList } from "./workers/waiting_threads.ts";
import type { CreateOptions, MapOptions, OpenOptions } from "./options.ts";

/**
 * Memory that this process shares with the kernel or with other processes:
 * a BPF map, a memfd, a file, a device, mapped with `mmap(MAP_SHARED)`.
 *
 * The mapping lives for as long as anything can reach it: this object, a
 * pointer, a typed array taken out of one. `close` releases it at once; from
 * then on every access throws, or reads `undefined` through a raw array. No
 * access ever reaches other memory.
 *
 * All programs and threads that share the memory see each other's stores as
 * they are made: the bytes are the same. Single values are never torn. Two
 * values, and the bytes of `readAt`, may be of two moments: use `atomic` types
 * to agree on one.
 *
 * @example Memory shared by its descriptor
 * ```ts
 * import { Memory, pageSize, u32 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * using memory = Memory.create(pageSize());
 * using same = Memory.map(memory.fd!, pageSize());
 * memory.pointer(u32, 8).value = 42;
 * assertEquals(same.view(u32, 8).value, 42);
 * ```
 */
export class Memory {
  #mapping: Mapping | undefined;
  #region: Region | undefined;
  readonly #size: number;
  readonly #readOnly: boolean;
  readonly #control: Control | undefined;
  readonly #sleepers: SleeperList | undefined;
  readonly #descriptor: Descriptor | undefined;
  readonly #backing: Backing | undefined;

  /**
   * Not for users, who have no mappings: `map`, `create`, `open` and `attach`
   * give memory.
   *
   * @ignore
   */
  constructor(parts: MemoryParts) {
    if (!Mapping.is(parts?.mapping)) throw new TypeError("Illegal constructor");
    const { mapping, size, control, descriptor, backing } = parts;
    this.#mapping = mapping;
    this.#size = size;
    this.#readOnly = mapping.readOnly;
    this.#control = control;
    this.#sleepers = control && mapping.shared
      ? new SleeperList(control)
      : undefined;
    this.#descriptor = descriptor;
    this.#backing = backing;
  }

  /**
   * Maps what a descriptor refers to. The descriptor stays the caller's: it is
   * neither kept nor closed, and the mapping outlives it.
   *
   * If the kernel refuses to map for writing with EPERM (a frozen BPF map, a
   * sealed memfd) or EACCES (a descriptor for reading), the memory is mapped
   * read-only and {@linkcode readOnly} is true.
   *
   * @param fd The descriptor: of a BPF map, a memfd, a file, a device.
   * @param size The number of bytes: a positive multiple of `pageSize()`, at most
   * 16 GiB. For huge pages, of their size.
   * @param options The offset to begin at, and what to accept.
   * @throws {RangeError} if the size or the offset is not a multiple of the page
   * size, or too large.
   * @throws {BoundsError} if a file does not have that many bytes.
   * @throws {NotSupportedError} if a file could be truncated and
   * `allowTruncatable` was not given; for a BPF arena; on another platform.
   * @throws {SystemError} with the kernel's reason, as in mmap(2).
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static map(fd: number, size: number, options: MapOptions = {}): Memory {
    return new Memory(map(fd, size, options));
  }

  /**
   * Makes new memory: an anonymous file (memfd) that cannot be shrunk, so that
   * whoever gets its descriptor can map it without danger. It reads as zeros.
   *
   * The file has whole pages; access through this object ends at `size`.
   *
   * @param size The size in bytes, above 0 and at most 16 GiB.
   * @param options Its name, and whether Workers can have it.
   * @throws {RangeError} if the size is not a whole number above 0, or too
   * large.
   * @throws {SystemError} with the kernel's reason, as in memfd_create(2).
   * @throws {NotSupportedError} on another platform.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static create(size: number, options: CreateOptions = {}): Memory {
    return new Memory(create(size, options));
  }

  /**
   * Opens and maps a file: in `/dev/shm`, on disk, or of a device.
   *
   * Anybody who may write a file that has a path can truncate the file, and no
   * seal prevents that: without `allowTruncatable`, the file is refused.
   *
   * @param path A path or a `file:` URL. Symbolic links are followed.
   * @param options The part to map, and what to accept.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, or without
   * permission to read the path and, unless `readOnly`, to write it.
   * @throws {RangeError} if the size is not a whole number above 0, or the
   * offset is not a multiple of the page size.
   * @throws {BoundsError} if the file does not have the bytes, or is empty.
   * @throws {NotSupportedError} if the file could be truncated and
   * `allowTruncatable` was not given.
   * @throws {SystemError} with the kernel's reason, as in open(2) and mmap(2).
   *
   * @example A file in shared memory
   * ```ts
   * import { Memory, u64 } from "@hostmem/hostmem";
   * import { assertEquals } from "@std/assert";
   *
   * const path = Deno.makeTempFileSync({ dir: "/dev/shm" });
   * Deno.writeFileSync(path, new Uint8Array(64));
   * {
   *   using memory = Memory.open(path, { allowTruncatable: true });
   *   memory.pointer(u64).value = 1n;
   *   assertEquals(Deno.readFileSync(path)[0], 1);
   * }
   * Deno.removeSync(path);
   * ```
   */
  static open(path: string | URL, options: OpenOptions = {}): Memory {
    return new Memory(open(path, options));
  }

  /**
   * Gets the memory that a handle stands for, in whichever thread: the same
   * bytes, through pointers, views and atomics of this thread.
   *
   * Writable memory is the very same pages, `wait` and `notify` included.
   * Read-only memory is mapped once more, by a duplicate of the descriptor that
   * the other thread holds.
   *
   * **`close` closes it for all threads.** So does the end of a block that
   * declares it with `using`. A thread that no longer needs the memory just
   * drops the `Memory`.
   *
   * @param handle The handle, as {@linkcode handle} gave it.
   * @throws {TypeError} if it is not a handle, or no longer refers to what it did.
   * @throws {ClosedError} if the memory is closed, or if it is read-only and
   * nothing holds the `Memory` that gave the handle.
   * @throws {RangeError | BoundsError | NotSupportedError | SystemError} as
   * {@linkcode Memory.map} does, for read-only memory.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, for read-only
   * memory or a file that can be truncated.
   *
   * @example Two threads, one counter
   * ```ts
   * import { atomic, Memory, u64 } from "@hostmem/hostmem";
   * import { assertEquals } from "@std/assert";
   *
   * // Usually a file of its own, which imports Memory and calls
   * // Memory.attach(data) in its onmessage.
   * const module = import.meta.resolve("@hostmem/hostmem");
   * const code = `
   *   import { atomic, Memory, u64 } from "${module}";
   *   onmessage = ({ data }) => {
   *     Memory.attach(data).pointer(atomic(u64)).add(1n);
   *     postMessage("done");
   *   };
   * `;
   *
   * using memory = Memory.create(8, { workers: true });
   * const url = `data:application/javascript,${encodeURIComponent(code)}`;
   * const worker = new Worker(url, { type: "module" });
   * worker.postMessage(memory.handle);
   * await new Promise((resolve) => worker.onmessage = resolve);
   * worker.terminate();
   * assertEquals(memory.pointer(atomic(u64)).load(), 1n);
   * ```
   */
  static attach(handle: MemoryHandle): Memory {
    return new Memory(attach(handle));
  }

  /** The number of bytes that can be accessed. It is the same after `close`. */
  get size(): number {
    return this.#size;
  }

  /** True if the kernel mapped the memory for reading alone. */
  get readOnly(): boolean {
    return this.#readOnly;
  }

  /** True if the memory was made for Workers to share. */
  get workers(): boolean {
    return this.#control !== undefined;
  }

  /**
   * True once the memory was closed, here or by another thread. After this has
   * returned true, the pointers of this thread throw.
   */
  get closed(): boolean {
    if (this.#mapping !== undefined && this.#control?.open === false) {
      this.#notice(this.#mapping);
    }
    return this.#mapping === undefined;
  }

  /**
   * A message by which another thread gets this memory: post it to a Worker, and
   * give it to {@linkcode Memory.attach} there. It can be posted to
   * several, posted on by them, and used more than once.
   *
   * The handle of writable memory keeps the memory alive. The handle of
   * read-only memory, or of a file that can be truncated, leads to a descriptor
   * that this object holds, or the object that this one was attached from: the
   * handle works for as long as the holder is reachable and not closed.
   *
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError} unless it was made with `workers: true`.
   */
  get handle(): MemoryHandle {
    const mapping = this.#live();
    if (this.#control === undefined) {
      throw new NotSupportedError(
        "Cannot give a handle of memory that only this thread can have: make it with `workers: true`",
      );
    }
    return makeHandle(mapping, this.#control, this.#size, this.#backing);
  }

  /**
   * The descriptor of memory that {@linkcode Memory.create} made or
   * {@linkcode Memory.open} opened, to be handed to others; it is closed
   * together with the memory, and by nobody else. Undefined after that, and for
   * {@linkcode Memory.map}, whose descriptor is the caller's affair.
   */
  get fd(): number | undefined {
    return this.closed ? undefined : this.#descriptor?.fd;
  }

  /**
   * Copies bytes out of the memory. At the end of the memory, it copies fewer
   * bytes than the target takes, as reading a file does. While others write,
   * the bytes need not be of one moment.
   *
   * @param target The room for them.
   * @param offset The offset in the memory to begin at, in bytes.
   * @returns The number of bytes that were copied; 0 at the end.
   * @throws {ClosedError} if the memory is closed.
   * @throws {TypeError} if the target is not a `Uint8Array`, or is detached.
   * @throws {RangeError} if the offset is not a whole number of bytes.
   * @throws {BoundsError} if the offset lies beyond the end.
   */
  readAt(target: Uint8Array, offset: number): number {
    const mapping = this.#live();
    requireBytes("Target", target);
    requireOffset(offset);
    requireWithin(offset, 0, this.#size);
    const length = Math.min(lengthOf(target), this.#size - offset);
    if (length === 0) return 0;
    if (this.#backing?.truncatable === true) {
      const { descriptor, offset: begin } = this.#backing;
      return readFile(descriptor.fd, target, length, begin + offset);
    }
    // Not the target's own method: that of a subclass may keep what it is given.
    const bytes = this.#bytes(mapping, offset, length);
    Uint8Array.prototype.set.call(target, bytes);
    return length;
  }

  /**
   * Copies bytes into the memory, all of them or none.
   *
   * @param source The bytes.
   * @param offset The offset in the memory to begin at, in bytes.
   * @throws {ClosedError} if the memory is closed.
   * @throws {ReadOnlyError} if it is mapped for reading.
   * @throws {TypeError} if the source is not a `Uint8Array`, or is detached.
   * @throws {RangeError} if the offset is not a whole number of bytes.
   * @throws {BoundsError} if the bytes do not all lie within the memory, or a
   * file that was truncated no longer has them; then nothing is written.
   */
  writeAt(source: Uint8Array, offset: number): void {
    const mapping = this.#writable("write");
    requireBytes("Source", source);
    requireOffset(offset);
    const length = lengthOf(source);
    requireWithin(offset, length, this.#size);
    if (length === 0) return;
    if (this.#backing?.truncatable === true) {
      const { descriptor, offset: begin } = this.#backing;
      writeFile(descriptor.fd, source, length, begin + offset);
      return;
    }
    this.#bytes(mapping, offset, length).set(source);
  }

  /**
   * A pointer to a value of a type: its properties read and write the memory.
   *
   * In memory that was mapped with `allowTruncatable`, a property that lies in a
   * page which is gone ends the process with SIGBUS.
   *
   * @param type The type of the value. A struct needs the `HostLayout` marker.
   * @param offset The offset of the value, in bytes.
   * @param options The length of a flexible array at its end.
   * @throws {ClosedError} if the memory is closed.
   * @throws {ReadOnlyError} if it is mapped for reading; use `view`.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {TypeError} if a length was given for a type that ends in no flexible
   * array.
   * @throws {RangeError} if the offset or the length is not a whole number.
   * @throws {AlignmentError} if the offset is not aligned as the type requires.
   * @throws {BoundsError} if the value does not lie within the memory.
   */
  pointer<T extends Type>(
    type: T & Marked<T>,
    offset: number = 0,
    options?: PointerOptions,
  ): Pointer<T> {
    const mapping = this.#writable("make a pointer");
    return pointerAt<T>(
      type,
      this.#regionOf(mapping),
      offset,
      lengthIn(options),
    );
  }

  /**
   * A view of a value of a type: its properties read the memory. It cannot
   * write, whatever the memory allows.
   *
   * In memory that was mapped with `allowTruncatable`, a property that lies in a
   * page which is gone ends the process with SIGBUS.
   *
   * @param type The type of the value. A struct needs the `HostLayout` marker.
   * @param offset The offset of the value, in bytes.
   * @param options The length of a flexible array at its end.
   * @throws {ClosedError} if the memory is closed.
   * @throws {InvalidTypeError} if the type cannot be used.
   * @throws {TypeError} if a length was given for a type that ends in no flexible
   * array.
   * @throws {RangeError} if the offset or the length is not a whole number.
   * @throws {AlignmentError} if the offset is not aligned as the type requires.
   * @throws {BoundsError} if the value does not lie within the memory.
   */
  view<T extends Type>(
    type: T & Marked<T>,
    offset: number = 0,
    options?: PointerOptions,
  ): View<T> {
    const mapping = this.#live();
    return viewAt<T>(type, this.#regionOf(mapping), offset, lengthIn(options));
  }

  /**
   * Writes stored bytes back to the file's storage, and waits for that
   * (msync(2), `MS_SYNC`). Other processes see every store without it; it is
   * for what must survive a power failure. Does nothing where there is no
   * storage, as for BPF maps.
   *
   * @throws {ClosedError} if the memory is closed.
   * @throws {SystemError} with the kernel's reason, as EIO.
   */
  flush(): void {
    const mapping = this.#live();
    const result = msync(mapping.bytes(), BigInt(mapping.length), MS_SYNC);
    // What these say here is that the object has nothing to write to: fsync(2).
    if (result !== -EINVAL && result !== -EROFS) check(result, "msync");
  }

  /**
   * The WebAssembly.Memory that has the memory in its first `size` bytes, to be
   * imported by a module or posted to a Worker (`workers: true`). Its size in
   * WebAssembly's pages of 64 KiB is rounded up; what lies beyond is not part
   * of the memory. It cannot grow. `grow(0)` detaches its buffer: the pointers
   * made before throw from then on, new ones work.
   *
   * @throws {ClosedError} if the memory is closed.
   * @throws {ReadOnlyError} if it is mapped for reading: a store by a module
   * would end the process.
   * @throws {NotSupportedError} for huge pages, which need not begin at the
   * address 0 of the WebAssembly.Memory.
   */
  get webAssembly(): WebAssembly.Memory {
    const mapping = this.#writable("give the WebAssembly.Memory");
    if (mapping.withheld) {
      throw new NotSupportedError(
        "Cannot give the WebAssembly.Memory of huge pages: they need not begin at its address 0",
      );
    }
    // Who points into its buffer, and waits there, is to be woken, too.
    if (this.#sleepers !== undefined) this.#regionOf(mapping);
    return mapping.memory;
  }

  /**
   * Releases the memory at once, for the kernel too: a BPF map can be frozen in
   * the next statement. Pointers and views into it throw from now on. A second
   * call does nothing.
   *
   * Raw typed arrays taken out of it become empty: they read `undefined` and
   * ignore stores. Those of memory made for Workers read zeros instead, in every
   * thread.
   *
   * Memory that was attached is closed for all threads that have it, whoever
   * closes it: a thread that sleeps in an atomic's `wait` is woken and gets a
   * {@linkcode ClosedError}, and so does a thread that asks its own `Memory`
   * for anything. Until then its pointers and views read zeros. Read-only
   * memory is mapped in each thread by itself: until the thread asks, its
   * pointers and views read the memory as before, and the memory is not
   * released.
   *
   * @throws {SystemError} with ENOMEM, if the kernel has nothing to put in the
   * memory's place; then it is still open.
   */
  close(): void {
    const mapping = this.#mapping;
    if (mapping === undefined) return;
    const control = this.#control;
    if (control?.closed === true) {
      this.#notice(mapping);
      return;
    }
    control?.startClosing();
    try {
      mapping.release();
    } catch (error) {
      // Unless another thread has managed meanwhile.
      if (control === undefined || control.abandonClosing()) throw error;
    }
    this.#letGo();
    control?.finishClosing();
    this.#sleepers?.wake();
  }

  /** Closes the memory at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#size in this)) return "[prototype]";
    const kind = this.#readOnly ? "read-only" : "writable";
    const workers = this.workers ? ", for Workers" : "";
    const closed = this.closed ? ", closed" : "";
    return `Memory { ${this.#size} bytes, ${kind}${workers}${closed} }`;
  }

  #live(): Mapping {
    const mapping = this.#mapping;
    if (mapping === undefined || this.#control?.open === false) {
      if (mapping !== undefined) this.#notice(mapping);
      throw new ClosedError("The memory is closed");
    }
    return mapping;
  }

  /** Does what is left to do in this thread when another closed the memory. */
  #notice(mapping: Mapping): void {
    this.#letGo();
    // Its pages are gone already; those of read-only memory are this thread's.
    if (mapping.shared) countOut(mapping);
    else tryRelease(mapping);
  }

  #letGo(): void {
    this.#mapping = undefined;
    this.#region?.release();
    this.#region = undefined;
    this.#descriptor?.close();
    this.#backing?.descriptor?.close();
  }

  #writable(action: string): Mapping {
    const mapping = this.#live();
    if (mapping.readOnly) {
      throw new ReadOnlyError(
        `Cannot ${action}: the memory is mapped read-only`,
      );
    }
    return mapping;
  }

  /** The region: a new one after a program detached the buffer of the last. */
  #regionOf(mapping: Mapping): Region {
    let region = this.#region;
    if (region === undefined || region.closed) {
      region = new Region(
        mapping.buffer(),
        mapping.start,
        this.#size,
        "mapping",
        this.#sleepers,
      );
      this.#region = region;
    }
    return region;
  }

  #bytes(mapping: Mapping, offset: number, length: number): Uint8Array {
    const { buffer, start } = this.#regionOf(mapping);
    return new Uint8Array(buffer, start + offset, length);
  }
}

/** Releases a mapping now, or leaves that to the engine. */
function tryRelease(mapping: Mapping): void {
  try {
    mapping.release();
  } catch {
    // There is no memory to put in its place: it goes when it is collected.
  }
}
