/**
 * Waiting for a word of memory that processes share: `futex(2)` without
 * `FUTEX_PRIVATE_FLAG`, and `futex_waitv(2)`, which waits for several. Each call
 * gives its result or a negative error number.
 */

import {
  EAGAIN,
  EINTR,
  EINVAL,
  ENOMEM,
  ETIMEDOUT,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
} from "../constants.ts";
import { resultOf, resultOfOne } from "../errno/errno.ts";
import { check, systemError } from "../errno/system_error.ts";
import { libcClock } from "../libc/clock_functions.ts";
import { libc } from "../libc/functions.ts";
import { libcFutex } from "../libc/futex_functions.ts";
import { pageSize } from "./page_size.ts";

/** `asm/unistd_64.h`: the number of `futex`. */
const FUTEX = Deno.build.arch === "x86_64" ? 202n : 98n;
/** `asm-generic/unistd.h`: the number of `futex_waitv` (Linux 5.16). */
const FUTEX_WAITV = 449n;
/** `linux/futex.h` */
const FUTEX_WAIT = 0;
/** `linux/futex.h` */
const FUTEX_WAKE = 1;
/** `linux/futex.h`: a word of 32 bits. */
const FUTEX_32 = 2;
/** `linux/time.h` */
const CLOCK_MONOTONIC = 1;

/** `linux/futex.h`, `FUTEX_WAITV_MAX`: how many words one call waits for. */
const WAITV_MAX = 128;
/** The size of a `struct futex_waitv { u64 val; u64 uaddr; u32 flags, reserved }`. */
const WAITER_SIZE = 24;

/**
 * The offsets of the parts of a page: waiters, a `struct timespec`, the waker's
 * word.
 */
const TIME_AT = WAITV_MAX * WAITER_SIZE;
const WAKER_AT = TIME_AT + 16;

/** The longest that a thread waits at once, in milliseconds. */
const WAIT_MS = 2000;
/** The same for a thread that nothing can wake. */
const SINGLE_WAIT_MS = 500;

const time = new BigInt64Array(new ArrayBuffer(16));

function setTime(milliseconds: number): void {
  const whole = Math.floor(milliseconds);
  time[0] = BigInt(Math.floor(whole / 1000));
  time[1] = BigInt(whole % 1000) * 1_000_000n +
    BigInt(Math.floor((milliseconds - whole) * 1e6));
}

/** The reasons for which a wait ends without a wake-up. */
const endings = new Set([-EAGAIN, -ETIMEDOUT, -EINTR]);

/**
 * Sleeps while a word has a value: true if it was woken; false if the value was
 * another, the time is over, or a signal came.
 *
 * @param word The word, whose bytes do not move.
 * @param milliseconds The longest time to sleep.
 * @throws {SystemError} with the kernel's reason, as in futex(2).
 */
export function waitForWord(
  word: Uint8Array,
  value: number,
  milliseconds: number,
): boolean {
  setTime(milliseconds);
  const bytes = word as BufferSource;
  const result = resultOfOne(() =>
    libcFutex().futex(FUTEX, bytes, FUTEX_WAIT, value >>> 0, time)
  );
  if (result < 0 && !endings.has(result)) throw systemError(-result, "futex");
  return result === 0;
}

/**
 * Wakes who sleeps for a word, in whichever process: how many, or the negative
 * reason.
 */
export function wakeWord(word: Uint8Array, count: number): number {
  const bytes = word as BufferSource;
  return resultOf(() =>
    libcFutex().futex(FUTEX, bytes, FUTEX_WAKE, count, null)
  );
}

let hasWaitv: boolean | undefined;

/**
 * Tests whether the kernel can wait for several words. An older one says
 * ENOSYS, and a container's seccomp profile that does not know the call EPERM.
 */
export function canWaitForWords(): boolean {
  // Of no words it says EINVAL, if it knows the call.
  return hasWaitv ??=
    resultOf(() =>
      libcFutex().futexWaitv(FUTEX_WAITV, 0n, 0, 0, 0n, CLOCK_MONOTONIC)
    ) === -EINVAL;
}

/** A word to wait for: where it lies, and the value while which to sleep. */
export interface AwaitedWord {
  /** The address. */
  readonly address: bigint;
  /** The value, as 32 bits without sign. */
  readonly value: number;
}

/**
 * Waits on a thread of Deno's pool.
 *
 * The isolate may end meanwhile, which the thread is not told. So what it reads
 * lies in a page that is never given back, one for each of these; and it never
 * waits for long, as it could not be woken.
 */
export abstract class WaitingThread {
  /** The most words that it waits for. */
  abstract readonly wordsMax: number;
  /** The page. */
  readonly page: bigint;

  /** @throws {SystemError} with ENOMEM, if there is no page. */
  constructor() {
    const protection = PROT_READ | PROT_WRITE;
    const flags = MAP_PRIVATE | MAP_ANONYMOUS;
    const size = BigInt(pageSize());
    this.page = libc().mmapAnywhere(0n, size, protection, flags, -1, 0n);
    if (BigInt.asIntN(64, this.page) === -1n) throw systemError(ENOMEM, "mmap");
  }

  /** Writes to the page. */
  protected put(bytes: ArrayBufferView, at: number): void {
    libcFutex().copyTo(
      this.page + BigInt(at),
      bytes as BufferSource,
      BigInt(bytes.byteLength),
    );
  }

  /**
   * Waits until one of the words has another value than it should or its
   * sleepers are woken, {@linkcode wake} is called, or a while has passed.
   *
   * @returns The index of a word whose sleepers were woken; -1 where none is
   * known of.
   * @throws {SystemError} with the kernel's reason, as in futex_waitv(2).
   */
  abstract wait(words: readonly AwaitedWord[]): Promise<number>;

  /** Ends a wait that is under way, where that can be. */
  abstract wake(): void;
}

/** A thread that waits for up to 127 words (Linux 5.16), and can be woken. */
export class VectorThread extends WaitingThread {
  override readonly wordsMax: number = WAITV_MAX - 1;
  readonly #waiters = new DataView(new ArrayBuffer(TIME_AT));
  readonly #waker = new Uint32Array(new ArrayBuffer(4));

  override async wait(words: readonly AwaitedWord[]): Promise<number> {
    const waker = {
      address: this.page + BigInt(WAKER_AT),
      value: this.#waker[0]!,
    };
    [...words, waker].forEach(({ address, value }, index) => {
      const at = index * WAITER_SIZE;
      this.#waiters.setBigUint64(at, BigInt(value), true);
      this.#waiters.setBigUint64(at + 8, address, true);
      this.#waiters.setUint32(at + 16, FUTEX_32, true);
    });
    this.put(this.#waiters, 0);
    // The time at which to end, so that it does not matter when it begins.
    check(
      resultOf(() => libcClock().clock_gettime(CLOCK_MONOTONIC, time)),
      "clock_gettime",
    );
    time[0]! += BigInt(WAIT_MS / 1000);
    this.put(time, TIME_AT);
    const count = words.length + 1;
    const args = [
      FUTEX_WAITV,
      this.page,
      count,
      0,
      this.page + BigInt(TIME_AT),
      CLOCK_MONOTONIC,
    ] as const;
    const result = await libcFutex().futexWaitvElsewhere(...args);
    if (result >= 0) return result < words.length ? result : -1;
    // Why, this thread does not know: it asks once more, for no time at all.
    time[0] = time[1] = 0n;
    this.put(time, TIME_AT);
    const again = resultOfOne(() => libcFutex().futexWaitv(...args));
    if (again >= 0) return again < words.length ? again : -1;
    if (!endings.has(again)) throw systemError(-again, "futex_waitv");
    return -1;
  }

  override wake(): void {
    this.#waker[0]!++;
    this.put(this.#waker, WAKER_AT);
    libcFutex().futexAt(FUTEX, this.page + BigInt(WAKER_AT), FUTEX_WAKE, 1);
  }
}

/** A thread that waits for one word, on any kernel, and cannot be woken. */
export class SingleThread extends WaitingThread {
  override readonly wordsMax: number = 1;

  override async wait(
    [word]: readonly AwaitedWord[],
  ): Promise<number> {
    if (word === undefined) return -1;
    setTime(SINGLE_WAIT_MS);
    this.put(time, TIME_AT);
    const result = await libcFutex().futexElsewhere(
      FUTEX,
      word.address,
      FUTEX_WAIT,
      word.value,
      this.page + BigInt(TIME_AT),
    );
    return result === 0 ? 0 : -1;
  }

  override wake(): void {}
}
