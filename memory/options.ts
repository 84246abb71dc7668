/** Options of every way to map. */
export interface WorkerOptions {
  /**
   * True for memory that Workers of this process can have too, see {@linkcode
   * Memory.handle}. Writable memory lies on a `SharedArrayBuffer` then, and
   * cannot be detached when it is closed. Read-only memory holds a duplicate of
   * the descriptor, for others to map it again.
   *
   * A duplicate is made in any case, and closing one drops this process's
   * `fcntl` record locks on the file, as `close(2)` always does.
   */
  readonly workers?: boolean | undefined;
}

/** Options of {@linkcode Memory.map}. */
export interface MapOptions extends WorkerOptions {
  /** The offset to begin at, in bytes: a multiple of the page size. 0 by default. */
  readonly offset?: number | undefined;
  /** True to map for reading alone, without asking the kernel for more. */
  readonly readOnly?: boolean | undefined;
  /**
   * True to accept a file that somebody could truncate, or a device that could
   * be removed. An access through a pointer or a view to bytes that are gone
   * then ends the process with SIGBUS; `readAt` and `writeAt` go by the file
   * and do not.
   *
   * For such a file or device the memory holds a descriptor of its own. Closing
   * the descriptor drops this process's `fcntl` record locks on the file, as
   * `close(2)` always does.
   */
  readonly allowTruncatable?: boolean | undefined;
}

/** Options of {@linkcode Memory.create}. */
export interface CreateOptions extends WorkerOptions {
  /**
   * The name in `/proc/<pid>/maps` and `/proc/<pid>/fd`: at most 249 bytes of
   * UTF-8, without NUL. `"hostmem"` by default.
   */
  readonly name?: string | undefined;
}

/** Options of {@linkcode Memory.open}. */
export interface OpenOptions extends MapOptions {
  /** The size in bytes, above 0. By default all bytes of the file from the offset on. */
  readonly size?: number | undefined;
}
