import { ClosedError, NotSupportedError, ReadOnlyError } from "../../errors.ts";
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG } from "../../ffi/mod.ts";
import { show } from "../../base/show.ts";
import type {
  Input,
  Marked,
  Pointer,
  Type,
  Value,
  View,
} from "../../layout/mod.ts";
import type { Memory } from "../../memory/mod.ts";
import { Declaration } from "./declarations.ts";
import {
  buffered,
  type Pointing,
  VariableAccess,
  type VariableMap,
} from "./access.ts";

/**
 * A global variable of BPF programs, live: it is the memory that they use, at
 * the speed of memory.
 *
 * Its type is that of the program's BTF. `get` copies, `set` stores, `pointer`
 * and `view` stay: they work after the object was closed too. Another type of
 * the same size can be given, such as an atomic one, which BTF does not know:
 *
 * ```ts ignore
 * const hits = object.variable("hits", atomic(u64));
 * hits.pointer().add(1n);
 * ```
 *
 * Variables in sections without memory that can be mapped (those of a map that
 * was put in the place of the section's) are read and written by `bpf(2)`: `get`
 * and `set` work, `pointer` and `view` do not. The kernel takes such a section
 * whole: `set` reads it and stores it again, and what programs store in it in
 * between, in whichever variable, is lost.
 *
 * @typeParam T Its type, where that is known.
 */
export class BpfVariable<T extends Type = Type> {
  readonly #declaration: Declaration;
  readonly #map: VariableMap;
  readonly #flagBits: number;
  #type: T | undefined;
  #access: VariableAccess<T> | undefined;

  /**
   * Takes a variable from its map; nobody outside of this package has a
   * declaration.
   *
   * @param map The map of its section.
   * @param type Its type, where it is not that of its declaration.
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   * @ignore
   */
  constructor(declaration: Declaration, map: VariableMap, type?: T) {
    if (!(declaration instanceof Declaration)) {
      throw new TypeError("Illegal constructor");
    }
    this.#declaration = declaration;
    this.#map = map;
    this.#flagBits = map.info.flagBits;
    this.#type = type;
    if (type !== undefined) {
      this.#access = new VariableAccess(declaration, type);
    }
  }

  /** Its name in C. */
  get name(): string {
    return this.#declaration.name;
  }

  /** The section that it is in: `".bss"`, `".data.config"`. */
  get section(): string {
    return this.#declaration.section;
  }

  /** The offset in its section, in bytes. */
  get offset(): number {
    return this.#declaration.offset;
  }

  /** Its size in bytes. */
  get size(): number {
    return this.#declaration.size;
  }

  /**
   * The type that was given, or else the type in BTF. Bytes, `array(u8, size)`,
   * for objects that were compiled without BTF (clang's option `-g`).
   *
   * @throws {BtfError} if BTF has no type for it, or one that has no layout.
   */
  get type(): T {
    return this.#type ??= this.#declaration.type() as T;
  }

  /**
   * True if it cannot be changed: a constant, in `.rodata`, or of the kernel's
   * configuration, in `.kconfig`.
   */
  get readOnly(): boolean {
    return (this.#flagBits & BPF_F_RDONLY_PROG) !== 0;
  }

  /**
   * A copy of its value as plain data. What programs write meanwhile may be in
   * some parts of it and not in others; each single value is whole.
   *
   * @throws {ClosedError} if the object is closed.
   * @throws {BtfError} if BTF has no type for it, or one that has no layout.
   * @throws {SystemError} with the kernel's reason, as in mmap(2) and bpf(2).
   */
  get(): Value<T> {
    return this.#accessAs().read(this.#reading());
  }

  /**
   * Stores a value: of a struct any part, of a union one member, of an array the
   * first elements. It is checked whole before any of it is stored.
   *
   * @param value The value as plain data.
   * @throws {ReadOnlyError} if it cannot be changed.
   * @throws {ClosedError} if the object is closed.
   * @throws {TypeError | RangeError} if the value is not of the type.
   * @throws {SystemError} with the kernel's reason, as in mmap(2) and bpf(2).
   */
  set(value: Input<T>): void {
    this.#requireWritable();
    const access = this.#accessAs();
    if (this.#mappable) {
      access.write(this.#memory(), value);
      return;
    }
    const bytes = this.#copy();
    access.write(buffered(bytes), value);
    this.#map.update(0, bytes);
  }

  /**
   * A pointer to it: its properties read and write the memory that programs use.
   * It stays valid when the object is closed, and keeps the memory.
   *
   * @throws {ReadOnlyError} if it cannot be changed; use `view`.
   * @throws {ClosedError} if the object is closed.
   * @throws {NotSupportedError} if it has no memory that can be mapped.
   * @throws {AlignmentError} if it is not aligned as the type requires.
   * @throws {SystemError} with the kernel's reason, as in mmap(2).
   */
  pointer(): Pointer<T>;
  /**
   * A pointer to it as a type of the same size.
   *
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   */
  pointer<U extends Type>(type: U & Marked<U>): Pointer<U>;
  pointer(type?: Type): unknown {
    this.#requireWritable();
    const { offset, options } = this.#accessAs(type);
    return this.#live("pointer")
      .pointer<Type>(type ?? this.type, offset, options);
  }

  /**
   * A view of it: its properties read the memory that programs use. It stays
   * valid when the object is closed, and keeps the memory.
   *
   * @throws {ClosedError} if the object is closed.
   * @throws {NotSupportedError} if it has no memory that can be mapped.
   * @throws {AlignmentError} if it is not aligned as the type requires.
   * @throws {SystemError} with the kernel's reason, as in mmap(2).
   */
  view(): View<T>;
  /**
   * A view of it as a type of the same size.
   *
   * @throws {InvalidTypeError} if the type cannot be used, or has another size.
   */
  view<U extends Type>(type: U & Marked<U>): View<U>;
  view(type?: Type): unknown {
    const { offset, options } = this.#accessAs(type);
    return this.#live("view").view<Type>(type ?? this.type, offset, options);
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#declaration in this)) return "[prototype]";
    const { name, section, offset, size } = this.#declaration;
    const closed = this.#map.closed ? ", closed" : "";
    return `BpfVariable { ${
      show(name)
    }, ${size} bytes at ${offset} of ${section}${closed} }`;
  }

  get #mappable(): boolean {
    return (this.#flagBits & BPF_F_MMAPABLE) !== 0;
  }

  #accessAs(type?: Type): VariableAccess<T> {
    return type === undefined
      ? this.#access ??= new VariableAccess(this.#declaration, this.type)
      : new VariableAccess(this.#declaration, type as T);
  }

  #memory(): Memory {
    if (this.#map.closed) {
      throw new ClosedError(
        `Cannot access the variable ${this.name}: its object is closed`,
      );
    }
    return this.#map.memory();
  }

  #reading(): Pointing {
    return this.#mappable ? this.#memory() : buffered(this.#copy());
  }

  #live(what: string): Memory {
    if (!this.#mappable) {
      throw new NotSupportedError(
        `Cannot make a ${what} of the variable ${this.name}: the map of its section ${this.section} cannot be mapped; use get() and set()`,
      );
    }
    return this.#memory();
  }

  #copy(): Uint8Array<ArrayBuffer> {
    if (this.#map.closed) this.#memory();
    return this.#map.lookup(0)!;
  }

  #requireWritable(): void {
    if (this.readOnly) {
      throw new ReadOnlyError(
        `Cannot change the variable ${this.name}: it is in ${this.section}, which cannot be written once it is loaded; pass it to BpfObject.load() as one of \`constants\`, or use view() to read`,
      );
    }
  }
}
