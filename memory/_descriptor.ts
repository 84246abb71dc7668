import { closeDescriptor } from "../ffi/mod.ts";

/** Closes what was dropped without `close`: a net, not the way. */
const net = new FinalizationRegistry<number>(closeDescriptor);

/** A descriptor that this package opened and closes. */
export class Descriptor {
  #fd: number;

  /** Takes over an open descriptor. */
  constructor(fd: number) {
    this.#fd = fd;
    net.register(this, fd, this);
  }

  /** Its number; -1 once closed. */
  get fd(): number {
    return this.#fd;
  }

  /** Closes it. Once more does nothing. */
  close(): void {
    if (this.#fd < 0) return;
    net.unregister(this);
    const fd = this.#fd;
    this.#fd = -1;
    closeDescriptor(fd);
  }
}
