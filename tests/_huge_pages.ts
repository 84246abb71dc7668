/** The pool of huge pages, which the machine has one of. */

const POOL = "/proc/sys/vm/nr_hugepages";

/**
 * Nobody else's tests change the pool while there is one of these: they wait, in
 * whichever process.
 */
export class HugePagePool implements Disposable {
  readonly #lock = Deno.openSync(POOL);
  readonly #before: string;

  /** Waits for its turn. */
  constructor() {
    this.#lock.lockSync(true);
    this.#before = Deno.readTextFileSync(POOL);
  }

  /** The number of pages in the pool. */
  get count(): number {
    return Number(Deno.readTextFileSync(POOL));
  }

  set count(count: number) {
    Deno.writeTextFileSync(POOL, `${count}`);
  }

  /** The pool has as many as before again, where they were others. */
  [Symbol.dispose](): void {
    if (this.count !== Number(this.#before)) {
      Deno.writeTextFileSync(POOL, this.#before);
    }
    this.#lock.close();
  }
}
