/** Attachments that the kernel keeps, and has no link for. */

import { type Held, hold, letGo } from "../../ffi/isolate_end.ts";
import { Attachment } from "../kernel_object.ts";

/** The state of an attachment, at one moment. */
export interface AttachmentState<Target> {
  /** The id of the program that is attached. */
  readonly programId: number;
  /** The target that it is attached to. */
  readonly target: Target;
}

/** The newest attachments of this isolate to places that have room for one. */
const newest = new Map<string, Unlinked>();

/**
 * An attachment that the kernel has no link for: it stays until it is taken away,
 * also where the process is killed. `close` takes it away, and so does the end of
 * the isolate or process, where Deno tells of it by `unload`.
 */
export abstract class Unlinked<Target = unknown> extends Attachment {
  readonly #held: Held = {
    outlivesProcess: true,
    end: () => this.#end(),
  };

  readonly #place: string | undefined;

  /**
   * Begins to hold it: the last step, once it is attached.
   *
   * @param place Tells its place from all others, where a newer attachment
   * replaces this; undefined where there may be several.
   */
  constructor(place: string | undefined) {
    super();
    this.#place = place;
    this.#occupy();
    hold(this.#held);
  }

  #occupy(): void {
    if (this.#place !== undefined) newest.set(this.#place, this);
  }

  override get fd(): number {
    return -1;
  }

  /**
   * The state, asked of the kernel where that tells it.
   *
   * @throws {SystemError} with the kernel's reason, if it says that it is gone.
   */
  abstract state(): AttachmentState<Target>;

  /**
   * Puts another program in the place of this one.
   *
   * @param program Its descriptor.
   * @throws {SystemError} with the kernel's reason.
   */
  update(program: number): void {
    this.replace(program);
    this.#occupy();
  }

  /**
   * Takes it away; where it is gone, or has been replaced, nothing.
   *
   * @throws {SystemError} with the kernel's reason.
   */
  detach(): void {
    const place = this.#place;
    // The kernel may not tell two attachments of one program apart.
    if (place !== undefined && newest.get(place) !== this) return;
    this.remove();
    if (place !== undefined) newest.delete(place);
  }

  /** Has the kernel use another program. */
  protected abstract replace(program: number): void;

  /** Has the kernel take it away; where it is gone, or was replaced, nothing. */
  protected abstract remove(): void;

  /** Lets go of what this holds besides, once it is detached. */
  protected abstract release(): void;

  override close(): void {
    if (letGo(this.#held)) this.#end();
  }

  #end(): void {
    try {
      this.detach();
    } finally {
      this.release();
    }
  }
}
