/** An object of libbpf's, as far as its maps, programs and links need it. */
export interface Owner {
  /** The `struct bpf_object *`. @throws {ClosedError} if the object is closed. */
  readonly handle: bigint;
  /**
   * Keeps libbpf's object after it was closed here.
   *
   * @returns Undoes it. A second call does nothing.
   * @throws {ClosedError} if the object is closed.
   */
  retain(): () => void;
}
