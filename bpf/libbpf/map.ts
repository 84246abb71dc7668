/** A map as libbpf holds it. */

import { NotSupportedError } from "../../errors.ts";
import { textAt } from "../../ffi/c_text.ts";
import { libbpf } from "./functions.ts";
import { checkLibbpf } from "./errors.ts";
import { listening } from "./messages.ts";
import { libc } from "../../ffi/libc/functions.ts";
import { cString } from "../../ffi/mod.ts";
import type { Owner } from "./owner.ts";
import { mapInfoOf } from "../map/info.ts";
import { requireSame } from "./same_map.ts";

/** The attributes to set before a map is made, in the kernel's numbers. */
export interface MapAttributes {
  readonly type?: number | undefined;
  readonly keySize?: number | undefined;
  readonly valueSize?: number | undefined;
  readonly maxEntries?: number | undefined;
  readonly flagBits?: number | undefined;
  readonly numaNode?: number | undefined;
  readonly mapExtra?: bigint | undefined;
  readonly create?: boolean | undefined;
}

type Functions = ReturnType<typeof libbpf>;
type Setter<T> = (functions: Functions, map: bigint, value: T) => number;

const setters: {
  readonly [K in keyof MapAttributes]-?: Setter<NonNullable<MapAttributes[K]>>;
} = {
  type: (functions, map, value) => functions.bpf_map__set_type(map, value),
  keySize: (functions, map, value) =>
    functions.bpf_map__set_key_size(map, value),
  valueSize: (functions, map, value) =>
    functions.bpf_map__set_value_size(map, value),
  maxEntries: (functions, map, value) =>
    functions.bpf_map__set_max_entries(map, value),
  flagBits: (functions, map, value) =>
    functions.bpf_map__set_map_flags(map, value),
  numaNode: (functions, map, value) =>
    functions.bpf_map__set_numa_node(map, value),
  mapExtra: (functions, map, value) =>
    functions.bpf_map__set_map_extra(map, value),
  create: (functions, map, value) =>
    functions.bpf_map__set_autocreate(map, value),
};

/** The attributes that maps of sections can be given. */
const ofSections: ReadonlySet<keyof MapAttributes> = new Set(
  ["flagBits", "numaNode", "valueSize"],
);

/** A map of an object of libbpf's. */
export class NativeMap {
  /**
   * Its name: that of the variable in C, which the kernel knows 15 characters
   * of. That of the section, such as `".bss"`, for a section's.
   */
  readonly name: string;
  readonly #object: Owner;
  readonly #handle: bigint;
  readonly #isSection: boolean;
  #pinnedTo: string | undefined;

  /** Wraps an address that libbpf gave. */
  constructor(object: Owner, handle: bigint) {
    const { bpf_map__name, bpf_map__is_internal } = libbpf();
    this.#object = object;
    this.#handle = handle;
    this.#isSection = bpf_map__is_internal(handle);
    const name = textAt(bpf_map__name(handle)) ?? "";
    // Before some sections' names libbpf puts the object's, which has no dots.
    this.name = this.#isSection ? name.slice(name.indexOf(".")) : name;
  }

  /** The object that it belongs to. */
  get object(): Owner {
    return this.#object;
  }

  /** The `struct bpf_map *`. @throws {ClosedError} if the object is closed. */
  get handle(): bigint {
    void this.#object.handle;
    return this.#handle;
  }

  /** True if it is that of a section of variables. */
  get isSection(): boolean {
    return this.#isSection;
  }

  /**
   * Its descriptor, which libbpf closes with the object; negative before it is
   * made, and for one that shall not be: libbpf has a descriptor for that, too,
   * from 1.4 on, which is no map's.
   */
  get fd(): number {
    const { bpf_map__autocreate, bpf_map__fd } = libbpf();
    const { handle } = this;
    return bpf_map__autocreate(handle) ? bpf_map__fd(handle) : -1;
  }

  /** True if loading makes it: another one is not used in its place. */
  get isToBeMade(): boolean {
    const { bpf_map__autocreate, bpf_map__fd } = libbpf();
    const { handle } = this;
    return bpf_map__autocreate(handle) && bpf_map__fd(handle) < 0;
  }

  /** The number of its type (`enum bpf_map_type`). */
  get type(): number {
    return libbpf().bpf_map__type(this.handle);
  }

  /** The size of a key in bytes. */
  get keySize(): number {
    return libbpf().bpf_map__key_size(this.handle);
  }

  /** The size of a value in bytes. */
  get valueSize(): number {
    return libbpf().bpf_map__value_size(this.handle);
  }

  /** The number of entries it has room for. */
  get maxEntries(): number {
    return libbpf().bpf_map__max_entries(this.handle);
  }

  /** Its flags as a number (`BPF_F_*`). */
  get flagBits(): number {
    return libbpf().bpf_map__map_flags(this.handle);
  }

  /** The number that some types need besides: of an arena, its address. */
  get mapExtra(): bigint {
    return libbpf().bpf_map__map_extra(this.handle);
  }

  /** The path that loading pins it to, or takes it from; undefined for none. */
  get pinPath(): string | undefined {
    return textAt(libbpf().bpf_map__pin_path(this.handle));
  }

  /**
   * Sets attributes of the map before it is made.
   *
   * @throws {NotSupportedError} if it is a section's, which is an array of one
   * value.
   */
  configure(attributes: MapAttributes): void {
    for (const name of Object.keys(attributes) as (keyof MapAttributes)[]) {
      const value = attributes[name];
      if (value === undefined) continue;
      if (this.#isSection && !ofSections.has(name)) {
        throw new NotSupportedError(
          `Cannot set ${name} of the map ${this.name}: it is a section, an array of one value`,
        );
      }
      const set = setters[name] as Setter<unknown>;
      this.#call(
        `setting ${name}`,
        (functions, map) => set(functions, map, value),
      );
    }
  }

  /** Sets the sizes of keys and values to 0, as those of rings must be. */
  setNoEntries(): void {
    this.configure({ keySize: 0, valueSize: 0 });
  }

  /** Sets where it is pinned; undefined for nowhere. */
  setPinPath(path: string | undefined): void {
    const text = path === undefined ? null : cString(path) as BufferSource;
    this.#call(
      "bpf_map__set_pin_path",
      (functions, map) => functions.bpf_map__set_pin_path(map, text),
    );
  }

  /** Sets what a map of maps shall hold such as. */
  setInnerMap(fd: number): void {
    this.#call(
      "bpf_map__set_inner_map_fd",
      (functions, map) => functions.bpf_map__set_inner_map_fd(map, fd),
    );
  }

  /**
   * Takes another map in place of a new one, and pins none; its descriptor is
   * duplicated.
   *
   * @throws {RangeError} if it is unlike this.
   */
  reuse(fd: number): void {
    this.#reuse(fd, "map to reuse");
  }

  /** Takes the map that is pinned at a path. @throws as {@linkcode reuse} does. */
  reusePinned(fd: number, path: string): void {
    this.#reuse(fd, `map that is pinned at "${path}"`);
    this.#pinnedTo = path;
  }

  /** The path where it is pinned once it is loaded; undefined for nowhere. */
  get pinnedTo(): string | undefined {
    return this.#pinnedTo ?? this.pinPath;
  }

  #reuse(fd: number, what: string): void {
    requireSame(this, mapInfoOf(fd, `the ${what}`), what);
    // libbpf would have the map that is pinned, or pin this one.
    this.setPinPath(undefined);
    this.#call(
      "bpf_map__reuse_fd",
      (functions, map) => functions.bpf_map__reuse_fd(map, fd),
    );
  }

  /** The address of what libbpf mapped, or holds until then; 0 for none. */
  get address(): bigint {
    return libbpf().bpf_map__initial_value(
      this.handle,
      new BigUint64Array(new ArrayBuffer(8)),
    );
  }

  /** A copy of what a section holds at first; undefined where that is not known. */
  initialValue(): Uint8Array<ArrayBuffer> | undefined {
    const size = new BigUint64Array(new ArrayBuffer(8));
    const address = libbpf().bpf_map__initial_value(this.handle, size);
    if (address === 0n) return undefined;
    const bytes = new Uint8Array(
      new ArrayBuffer(Number(size[0]!)),
    );
    libc().copyFrom(bytes, address, size[0]!);
    return bytes;
  }

  /** Sets what a section holds at first, all of it. */
  setInitialValue(bytes: Uint8Array<ArrayBuffer>): void {
    const size = BigInt(bytes.length);
    this.#call(
      "bpf_map__set_initial_value",
      (functions, map) =>
        functions.bpf_map__set_initial_value(map, bytes, size),
    );
  }

  #call(
    name: string,
    call: (functions: Functions, map: bigint) => number,
  ): void {
    const { handle } = this;
    const { result, warnings } = listening(() => call(libbpf(), handle));
    checkLibbpf(result, `${name}(${this.name})`, warnings);
  }
}
