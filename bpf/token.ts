/** Tokens, by which the owner of a BPF file system lets others use `bpf(2)`. */

import { ClosedError } from "../errors.ts";
import { pathOf } from "../base/path.ts";
import { requireAccess } from "../base/permission.ts";
import { show } from "../base/show.ts";
import { clearAttributes, runChecked, SIZE } from "../ffi/bpf/attributes.ts";
import { openFile } from "../ffi/calls/descriptors.ts";
import { Descriptor } from "../ffi/descriptor.ts";
import { check, O_NOCTTY, O_NONBLOCK, O_RDONLY } from "../ffi/mod.ts";
import { fdinfoOf } from "./fdinfo.ts";
import { type MapType, mapTypeName } from "./map/type.ts";
import { type ProgramType, programTypeName } from "./program/type.ts";

/** The permissions that a token gives, as its file system was mounted with them. */
export interface TokenInfo {
  /** The types of map that it can make (`delegate_maps`). */
  readonly maps: readonly MapType[];
  /** The types of program that it can load (`delegate_progs`). */
  readonly programs: readonly ProgramType[];
  /** Its commands, a bit for each number of `enum bpf_cmd` (`delegate_cmds`). */
  readonly commandBits: bigint;
  /**
   * The attach types of its programs, a bit for each number of
   * `enum bpf_attach_type` (`delegate_attachs`).
   */
  readonly attachBits: bigint;
}

/** The default place of a BPF file system. */
const DEFAULT_PATH = "/sys/fs/bpf";

/**
 * A BPF token (Linux 6.9). A process in a user namespace, such as a
 * container's, can use it in place of CAP_BPF.
 *
 * A process with CAP_SYS_ADMIN outside mounts a BPF file system for the namespace,
 * with the options `delegate_cmds`, `delegate_maps`, `delegate_progs` and
 * `delegate_attachs`. LXD does so by `security.delegate_bpf`, Incus by
 * `security.bpffs.delegate_cmds` and its like. The process in the namespace makes
 * a token of that file system, and passes it to {@linkcode BpfMap.create} and
 * {@linkcode BpfObject.load}. Maps and programs work without the token from then
 * on. See `BPF_TOKEN_CREATE` in `linux/bpf.h`.
 *
 * @example A map in a container
 * ```ts ignore
 * using token = BpfToken.create();
 * using map = BpfMap.create({
 *   type: "array",
 *   valueSize: 8,
 *   maxEntries: 64,
 *   flags: ["mmapable"],
 *   token,
 * });
 * ```
 */
export class BpfToken implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #path: string;

  private constructor(descriptor: Descriptor, path: string) {
    if (!Descriptor.is(descriptor)) throw new TypeError("Illegal constructor");
    this.#descriptor = descriptor;
    this.#path = path;
  }

  /**
   * Makes a token of a BPF file system (`BPF_TOKEN_CREATE`).
   *
   * @param path The directory that it is mounted on, or a `file:` URL.
   * @throws {SystemError} with the kernel's reason, as in bpf(2) and open(2):
   * ENOENT if the file system delegates nothing, EPERM if it is of another user
   * namespace or the caller has no CAP_BPF in its own, EOPNOTSUPP in the initial
   * user namespace, EINVAL if it is not a BPF file system or the kernel is older than
   * Linux 6.9.
   * @throws {TypeError} if it is not a path.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`, or without permission
   * to read the path.
   */
  static create(path: string | URL = DEFAULT_PATH): BpfToken {
    const directory = pathOf(path);
    requireAccess("read", directory);
    const about = `the path is "${directory}"`;
    // Without O_NONBLOCK opening a pipe would wait for its other end.
    const flags = O_RDONLY | O_NOCTTY | O_NONBLOCK;
    const opened = new Descriptor(
      check(openFile(directory, flags), "open", about),
    );
    try {
      clearAttributes().tokenCreate.bpffsFd = opened.fd;
      const fd = runChecked("BPF_TOKEN_CREATE", SIZE.tokenCreate, about);
      return new BpfToken(new Descriptor(fd), directory);
    } finally {
      opened.close();
    }
  }

  /**
   * The descriptor, to be handed to others. It is closed together with this
   * object, and by nobody else.
   *
   * @throws {ClosedError} if it is closed.
   */
  get fd(): number {
    if (this.closed) throw new ClosedError("The BPF token is closed");
    return this.#descriptor.fd;
  }

  /** The directory of the file system that it was made of. */
  get path(): string {
    return this.#path;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#descriptor.fd < 0;
  }

  /**
   * The permissions that it gives, as the kernel tells them in `/proc`; undefined
   * where that is not mounted. Types that this package has no name for are left
   * out.
   *
   * @throws {ClosedError} if it is closed.
   */
  get info(): TokenInfo | undefined {
    const lines = fdinfoOf(this.fd);
    if (lines === undefined) return undefined;
    return {
      maps: namesIn(bitsOf(lines.get("allowed_maps")), mapTypeName),
      programs: namesIn(bitsOf(lines.get("allowed_progs")), programTypeName),
      commandBits: bitsOf(lines.get("allowed_cmds")),
      attachBits: bitsOf(lines.get("allowed_attachs")),
    };
  }

  /**
   * True for a token, open or closed.
   *
   * @ignore
   */
  static is(value: unknown): value is BpfToken {
    return typeof value === "object" && value !== null && #descriptor in value;
  }

  /**
   * Closes the descriptor; what was made with it stays. A second call does
   * nothing.
   */
  close(): void {
    this.#descriptor.close();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#path in this)) return "[prototype]";
    return `BpfToken { ${show(this.#path)}${this.closed ? ", closed" : ""} }`;
  }
}

/** The bits that a line of its fdinfo tells: `any` where all are set. */
function bitsOf(text: string = "0"): bigint {
  return text === "any" ? 2n ** 64n - 1n : BigInt(text);
}

function namesIn<Name>(
  bits: bigint,
  nameOf: (number: number) => Name | undefined,
): Name[] {
  const names: Name[] = [];
  for (let number = 0; number < 64; number++) {
    const name = (bits >> BigInt(number)) & 1n ? nameOf(number) : undefined;
    if (name !== undefined) names.push(name);
  }
  return names;
}

/**
 * The token that an option is; undefined where it is not given.
 *
 * @throws {TypeError} if it is something else.
 */
export function requireToken(token: unknown): BpfToken | undefined {
  if (token === undefined || BpfToken.is(token)) return token;
  throw new TypeError(`Token must be a BpfToken: received ${show(token)}`);
}
