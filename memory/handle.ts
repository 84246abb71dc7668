/**
 * What {@linkcode Memory.handle} gives, for `postMessage` and
 * {@linkcode Memory.attach}. Its content is nobody's business: it may be another
 * in every version.
 */
export interface MemoryHandle {
  /** Tells it from other messages. */
  readonly kind: "hostmem.Memory";
}
