/**
 * Waiting for descriptors: `epoll(7)`, and an `eventfd(2)` to end a wait. Each
 * call gives its result or a negative error number.
 */

import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
} from "../constants.ts";
import { resultOf } from "../errno/errno.ts";
import { libcPoll } from "../libc/functions.ts";
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
 * @param events What to wait for (`EPOLL*`).
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

/** Room that the kernel puts events in. */
export class EpollEvents {
  readonly #words = new Uint32Array(
    new ArrayBuffer(EVENTS_MAX * WORDS_MAX * 4),
  );

  /** The token of an event's descriptor, as {@linkcode addToEpoll} was given it. */
  tokenAt(index: number): number {
    const stride = platform().epollEventWords;
    return this.#words[index * stride + stride - 2] ?? 0;
  }

  /** Fetches the events that there are now: how many, or the negative reason. */
  poll(epoll: number): number {
    return resultOf(() =>
      libcPoll().epoll_wait(epoll, this.#words, EVENTS_MAX, 0)
    );
  }
}

/**
 * Waits on another thread until there may be events, or a few seconds have
 * passed; {@linkcode EpollEvents.poll} tells which there are, and why a wait
 * failed.
 *
 * The isolate may end meanwhile, which the thread is not told. So it is given no
 * memory to write to, which might be freed by then: to an event the kernel says
 * EFAULT, and keeps it. And it never waits for long, as it could not be woken.
 *
 * @returns True if there may be events; false if only time has passed.
 */
export async function waitForEvents(epoll: number): Promise<boolean> {
  return await libcPoll().epollWaitElsewhere(epoll, null, 1, WAIT_MS) !== 0;
}

/** Makes a descriptor that wakes: it, or the negative reason. */
export function createWaker(): number {
  return resultOf(() => libcPoll().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

/** Wakes whoever waits for the descriptor: 0, or the negative reason. */
export function wakeUp(waker: number): number {
  return resultOf(() => libcPoll().eventfd_write(waker, 1n));
}
