/**
 * The object that libbpf holds: opened from the bytes of an ELF file, set up,
 * loaded into the kernel, and freed.
 *
 * libbpf does not check that an address which it is given is still an object's.
 * So nobody but this module has one, and it gives none of an object that is
 * closed.
 */

import { type Held, hold, letGo } from "../../ffi/isolate_end.ts";
import { ClosedError, SystemError } from "../../errors.ts";
import { libbpf } from "./functions.ts";
import { libbpfErrorInit } from "./errors.ts";
import { listening } from "./messages.ts";
import { libc } from "../../ffi/libc/functions.ts";
import { Block } from "../../ffi/block.ts";
import { cString, EINVAL } from "../../ffi/mod.ts";
import {
  HostLayout,
  pointer,
  sizeOf,
  struct,
  u32,
  u64,
  u8,
} from "../../layout/mod.ts";
import { NativeMap } from "./map.ts";
import type { Owner } from "./owner.ts";
import { NativeProgram } from "./program.ts";

/** `struct bpf_object_open_opts`: libbpf takes what it does not know if it is 0. */
const OpenOptions = struct("bpf_object_open_opts", {
  _: HostLayout,
  sz: u64,
  object_name: u64,
  relaxed_maps: u8,
  pin_root_path: u64,
  unused: u32,
  kconfig: u64,
  btf_custom_path: u64,
  kernel_log_buf: u64,
  kernel_log_size: u64,
  kernel_log_level: u32,
  bpf_token_path: u64, // since libbpf 1.4
});

/**
 * The end of the user's half of the addresses. What libbpf returns from beyond
 * is an error number that it took for none, being larger than 4095.
 */
const HIGHEST_ADDRESS = 0x7fff_ffff_ffff_ffffn;

/** The object to open, and its options. */
export interface OpenRequest {
  /** The ELF file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The name that maps of sections are named after. */
  readonly name: string;
  /** The directory in which maps are pinned whose definition asks for it. */
  readonly pinRoot: string | undefined;
  /** A file of BTF to relocate against, in place of the kernel's. */
  readonly btfPath: string | undefined;
  /** Lines `CONFIG_…=…` that override the kernel's configuration. */
  readonly kconfig: string | undefined;
  /** The directory of a BPF file system to make a token of. */
  readonly tokenPath: string | undefined;
}

/** An object of libbpf's that ends with this isolate, if not before. */
class OpenObject implements Held {
  readonly #handle: bigint;

  constructor(handle: bigint) {
    this.#handle = handle;
    hold(this);
  }

  /** Closes it. A second call does nothing. */
  close(): void {
    if (letGo(this)) this.end();
  }

  end(): void {
    libbpf().bpf_object__close(this.#handle);
  }
}

/** Frees what was dropped without `close`: a net, not the way. */
const net = new FinalizationRegistry<OpenObject>((open) => open.close());

/** An object of libbpf's. */
export class NativeObject implements Owner {
  /** Its maps, those of sections too. */
  readonly maps: readonly NativeMap[];
  /** Its programs. */
  readonly programs: readonly NativeProgram[];
  readonly #open: OpenObject;
  #handle: bigint;
  #closed = false;
  #holders = 1;

  private constructor(handle: bigint) {
    this.#handle = handle;
    this.#open = new OpenObject(handle);
    net.register(this, this.#open, this);
    const { bpf_object__next_map, bpf_object__next_program } = libbpf();
    const maps: NativeMap[] = [];
    let map = 0n;
    while ((map = bpf_object__next_map(handle, map)) !== 0n) {
      maps.push(new NativeMap(this, map));
    }
    const programs: NativeProgram[] = [];
    let program = 0n;
    while ((program = bpf_object__next_program(handle, program)) !== 0n) {
      programs.push(new NativeProgram(this, program));
    }
    this.maps = maps;
    this.programs = programs;
  }

  /**
   * Opens an object.
   *
   * @throws {SystemError} with libbpf's reason.
   */
  static open(request: OpenRequest): NativeObject {
    const { bytes } = request;
    const options = new OptionsHolder(request);
    held.options = options;
    try {
      const { bpf_object__open_mem, libbpf_get_error } = libbpf();
      const { result, warnings } = listening(() => {
        const size = BigInt(bytes.length);
        const handle = bpf_object__open_mem(bytes, size, options.bytes);
        const failed = handle === 0n || handle > HIGHEST_ADDRESS;
        return { handle, failed, error: failed ? libbpf_get_error(0n) : 0 };
      });
      if (result.failed) {
        // Should something have overwritten errno, it was an invalid argument.
        const errno = result.error < 0 ? -result.error : EINVAL;
        throw new SystemError(
          libbpfErrorInit(errno, "bpf_object__open_mem", openHint(warnings)),
        );
      }
      return new NativeObject(result.handle);
    } finally {
      held.options = undefined;
    }
  }

  /** True if it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The `struct bpf_object *`. @throws {ClosedError} if it is closed. */
  get handle(): bigint {
    if (this.#closed) throw new ClosedError("The BPF object is closed");
    return this.#handle;
  }

  /** Its BTF, with the sizes and offsets of sections; undefined without. */
  btf(): Uint8Array<ArrayBuffer> | undefined {
    const { bpf_object__btf, btf__raw_data } = libbpf();
    const btf = bpf_object__btf(this.handle);
    if (btf === 0n) return undefined;
    const size = new Uint32Array(new ArrayBuffer(4));
    const address = btf__raw_data(btf, size);
    if (address === 0n) return undefined;
    const bytes = new Uint8Array(new ArrayBuffer(size[0]!));
    libc().copyFrom(bytes, address, BigInt(size[0]!));
    return bytes;
  }

  /** The descriptor of its BTF in the kernel; negative without, and before `load`. */
  get btfFd(): number {
    return libbpf().bpf_object__btf_fd(this.handle);
  }

  /**
   * Loads it: makes the maps, relocates the programs, and has the kernel verify
   * them. An object that failed to load is of no further use.
   *
   * @returns 0 or the negative error number, and what libbpf warned of.
   */
  load(): { readonly result: number; readonly warnings: string } {
    const release = this.retain();
    try {
      const handle = this.#handle;
      return listening(() => libbpf().bpf_object__load(handle));
    } finally {
      release();
    }
  }

  /**
   * Keeps libbpf's object after `close`, for a call or a link that libbpf needs
   * it for.
   *
   * @returns Undoes it. A second call does nothing.
   */
  retain(): () => void {
    if (this.#closed) throw new ClosedError("The BPF object is closed");
    this.#holders++;
    let retained = true;
    return () => {
      if (!retained) return;
      retained = false;
      this.#release();
    };
  }

  #release(): void {
    if (--this.#holders !== 0) return;
    this.#handle = 0n;
    net.unregister(this);
    this.#open.close();
  }

  /**
   * Closes it: programs and maps can no longer be had. A second call does
   * nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
  }
}

/** The likely remedy, with what libbpf said. */
function openHint(said: string): string {
  if (/BTF is required/.test(said)) {
    return `the object's maps have no types: compile it with clang -g (${said})`;
  }
  const undefinedName = /failed to find BTF for extern '([^']*)'/.exec(said)
    ?.[1];
  return undefinedName === undefined
    ? said
    : `${undefinedName} is declared and not defined: link the object that has it (bpftool gen object), or declare what is the kernel's as __ksym (${said})`;
}

/** The options while libbpf reads them: addresses alone do not keep them. */
const held: { options: OptionsHolder | undefined } = { options: undefined };

class OptionsHolder {
  /** The option struct. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The texts that it points to. */
  readonly texts: Block[] = [];

  constructor(
    { name, pinRoot, btfPath, kconfig, tokenPath }: OpenRequest,
  ) {
    const size = sizeOf(OpenOptions);
    this.bytes = new Uint8Array(new ArrayBuffer(size));
    const options = pointer(OpenOptions, this.bytes);
    options.sz = BigInt(size);
    options.object_name = this.#textAddress(name);
    options.pin_root_path = this.#textAddress(pinRoot);
    options.btf_custom_path = this.#textAddress(btfPath);
    options.kconfig = this.#textAddress(kconfig);
    options.bpf_token_path = this.#textAddress(tokenPath);
  }

  #textAddress(text: string | undefined): bigint {
    if (text === undefined) return 0n;
    const block = Block.of(cString(text));
    this.texts.push(block);
    return block.address;
  }
}
