/**
 * The descriptors of a Worker, which libc closes when the Worker's thread ends:
 * after `terminate()`, `self.close()` or an uncaught error, of which Deno tells
 * no program.
 *
 * libc calls `close` for every number that a thread has registered, and knows no
 * way to take one back. So a number that is registered is never given away: it
 * is a slot, which refers to a placeholder whenever it is not in use.
 */

import { cString, duplicate, openFile } from "./calls/descriptors.ts";
import { EBUSY, O_CLOEXEC, O_PATH } from "./constants.ts";
import { resultOf } from "./errno/errno.ts";
import { libc, libcText, libcThread } from "./libc/functions.ts";

/** Slots that are not in use. */
const free: number[] = [];
/** Refers to nothing that matters; -1 before the first slot. */
let placeholder = -1;

/** Calls `close` for a number when this thread ends; false if it cannot. */
function closeWithThread(fd: number): boolean {
  const close = libcText().dlsym?.(0n, cString("close") as BufferSource) ?? 0n;
  if (close === 0n) return false;
  return libcThread().atThreadExit?.(close, BigInt(fd), close) === 0;
}

/** Has a number closed when this thread ends; -1 where that cannot be. */
function registered(fd: number): number {
  if (fd < 0 || closeWithThread(fd)) return fd;
  libc().close(fd);
  return -1;
}

function newSlot(): number {
  if (placeholder < 0) placeholder = registered(openFile("/", O_PATH));
  return placeholder < 0 ? -1 : registered(duplicate(placeholder));
}

/** Makes a slot refer to what a descriptor refers to. */
function refer(slot: number, fd: number): boolean {
  for (;;) {
    const result = resultOf(() => libcThread().dup3(fd, slot, O_CLOEXEC));
    // EBUSY: another thread is about to open a file, though not under this number.
    if (result !== -EBUSY) return result >= 0;
  }
}

/**
 * Moves a descriptor to a slot.
 *
 * @returns The slot, to be emptied by {@linkcode emptySlot}; undefined where
 * there can be none, and the descriptor stays where it is.
 */
export function moveToSlot(fd: number): number | undefined {
  const slot = free.pop() ?? newSlot();
  if (slot < 0) return undefined;
  if (!refer(slot, fd)) {
    free.push(slot);
    return undefined;
  }
  libc().close(fd);
  return slot;
}

/** Closes what a slot refers to. */
export function emptySlot(slot: number): void {
  if (refer(slot, placeholder)) free.push(slot);
}
