import type { BpfMap } from "./map.ts";

/** What {@linkcode BpfObject.load} sets of a map before it makes it. */
export interface LoadMapOptions {
  /**
   * How many entries it has room for; the size in bytes of a ring buffer. Not of
   * a section.
   */
  readonly maxEntries?: number | undefined;
  /** The size of a value in bytes. Not of a section. */
  readonly valueSize?: number | undefined;
  /**
   * A map to be used in place of a new one, such as another object's: of the
   * same type, sizes and flags. It stays its holder's to close.
   */
  readonly reuse?: BpfMap | undefined;
  /**
   * Where to pin it, a path on a BPF file system: a map that is pinned there
   * already is used in place of a new one. `false` for nowhere, whatever its
   * definition says.
   */
  readonly pin?: string | URL | false | undefined;
  /** For a map of maps: one such as those that it shall hold. */
  readonly innerMap?: BpfMap | undefined;
}
