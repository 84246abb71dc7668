import { libbpfAttach } from "./attach_functions.ts";
import { closeDescriptor } from "../../ffi/mod.ts";
import { type Held, hold, letGo } from "../../ffi/isolate_end.ts";
import { Attachment } from "../kernel_object.ts";

const SEVERAL =
  "the program is attached to several events, or, before Linux 5.15, to one";

/**
 * A link that libbpf made of an event, or of several: to end it takes more than
 * to close the link's descriptor, and only libbpf knows what.
 */
export class NativeLink extends Attachment {
  override readonly whyUnlinked: string;
  readonly #release: () => void;
  /** Ends it with this isolate, if that ends before the process. */
  readonly #held: Held;
  #handle: bigint;
  #fd: number;
  /** True if it shall go on when this is closed, because it is pinned. */
  stays = false;

  /**
   * Takes over a link of libbpf's.
   *
   * @param release Lets go of the object that its program is of, retained for it.
   * @param handle The `struct bpf_link *`.
   * @param fd The descriptor of the kernel's link; -1 where there is no one link.
   * @param unlinked The reason why the kernel has no link for it and keeps the
   * attachment when the process ends.
   */
  constructor(
    release: () => void,
    handle: bigint,
    fd: number,
    unlinked?: string,
  ) {
    super();
    this.whyUnlinked = unlinked ?? SEVERAL;
    const outlivesProcess = unlinked !== undefined;
    this.#held = { end: () => this.#end(), outlivesProcess };
    this.#release = release;
    this.#handle = handle;
    this.#fd = fd;
    hold(this.#held);
  }

  override get fd(): number {
    return this.#fd;
  }

  override close(): void {
    if (letGo(this.#held)) this.#end();
  }

  #end(): void {
    const handle = this.#handle;
    this.#handle = 0n;
    const { bpf_link__disconnect, bpf_link__destroy } = libbpfAttach();
    if (this.stays) {
      // libbpf would stop the event. So its descriptor, whose number libbpf
      // does not tell, stays open for as long as the process.
      bpf_link__disconnect(handle);
      closeDescriptor(this.#fd);
    }
    bpf_link__destroy(handle);
    this.#fd = -1;
    this.#release();
  }
}
