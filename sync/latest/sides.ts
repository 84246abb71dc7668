/** The two sides of the newest value. */

import { ClosedError } from "../../errors.ts";
import { type Make, maker } from "../../layout/access/make_pointer.ts";
import {
  type AccessMode,
  READABLE,
  WRITABLE,
} from "../../layout/access/plan.ts";
import { checkType } from "../../layout/mod.ts";
import type { Pointer, PointerTo, Type, View } from "../../layout/mod.ts";
import {
  agree,
  type Peer,
  Side,
  type SideOptions,
  takesOver,
} from "../shared/owner.ts";
import { SharedWord } from "../shared/order.ts";
import { type ReadyOptions, sleepUntil } from "../shared/sleep.ts";
import { type Placed, structureAt } from "../shared/structure.ts";
import { stateOf, submitted, taken } from "./state.ts";
import { BUFFERS, type LatestType, OFFSETS } from "./type.ts";

/** The common part of both sides. */
class End implements Disposable {
  readonly placed: Placed;
  readonly state: SharedWord;
  readonly peerSide: Side;
  readonly #side: Side;
  readonly #make: Make;
  readonly #title: string;
  #closed = false;

  constructor(
    placed: Placed,
    title: "writer" | "reader",
    mode: AccessMode,
    takeOver: boolean,
  ) {
    const { region, at, element, name } = placed;
    checkType(element);
    agree(region, at + OFFSETS.format, name, BUFFERS, element.size);
    this.placed = placed;
    this.state = this.word("state");
    this.#make = maker(element, mode, element.name);
    this.#title = title;
    const side = (title: "writer" | "reader") =>
      new Side(
        region,
        at + OFFSETS[title],
        at + OFFSETS.pidNamespace,
        `${name}: The ${title}'s side`,
      );
    this.#side = side(title);
    this.peerSide = side(title === "writer" ? "reader" : "writer");
    this.#side.take(takeOver);
  }

  word(field: keyof typeof OFFSETS): SharedWord {
    return new SharedWord(this.placed.region, this.placed.at + OFFSETS[field]);
  }

  /** A pointer to a buffer, or a view of it. */
  buffer(index: number): object {
    const { region, at, element: { size } } = this.placed;
    return this.#make(region, at + OFFSETS.slots + index * size, size);
  }

  get closed(): boolean {
    return this.#closed;
  }

  textOf(name: string): string {
    return `${name} { ${this.placed.name}${this.#closed ? ", closed" : ""} }`;
  }

  requireOpen(): void {
    if (this.#closed) {
      throw new ClosedError(`The ${this.#title}'s side is closed`);
    }
  }

  /**
   * Gives the side back, and wakes who sleeps; once more does nothing.
   *
   * @param ended The word to tell that the side came to an end, if any.
   */
  close(ended?: SharedWord): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.placed.region.closed) return;
    // Whoever took the side over goes on.
    if (this.#side.held) ended?.store(1);
    this.#side.giveBack();
    this.state.wake();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The writer of a {@linkcode Latest}: one thread, in one process. If the thread
 * ends without `close`, only the value that it did not submit is lost.
 */
export class LatestWriter<T extends Type> implements Disposable {
  readonly #end: End;
  readonly #ended: SharedWord;
  readonly #readerSleeps: SharedWord;
  #draft: Pointer<T> | undefined;

  private constructor(placed: Placed, takeOver: boolean) {
    this.#end = new End(placed, "writer", WRITABLE, takeOver);
    this.#ended = this.#end.word("ended");
    this.#readerSleeps = this.#end.word("readerSleeps");
    this.#ended.store(0);
  }

  /**
   * Takes the writer's side for this thread.
   *
   * @param latest A pointer to a `Latest`.
   * @param options The option to take the side over from a thread that lives.
   * @throws {TypeError} if it is not one.
   * @throws {OwnedError} if a thread that may be alive has the side.
   * @throws {CorruptError} if values of another size lie there.
   * @throws {InvalidTypeError} if there are no pointers to the values.
   * @throws {ClosedError} if the memory is closed.
   * @throws {NotSupportedError | SystemError} if there is no `/proc`, or it cannot be
   * read.
   */
  static open<T extends Type>(
    latest: PointerTo<LatestType<T>>,
    options?: SideOptions,
  ): LatestWriter<T> {
    const takeOver = takesOver(options);
    return new LatestWriter<T>(structureAt("Latest", latest), takeOver);
  }

  /**
   * The value to be submitted next, to be filled in place: it holds some
   * earlier value. After {@linkcode submit}, the draft is another value.
   *
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote an impossible state.
   */
  get draft(): Pointer<T> {
    this.#end.requireOpen();
    const { state, placed } = this.#end;
    return this.#draft ??= this.#end.buffer(
      stateOf(state, placed.name).back,
    ) as Pointer<T>;
  }

  /**
   * Makes the draft the newest value, and wakes the reader where it sleeps.
   *
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote an impossible state.
   */
  submit(): void {
    this.#end.requireOpen();
    const { state, placed } = this.#end;
    this.#draft = undefined;
    while (true) {
      const before = stateOf(state, placed.name);
      if (state.replace(before.word, submitted(before))) break;
    }
    if (this.#readerSleeps.load() === 0) return;
    this.#readerSleeps.store(0);
    state.wake();
  }

  /** The reader. */
  get peer(): Peer {
    return this.#end.peerSide.peer;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#end.closed;
  }

  /**
   * Gives the side back: the reader comes to an end. A second call does
   * nothing.
   */
  close(): void {
    this.#end.close(this.#ended);
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#end in this)) return "[prototype]";
    return this.#end.textOf("LatestWriter");
  }
}

/**
 * The reader of a {@linkcode Latest}: one thread, in one process. If the thread
 * ends without `close`, the next reader takes the side over and reads the
 * newest value.
 */
export class LatestReader<T extends Type> implements Disposable {
  readonly #end: End;
  readonly #ended: SharedWord;
  readonly #readerSleeps: SharedWord;

  private constructor(placed: Placed, takeOver: boolean) {
    this.#end = new End(placed, "reader", READABLE, takeOver);
    this.#ended = this.#end.word("ended");
    this.#readerSleeps = this.#end.word("readerSleeps");
  }

  /**
   * Takes the reader's side for this thread; takes and throws what
   * `LatestWriter.open` does.
   */
  static open<T extends Type>(
    latest: PointerTo<LatestType<T>>,
    options?: SideOptions,
  ): LatestReader<T> {
    const takeOver = takesOver(options);
    return new LatestReader<T>(structureAt("Latest", latest), takeOver);
  }

  /**
   * The newest value, in place: the view is good until the next `read`. From
   * then on the writer may have the buffer.
   *
   * @returns A view of it; undefined before anything was submitted.
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote an impossible state.
   */
  read(): View<T> | undefined {
    this.#end.requireOpen();
    const { state, placed } = this.#end;
    while (true) {
      const before = stateOf(state, placed.name);
      if (!before.ever) return undefined;
      if (!before.fresh) return this.#end.buffer(before.front) as View<T>;
      if (state.replace(before.word, taken(before))) {
        return this.#end.buffer(before.middle) as View<T>;
      }
    }
  }

  /**
   * True if there is a value that was not read.
   *
   * @throws {ClosedError} if the side or the memory is closed.
   * @throws {CorruptError} if another program wrote an impossible state.
   */
  get fresh(): boolean {
    this.#end.requireOpen();
    return stateOf(this.#end.state, this.#end.placed.name).fresh;
  }

  /**
   * Waits until there is a value that was not read. The event loop stays alive
   * while it waits.
   *
   * @param options The signal that ends it.
   * @returns True; false once the writer has closed its side and the newest was
   * read.
   * @throws {PeerDiedError} if there is none, and the writer ended without closing
   * its side.
   * @throws {ClosedError} if the side or the memory is closed, also while it waits.
   * @throws {CorruptError} if another program wrote an impossible state.
   */
  async ready(options?: ReadyOptions): Promise<boolean> {
    const end = this.#end;
    end.requireOpen();
    const { region, at, name } = end.placed;
    const result = await sleepUntil({
      region,
      offset: at + OFFSETS.state,
      index: end.state,
      sleeps: this.#readerSleeps,
      peer: end.peerSide,
      peerName: `${name}: The writer`,
      look: () => {
        if (end.closed) return false;
        // First whether it ended: what it submitted before is there then.
        const hasEnded = this.#ended.load() !== 0;
        if (stateOf(end.state, name).fresh) return true;
        return hasEnded ? false : undefined;
      },
    }, options);
    end.requireOpen();
    return result;
  }

  /** The writer. */
  get peer(): Peer {
    return this.#end.peerSide.peer;
  }

  /** True once closed. */
  get closed(): boolean {
    return this.#end.closed;
  }

  /** Gives the side back. A second call does nothing. */
  close(): void {
    this.#end.close();
  }

  /** Closes it at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The text that `console.log` and `Deno.inspect` show. */
  [Symbol.for("Deno.customInspect")](): string {
    if (!(#end in this)) return "[prototype]";
    return this.#end.textOf("LatestReader");
  }
}
