import { ClosedError, NotSupportedError } from "../errors.ts";
import { requireDescriptor } from "../base/arguments.ts";
import { pathOf } from "../base/path.ts";
import { show } from "../base/show.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import { openPinned, pin } from "./pins.ts";

/** The kinds of objects that the kernel's BPF subsystem gives descriptors of. */
export type Kind = "map" | "program" | "link";

const classNames = {
  map: "BpfMap",
  program: "BpfProgram",
  link: "BpfLink",
} as const;

/** An attachment that takes more than closing a descriptor to end. */
export abstract class Attachment {
  /** Descriptor of the kernel's link; -1 where there is no one link. */
  abstract readonly fd: number;
  /** The reason why there is no single link. */
  abstract readonly whyUnlinked: string;
  /** Ends it. A second call does nothing. */
  abstract close(): void;
}

/**
 * The holder of an object: a descriptor, or an attachment that closes one and
 * more.
 */
export type Holder = Descriptor | Attachment;

/** Reads what the kernel knows of a descriptor's object. */
type ReadInfo = (fd: number, name: string) => { readonly id: number };

/**
 * The base of maps, programs and links: a descriptor of something that the
 * kernel keeps for as long as anything holds a descriptor of it, or it is
 * pinned.
 */
export abstract class KernelObject implements Disposable {
  readonly #kind: Kind;
  readonly #holder: Holder;
  readonly #readInfo: ReadInfo;
  #closed = false;
  #pinnedTo: string | undefined;

  /**
   * Takes over what holds a descriptor; nobody outside of this package has one.
   *
   * @param pinnedTo The path that it was opened from.
   * @ignore
   */
  protected constructor(
    kind: Kind,
    holder: Holder,
    readInfo: ReadInfo,
    pinnedTo?: string,
  ) {
    if (!(holder instanceof Descriptor || holder instanceof Attachment)) {
      throw new TypeError("Illegal constructor");
    }
    this.#kind = kind;
    this.#holder = holder;
    this.#readInfo = readInfo;
    this.#pinnedTo = pinnedTo;
  }

  /** The kernel's information about the object. */
  abstract get info(): { readonly id: number };

  /**
   * The descriptor, to be handed to others. It is closed together with this
   * object, and by nobody else.
   *
   * @throws {ClosedError} if it is closed.
   */
  get fd(): number {
    if (this.#closed) throw new ClosedError(`The BPF ${this.#kind} is closed`);
    return this.#holder.fd;
  }

  /** True if this object was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The path where this object knows itself to be pinned; undefined for
   * nowhere.
   */
  get pinnedTo(): string | undefined {
    return this.#pinnedTo;
  }

  /**
   * Pins the object to a path on a BPF file system (`BPF_OBJ_PIN`): it stays
   * until the path is removed, whatever becomes of this process.
   *
   * @param path A path that does not exist yet, or a `file:` URL.
   * @throws {ClosedError} if it is closed.
   * @throws {Deno.errors.NotCapable} without permission to write the path.
   * @throws {SystemError} with the kernel's reason, as in bpf(2).
   */
  pin(path: string | URL): void {
    const file = pathOf(path);
    pin(this.fd, file);
    this.#pinnedTo = file;
  }

  /**
   * Removes the path that the object is pinned to. The object stays for as long
   * as this or another descriptor of it is open.
   *
   * @param path The path that it is pinned to; by default the one that this object
   * has pinned it to, or was opened from.
   * @throws {ClosedError} if it is closed.
   * @throws {TypeError} if no path is given and none is known.
   * @throws {NotSupportedError} if something else is pinned there.
   * @throws {SystemError} if nothing is pinned there.
   * @throws {Deno.errors.NotCapable} without permission to read and write the
   * path.
   */
  unpin(path: string | URL | undefined = this.#pinnedTo): void {
    const kind = this.#kind;
    const { id } = this.#readInfo(this.fd, `the ${kind}`);
    if (path === undefined) {
      throw new TypeError(
        `The ${kind} is not known to be pinned: pass the path that it is pinned to`,
      );
    }
    const file = pathOf(path);
    const pinned = openPinned(file, false);
    try {
      const other = this.#readInfo(pinned.fd, `"${file}"`).id;
      if (other !== id) {
        throw new NotSupportedError(
          `Cannot unpin the ${kind} of id ${id} from "${file}": the ${kind} of id ${other} is pinned there`,
        );
      }
    } finally {
      pinned.close();
    }
    Deno.removeSync(file);
    if (file === this.#pinnedTo) this.#pinnedTo = undefined;
  }

  /** Closes the descriptor. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#holder.close();
  }

  /** Closes the object at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * The text that {@linkcode Deno.inspect} shows between the braces.
   *
   * @ignore
   */
  protected abstract describe(): string[];

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#closed in this)) return "[prototype]";
    const closed = this.#closed ? ["closed"] : [];
    const parts = [...this.describe(), ...closed].join(", ");
    return `${this.constructor.name} { ${parts} }`;
  }

  /**
   * The kind of an object; undefined for anything else.
   *
   * @ignore
   */
  static kindOf(value: unknown): Kind | undefined {
    const isObject = typeof value === "object" && value !== null;
    return isObject && #kind in value ? value.#kind : undefined;
  }
}

/** An object with a descriptor of a map, a program or a link. */
export interface HasDescriptor {
  /** The descriptor's number. */
  readonly fd: number;
}

/**
 * The descriptor of an object that a caller gave: of one of ours, or of whatever
 * else has the descriptor of one, such as an object of another copy of this
 * package.
 *
 * @param name The name of the object in error messages.
 * @param kind The kind that the object must be of.
 * @throws {TypeError} if it is no such object.
 * @throws {ClosedError} if it is closed.
 */
export function descriptorOf(name: string, kind: Kind, value: unknown): number {
  const own = KernelObject.kindOf(value);
  // What only inherits from one of ours has no descriptor.
  const isOther = own !== undefined && own !== kind ||
    own === undefined && value instanceof KernelObject;
  const fd = isOther
    ? undefined
    : (value as Partial<HasDescriptor> | null | undefined)?.fd;
  if (fd === undefined) {
    throw new TypeError(
      `${name} must be a ${classNames[kind]}: received ${
        own === undefined ? show(value) : `a ${classNames[own]}`
      }`,
    );
  }
  requireDescriptor(fd);
  return fd;
}
