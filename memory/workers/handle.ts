/**
 * Handles of memory: making one, and following one that came from somewhere:
 * another thread, another version, a forger.
 */

import { ClosedError } from "../../errors.ts";
import { requireFileOffset, requireRange, requireSize } from "../ranges.ts";
import { type Control, CONTROL_SIZE, controlIn } from "./shared_state.ts";
import { readControlPage, type SharedPages } from "./shared_state_page.ts";
import { type Descriptor, duplicatePublished } from "../../ffi/descriptor.ts";
import { identityOf } from "./identity.ts";
import type { Mapping } from "../map/mapping.ts";
import {
  type Backing,
  type BackingHandle,
  backingHandle,
  type FoundBacking,
} from "./backing.ts";

/**
 * A message that leads to a memory: {@linkcode Memory.handle} gives it, for
 * `postMessage` and {@linkcode Memory.attach}. The rest of its content may
 * differ from version to version.
 */
export interface MemoryHandle {
  /** The kind of message, which tells it from others. */
  readonly kind: "hostmem.Memory";
}

const KIND: MemoryHandle["kind"] = "hostmem.Memory";

/**
 * A handle in full. That of read-only memory has no `pages`: a store to them
 * would end the process.
 */
interface Handle extends MemoryHandle {
  /** The WebAssembly.Memory of writable memory. */
  readonly pages: WebAssembly.Memory | undefined;
  /** The control of read-only memory, a SharedArrayBuffer. */
  readonly control: ArrayBufferLike | undefined;
  /** The way to what the memory is of, if that is necessary. */
  readonly backing: BackingHandle | undefined;
}

/** Makes a handle of memory that is open. */
export function makeHandle(
  mapping: Mapping,
  control: Control,
  size: number,
  backing: Backing | undefined,
): MemoryHandle {
  const handle: Handle = {
    kind: KIND,
    pages: mapping.shared ? mapping.memory : undefined,
    control: mapping.shared ? undefined : control.words.buffer,
    backing: backing && backingHandle(backing, size),
  };
  return handle;
}

/** The pages that a handle leads to, or what to map again, or both. */
export interface FoundMemory {
  /** The pages of writable memory. */
  readonly pages: SharedPages | undefined;
  /** The state of the memory. */
  readonly control: Control;
  /** The backing of the memory; its descriptor is the caller's to close. */
  readonly backing: FoundBacking | undefined;
}

/**
 * Follows a handle.
 *
 * @throws {TypeError} if it is none, or what it leads to is not as it says.
 * @throws {RangeError} if its numbers are none.
 * @throws {ClosedError} if the memory is closed.
 * @throws {SystemError} if there can be no more descriptors.
 */
export function followHandle(handle: unknown): FoundMemory {
  const { kind, pages, control, backing } = fieldsOf<Handle>(handle);
  if (kind !== KIND) throw badHandle(`its kind must be "${KIND}"`);
  const shared = pages === undefined ? undefined : readControlPage(pages);
  if (pages !== undefined && shared === undefined) {
    throw badHandle("its pages are no memory made for Workers");
  }
  const state = shared?.control ?? readControl(control);
  if (!state.open) throw new ClosedError("The memory is closed");
  if (shared === undefined && backing === undefined) {
    throw badHandle("it must have pages, or an backing");
  }
  return {
    pages: shared,
    control: state,
    backing: backing === undefined ? undefined : followBacking(backing),
  };
}

function followBacking(backing: unknown): FoundBacking {
  const { descriptor, identity, offset, size, truncatable } = fieldsOf<
    BackingHandle
  >(backing);
  requireFileOffset(offset);
  requireSize(size);
  requireRange(offset, size);
  const own = openPublished(descriptor);
  try {
    // Whoever holds a descriptor's number can close it, and give it away.
    const actual = identityOf(own.fd);
    if (actual !== identity) {
      throw badHandle(
        "its descriptor was closed by the program, and refers to something else now",
      );
    }
  } catch (error) {
    own.close();
    throw error;
  }
  return {
    descriptor: own,
    handle: {
      descriptor: descriptor!,
      identity: identity!,
      offset,
      size,
      truncatable: truncatable === true,
    },
  };
}

function openPublished(descriptor: unknown): Descriptor {
  requireShared("descriptor", descriptor, 4);
  return duplicatePublished(descriptor);
}

function readControl(buffer: unknown): Control {
  requireShared("control", buffer, CONTROL_SIZE);
  const control = controlIn(buffer);
  if (!control.genuine) throw badHandle("its control is none");
  return control;
}

function requireShared(
  name: string,
  buffer: unknown,
  size: number,
): asserts buffer is ArrayBufferLike {
  if (!(buffer instanceof SharedArrayBuffer)) {
    throw badHandle(`its ${name} must be a SharedArrayBuffer`);
  }
  if (buffer.byteLength < size) {
    throw badHandle(
      `its ${name} must have at least ${size} bytes: it has ${buffer.byteLength}`,
    );
  }
}

/** The properties of what should be an object. */
function fieldsOf<T extends object>(value: unknown): Partial<T> {
  if (typeof value !== "object" || value === null) {
    throw badHandle("it must be an object");
  }
  return value;
}

function badHandle(reason: string): TypeError {
  return new TypeError(
    `Cannot attach: the handle must be one that memory.handle gave, in this version of the package: ${reason}`,
  );
}
