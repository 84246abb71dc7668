/**
 * Waits for descriptors without holding the event loop up: all that this thread
 * waits for share one epoll instance and, while anything waits, one call of
 * `epoll_wait` on a thread of Deno's pool.
 *
 * Descriptors are watched edge-triggered. Level-triggered, one that stays ready
 * ends every wait at once, and a ring buffer stays ready while its first record
 * is reserved and not committed: the wait would be a busy one.
 */

import {
  addToEpoll,
  check,
  createEpoll,
  createWaker,
  EPOLLET,
  EpollEvents,
  EPOLLIN,
  removeFromEpoll,
  wakeUp,
} from "../../ffi/mod.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import { PoolReturn } from "../../ffi/pool_return.ts";

/** The parts that waiting takes, while anything is watched. */
interface Poll {
  readonly epoll: Descriptor;
  readonly waker: Descriptor;
  readonly events: EpollEvents;
}

/** An object that keeps a descriptor open for as long as it is kept. */
export interface Watched {
  /** The descriptor. */
  readonly fd: number;
}

/**
 * A {@linkcode Watch} as it is known here; it does not keep that alive. It does
 * keep the watched objects: epoll knows a file by the number of its descriptor, and
 * would know the next one under that number, a duplicate of the same map, as one
 * that it watches already.
 */
interface Entry {
  readonly token: number;
  readonly watched: readonly Watched[];
  /** True if there was an event that nobody has waited for yet. */
  ready: boolean;
  /** Ends a wait that is under way. */
  settle: ((error?: unknown) => void) | undefined;
}

/** The token of the waker; watches have others. */
const WAKER = 0;

/**
 * The number of microtasks that pass before the other thread waits again, if others
 * wait. By then the loop that was told has read its record: a sixth sooner than if
 * the thread were asked to wait first.
 */
const TURNS = 4;

let poll: Poll | undefined;
let lastToken = WAKER;
let waiting = 0;
let running = false;
const interrupted = new PoolReturn();
const entries = new Map<number, Entry>();

/** Takes out watches that were dropped without `close`: a net, not the way. */
const net = new FinalizationRegistry<Entry>(forget);

function openPoll(): Poll {
  const epoll = new Descriptor(check(createEpoll(), "epoll_create1"));
  let waker: Descriptor | undefined;
  try {
    waker = new Descriptor(check(createWaker(), "eventfd"));
    check(
      addToEpoll(epoll.fd, waker.fd, EPOLLIN | EPOLLET, WAKER),
      "epoll_ctl",
    );
    return { epoll, waker, events: new EpollEvents() };
  } catch (error) {
    waker?.close();
    epoll.close();
    throw error;
  }
}

/** Not while the other thread waits: the numbers could be others' by then. */
function closePollIfUnused(): void {
  if (poll === undefined || running || entries.size > 0) return;
  const { epoll, waker, events } = poll;
  poll = undefined;
  epoll.close();
  waker.close();
  events.free();
}

function forget(entry: Entry): void {
  entries.delete(entry.token);
  if (poll !== undefined) {
    for (const { fd } of entry.watched) removeFromEpoll(poll.epoll.fd, fd);
  }
  closePollIfUnused();
}

/** Ends a wait; true if there was one. */
function settle(entry: Entry, error?: unknown): boolean {
  const { settle } = entry;
  if (settle === undefined) return false;
  entry.settle = undefined;
  waiting--;
  settle(error);
  return true;
}

async function run({ epoll, events }: Poll): Promise<void> {
  running = true;
  try {
    while (waiting > 0) {
      const count = await events.wait(epoll.fd);
      interrupted.happened();
      if (count >= 0) tell(events, events.take(count));
      else tell(events, check(events.poll(epoll.fd), "epoll_wait"));
      for (let i = 0; i < TURNS && waiting > 0; i++) await undefined;
    }
  } catch (error) {
    for (const entry of [...entries.values()]) settle(entry, error);
  } finally {
    running = false;
    interrupted.happened();
    closePollIfUnused();
  }
}

/** Tells watches that they have events. */
function tell(events: EpollEvents, count: number): void {
  for (let i = 0; i < count; i++) {
    const entry = entries.get(events.tokenAt(i));
    if (entry !== undefined && !settle(entry)) entry.ready = true;
  }
}

/** Some descriptors that are waited for together. */
export class Watch {
  #entry: Entry | undefined;

  /**
   * Begins to watch. A descriptor that is ready already counts as an event.
   *
   * @param watched The objects that keep the descriptors open until `close`.
   * @param interest The events to wait for: `EPOLLIN`, `EPOLLOUT`.
   * @throws {SystemError} with the kernel's reason, as in epoll_ctl(2).
   */
  constructor(watched: readonly Watched[], interest: number = EPOLLIN) {
    const opened = poll ??= openPoll();
    const entry: Entry = {
      token: lastToken = nextToken(),
      watched,
      ready: false,
      settle: undefined,
    };
    entries.set(entry.token, entry);
    this.#entry = entry;
    net.register(this, entry, this);
    try {
      for (const { fd } of watched) {
        const what = interest | EPOLLET;
        check(addToEpoll(opened.epoll.fd, fd, what, entry.token), "epoll_ctl");
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Resolves at the next event, at once if there was one since the last, and
   * when the watch is closed. What is ready and has not changed is no event. One
   * wait at a time.
   *
   * @throws {SystemError} if waiting fails, as in epoll_wait(2).
   */
  next(): Promise<void> {
    const entry = this.#entry;
    if (entry === undefined || poll === undefined) return Promise.resolve();
    if (entry.ready) {
      entry.ready = false;
      return Promise.resolve();
    }
    if (entry.settle !== undefined) {
      throw new TypeError("Cannot wait: a wait is under way already");
    }
    const opened = poll;
    return new Promise((resolve, reject) => {
      entry.settle = (error) => error === undefined ? resolve() : reject(error);
      waiting++;
      if (!running) run(opened);
    });
  }

  /**
   * Ends a wait that is under way, as an event would: at once, or, where it was
   * the last, when the other thread has returned.
   */
  interrupt(): void {
    const { settle } = this.#entry ?? {};
    if (settle === undefined) return;
    this.#entry!.settle = undefined;
    waiting--;
    if (waiting > 0 || poll === undefined) return settle();
    interrupted.expect(settle);
    // Else the other thread would wait on, and hold the event loop.
    wakeUp(poll.waker.fd);
  }

  /**
   * Watches no longer, and ends a wait that is under way. A second call does
   * nothing.
   */
  close(): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    this.interrupt();
    this.#entry = undefined;
    net.unregister(this);
    forget(entry);
  }
}

/** A number of 32 bits that no watch has. */
function nextToken(): number {
  let token = lastToken;
  do token = (token + 1) >>> 0; while (token === WAKER || entries.has(token));
  return token;
}
