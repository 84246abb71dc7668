/**
 * Waiting for descriptors: `epoll(7)`, and an `eventfd(2)` to end a wait. Each
 * call gives its result or a negative error number.
 */

import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  ENOMEM,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
} from "../constants.ts";
import { resultOf } from "../errno/errno.ts";
import { systemError } from "../errno/system_error.ts";
import { libc, libcPoll } from "../libc/functions.ts";
import { platform } from "../libc/platform.ts";

/** The events that one wait tells of; the next tells of the rest. */
const EVENTS_MAX = 64;
/** The words of the larger of the two forms of a `struct epoll_event`. */
const WORDS_MAX = 4;

/** The longest that a thread waits at once, in milliseconds. */
const WAIT_MS = 2000;

// struct epoll_event { __u32 events; __u64 data; }
const request = new Uint32Array(new ArrayBuffer(WORDS_MAX * 4));

/** Makes an epoll instance: its descriptor, or the negative reason. */
export function createEpoll(): number {
  return resultOf(() => libcPoll().epoll_create1(EPOLL_CLOEXEC));
}

/**
 * Watches a descriptor: 0, or the negative reason.
 *
 * @param epoll The epoll instance.
 * @param fd The descriptor.
 * @param events The events to wait for (`EPOLL*`).
 * @param token 32 bits by which {@linkcode EpollEvents.tokenAt} knows it.
 */
export function addToEpoll(
  epoll: number,
  fd: number,
  events: number,
  token: number,
): number {
  const data = platform().epollEventWords - 2;
  for (let i = 0; i < WORDS_MAX; i++) request[i] = 0;
  request[0] = events;
  request[data] = token;
  return resultOf(() =>
    libcPoll().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, request)
  );
}

/** Watches a descriptor no longer: 0, or the negative reason. */
export function removeFromEpoll(epoll: number, fd: number): number {
  return resultOf(() =>
    libcPoll().epoll_ctl(epoll, EPOLL_CTL_DEL, fd, request)
  );
}

/**
 * Room that the kernel puts events in, while another thread waits for them.
 *
 * The isolate may end meanwhile, which the thread is not told, and with it all
 * memory of the engine's. So this is the C library's: what an isolate that ends
 * in a wait leaves behind is these {@linkcode EVENTS_MAX} events.
 */
export class EpollEvents {
  readonly #address: bigint;
  /** A copy of them, for this thread. */
  readonly #words = new Uint32Array(
    new ArrayBuffer(EVENTS_MAX * WORDS_MAX * 4),
  );

  /** Takes memory until {@linkcode free}. */
  constructor() {
    this.#address = libcPoll().malloc(BigInt(this.#words.byteLength));
    if (this.#address === 0n) throw systemError(ENOMEM, "malloc");
  }

  /** The token of an event's descriptor, as {@linkcode addToEpoll} was given it. */
  tokenAt(index: number): number {
    const stride = platform().epollEventWords;
    return this.#words[index * stride + stride - 2] ?? 0;
  }

  /**
   * Waits on another thread until there are events, or a few seconds have passed:
   * the isolate may end meanwhile, and the thread cannot be woken then.
   *
   * @returns The number of events; -1 if waiting failed. Then {@linkcode poll}
   * tells why, unless that was a signal.
   */
  wait(epoll: number): Promise<number> {
    return libcPoll().epollWaitElsewhere(
      epoll,
      this.#address,
      EVENTS_MAX,
      WAIT_MS,
    );
  }

  /** Takes over the events that a wait has ended with: how many. */
  take(count: number): number {
    if (count === 0) return 0;
    const { epollEventWords } = platform();
    const size = BigInt(count * epollEventWords * 4);
    libc().copyFrom(this.#words, this.#address, size);
    return count;
  }

  /** Fetches the events that there are now: how many, or the negative reason. */
  poll(epoll: number): number {
    return resultOf(() =>
      libcPoll().epoll_wait(epoll, this.#words, EVENTS_MAX, 0)
    );
  }

  /** Gives the memory back; not while another thread waits. */
  free(): void {
    libcPoll().free(this.#address);
  }
}

/** Makes a descriptor that wakes: it, or the negative reason. */
export function createWaker(): number {
  return resultOf(() => libcPoll().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/** Wakes whoever waits for the descriptor: 0, or the negative reason. */
export function wakeUp(waker: number): number {
  return resultOf(() => libcPoll().eventfd_write(waker, 1n));
}
