/** The waiting of the sides of a shared structure for each other. */

import { setImmediate } from "node:timers/promises";
import { PeerDiedError } from "../../errors.ts";
import { requireOptions } from "../../base/arguments.ts";
import { requireSignal } from "../../base/abort_signal.ts";
import { crowds } from "../waiting/crowd.ts";
import { Waiter } from "../waiting/waiter.ts";
import { Word } from "../waiting/word.ts";
import type { Region } from "../../layout/region/region.ts";
import type { Side } from "./owner.ts";
import type { SharedWord } from "./order.ts";

/** Options of a wait for the other side. */
export interface ReadyOptions {
  /** Ends the wait: it is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The time between two checks that the other side lives, in milliseconds. */
const LOOK_MS = 250;

/**
 * The time after which the event loop has to turn, in milliseconds: a ring that
 * is never empty would keep timers and sockets waiting for ever.
 */
const TURN_AFTER = 10;

/**
 * The time for which a side looks again before it sleeps, in milliseconds: as long
 * as it takes to be woken. Where both sides slept at every turn, that would be all
 * that a ring does.
 */
const SPIN_MS = 0.05;

/** A sleep that was longer is followed by others, in milliseconds. */
const LONG_MS = 1;

/**
 * The time after which a thread that was to sleep surely does, in milliseconds.
 *
 * That the other side came to its end is no change of the index, which the kernel
 * compares: if it came while the thread was on its way, it woke nobody.
 */
const ASLEEP_MS = 1;

/** True if the other side can run meanwhile. */
const CAN_SPIN = navigator.hardwareConcurrency > 1;

/** True if the last sleep was long, as the next may be. */
let sleptLong = false;

/** The time of the event loop's last turn, as far as is known. */
let turned = performance.now();

/** A wait for the other side. */
export interface Sleep {
  /** The whole region. */
  readonly region: Region;
  /** The offset of the other's index, in bytes. */
  readonly offset: number;
  /** The other's index. */
  readonly index: SharedWord;
  /** The own flag. */
  readonly sleeps: SharedWord;
  /** The other side. */
  readonly peer: Side;
  /** The name that error messages give the other side. */
  readonly peerName: string;
  /**
   * Looks at what there is; undefined where there is reason to wait on. That the
   * own side was closed is none: who closes it wakes `index`.
   */
  look(): boolean | undefined;
}

/**
 * Waits until there is something.
 *
 * @throws {PeerDiedError} if the other side died, and there is nothing.
 * @throws {ClosedError} if the memory is closed.
 */
export async function sleepUntil(
  sleep: Sleep,
  options: ReadyOptions = {},
): Promise<boolean> {
  requireOptions(options, { signal: true });
  const signal = requireSignal(options.signal);
  while (true) {
    if (performance.now() - turned >= TURN_AFTER) {
      await setImmediate();
      turned = performance.now();
    }
    signal?.throwIfAborted();
    const seen = sleep.index.load();
    const before = sleep.look();
    if (before !== undefined) return before;
    if (spin(sleep.index, seen)) continue;
    sleep.sleeps.store(1);
    // The index is compared once more by the kernel; what else there is, here.
    if (sleep.index.load() !== seen || sleep.look() !== undefined) continue;
    if (!await waitFor(sleep, seen, signal)) continue;
    const after = sleep.look();
    if (after !== undefined) return after;
    if (sleep.peer.peer === "dead" && sleep.look() === undefined) {
      throw new PeerDiedError(
        `${sleep.peerName} ended without closing its side`,
      );
    }
  }
}

/** Looks for a while whether there is another index. */
function spin(index: SharedWord, seen: number): boolean {
  if (sleptLong || !CAN_SPIN) return false;
  const end = performance.now() + SPIN_MS;
  do {
    for (let i = 0; i < 16; i++) {
      if (index.load() !== seen) return true;
    }
  } while (performance.now() < end);
  return false;
}

/**
 * Waits for another index.
 *
 * @returns False if there was one already: the event loop has not turned then.
 */
async function waitFor(
  { region, offset, look }: Sleep,
  seen: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const begin = performance.now();
  const waiter = new Waiter(new Word(region, offset), seen >>> 0);
  if (!crowds.add(waiter)) {
    await waiter.promise;
    return false;
  }
  const onabort = () => waiter.fail(signal!.reason);
  signal?.addEventListener("abort", onabort);
  const lookAgain = setTimeout(() => {
    try {
      if (look() !== undefined) waiter.end("ok");
    } catch (error) {
      waiter.fail(error);
    }
  }, ASLEEP_MS);
  const timer = setTimeout(() => waiter.end("timed-out"), LOOK_MS);
  try {
    await waiter.promise;
    return true;
  } finally {
    turned = performance.now();
    sleptLong = turned - begin > LONG_MS;
    clearTimeout(lookAgain);
    clearTimeout(timer);
    signal?.removeEventListener("abort", onabort);
  }
}
