/**
 * What a handle is made of, and getting it back from one that came from
 * somewhere: another thread, another version, a forger.
 */

import { ClosedError } from "../../errors.ts";
import {
  sharedBufferLength,
  typedArrayBuffer,
} from "../../layout/intrinsics.ts";
import { requireFileOffset, requireRange, requireSize } from "../ranges.ts";
import { type Control, CONTROL_SIZE, controlIn } from "./shared_state.ts";
import { readControlPage, type SharedPages } from "./shared_state_page.ts";
import { type Descriptor, duplicatePublished } from "../../ffi/descriptor.ts";
import { identityOf } from "./identity.ts";
import type { Mapping } from "../map/mapping.ts";
import {
  type FoundOrigin,
  type Origin,
  type OriginHandle,
  originHandle,
} from "./backing.ts";
import type { MemoryHandle } from "../handle.ts";

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
  /** How to get at what the memory is of, if that is necessary. */
  readonly origin: OriginHandle | undefined;
}

/** Makes a handle of memory that is open. */
export function makeHandle(
  mapping: Mapping,
  control: Control,
  size: number,
  origin: Origin | undefined,
): MemoryHandle {
  const handle: Handle = {
    kind: KIND,
    pages: mapping.shared ? mapping.memory : undefined,
    control: mapping.shared ? undefined : typedArrayBuffer(control.words),
    origin: origin && originHandle(origin, size),
  };
  return handle;
}

/** What a handle leads to: pages, or what to map again, or both. */
export interface Found {
  /** The pages of writable memory. */
  readonly pages: SharedPages | undefined;
  /** The state of the memory. */
  readonly control: Control;
  /** What the memory is of; its descriptor is the caller's to close. */
  readonly origin: FoundOrigin | undefined;
}

/**
 * Follows a handle.
 *
 * @throws {TypeError} if it is none, or what it leads to is not as it says.
 * @throws {RangeError} if its numbers are none.
 * @throws {ClosedError} if the memory is closed.
 * @throws {SystemError} if there can be no more descriptors.
 */
export function followHandle(handle: unknown): Found {
  const { kind, pages, control, origin } = fieldsOf<Handle>(handle);
  if (kind !== KIND) throw badHandle(`its kind must be "${KIND}"`);
  const shared = pages === undefined ? undefined : readControlPage(pages);
  if (pages !== undefined && shared === undefined) {
    throw badHandle("its pages are no memory made for Workers");
  }
  const state = shared?.control ?? readControl(control);
  if (!state.open) throw new ClosedError("The memory is closed");
  if (shared === undefined && origin === undefined) {
    throw badHandle("it must have pages, or an origin");
  }
  return {
    pages: shared,
    control: state,
    origin: origin === undefined ? undefined : followOrigin(origin),
  };
}

function followOrigin(origin: unknown): FoundOrigin {
  const { descriptor, identity, offset, size, truncatable } = fieldsOf<
    OriginHandle
  >(origin);
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
  let actual: number;
  try {
    actual = sharedBufferLength(buffer);
  } catch {
    throw badHandle(`its ${name} must be a SharedArrayBuffer`);
  }
  if (actual < size) {
    throw badHandle(
      `its ${name} must have at least ${size} bytes: it has ${actual}`,
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
    `Cannot attach: the handle must be one that memory.handle gave: ${reason}`,
  );
}
