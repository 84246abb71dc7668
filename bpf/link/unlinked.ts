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

  /** Begins to hold it: the last step, once it is attached. */
  constructor() {
    super();
    hold(this.#held);
  }

  override get fd(): number {
    return -1;
  }

  /**
   * Asks the kernel for its state.
   *
   * @throws {SystemError} with the kernel's reason, if it is gone.
   */
  abstract state(): AttachmentState<Target>;

  /**
   * Puts another program in the place of this one.
   *
   * @param program Its descriptor.
   * @throws {NotSupportedError} where that takes a link.
   * @throws {SystemError} with the kernel's reason.
   */
  abstract update(program: number): void;

  /**
   * Takes it away; where it is gone, or has been replaced, nothing.
   *
   * @throws {SystemError} with the kernel's reason.
   */
  abstract detach(): void;

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
