/**
 * Functions of programs in place of the kernel's own: struct_ops. What is attached
 * is a map, whose value is the struct of the functions.
 */

import { NotSupportedError, SystemError } from "../../errors.ts";
import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EOPNOTSUPP,
  EPERM,
} from "../../ffi/mod.ts";
import { HostLayout, struct, u32 } from "../../layout/mod.ts";
import type { Holder, KernelObject } from "../kernel_object.ts";
import { libbpfAttach } from "../libbpf/attach_functions.ts";
import { NativeLink } from "../libbpf/link.ts";
import type { NativeMap } from "../libbpf/map.ts";
import { type AttachPoint, createLink, privilegeText } from "./commands.ts";
import { attachByLibbpf, type Refusal, refusalError } from "./libbpf_link.ts";
import type { RawLinkInfo } from "./type.ts";

/** A map of struct_ops, whose functions the kernel uses. */
export interface StructOpsTarget {
  /** The kind of target. */
  readonly kind: "struct_ops";
  /** The id of the map, as in `MapInfo.id`. */
  readonly mapId: number;
}

/** A map of struct_ops that an object has. */
export interface StructOpsMap {
  /** The map as libbpf has it, which knows its value. */
  readonly native: NativeMap;
  /**
   * True if it is attached by a link, made with the flag `link` (Linux 6.4).
   */
  readonly hasLink: boolean;
}

/** The maps of struct_ops that objects have, by the `BpfMap` that they are. */
const known = new WeakMap<object, StructOpsMap>();

/** Makes a map known that is of an object. */
export function addStructOps(map: KernelObject, given: StructOpsMap): void {
  known.set(map, given);
}

const WITHOUT_LINK = 'the map was made without the flag "link" (Linux 6.4)';

const CALL = "bpf_map__attach_struct_ops";

const point: AttachPoint = {
  name: "the kernel's functions by a link of struct_ops",
  since: [6, 4],
  types: [],
  capability: "CAP_PERFMON",
  causes: {
    [EEXIST]: "there is one of this name",
    [EINVAL]: "the kernel does not take these functions so",
  },
};

/**
 * Attaches a map.
 *
 * @param label The name of the map in messages.
 * @throws {NotSupportedError} if it is not one of struct_ops that an object has.
 * @throws {SystemError} with the kernel's reason.
 */
export function attachStructOps(map: KernelObject, label: string): Holder {
  void map.fd;
  const found = known.get(map);
  if (found === undefined) {
    throw new NotSupportedError(
      `Cannot attach ${label}: it must be of type struct_ops, and of a BpfObject, which knows its functions`,
    );
  }
  const { native, hasLink } = found;
  const holder = setValue(native, hasLink);
  if (!hasLink || holder !== undefined && !(holder instanceof NativeLink)) {
    return holder!;
  }
  // libbpf before 1.2 set the map's value and knows nothing of the link. To the
  // kernel it means nothing when its own object for it goes.
  holder?.close();
  return createLink({
    program: { open: () => native.fd },
    point,
    target: 0,
    attachType: "struct_ops",
  });
}

/** Has libbpf set the value; undefined where a map with a link has one already. */
function setValue(native: NativeMap, hasLink: boolean): Holder | undefined {
  const { [CALL]: attach } = libbpfAttach();
  try {
    const call = () => attach(native.handle);
    return attachByLibbpf(native, call, errorOf, WITHOUT_LINK);
  } catch (error) {
    const isSet = hasLink && error instanceof SystemError &&
      error.errno === EBUSY;
    if (!isSet) throw error;
    return undefined;
  }
}

/**
 * Gives a map the value that a link can be updated to. Maps that are of no object
 * are left to the kernel.
 *
 * @throws {NotSupportedError} if the map cannot be used by a link.
 */
export function prepareStructOps(map: object): void {
  const found = known.get(map);
  if (found === undefined) return;
  const { native, hasLink } = found;
  if (!hasLink) {
    throw new NotSupportedError(
      `Cannot update a link to the map ${native.name}: it must be made with the flag "link", or in section ".struct_ops.link"`,
    );
  }
  try {
    setValue(native, hasLink)?.close();
  } catch (error) {
    // libbpf from 1.2 on makes a link, too. The one to be updated has the name.
    if (!(error instanceof SystemError && error.errno === EEXIST)) throw error;
  }
}

function errorOf(refusal: Refusal): SystemError {
  return refusalError(refusal, CALL, causeOf(refusal.errno));
}

function causeOf(errno: number): string | undefined {
  switch (errno) {
    case EPERM:
    case EACCES:
      return `attaching struct_ops needs ${
        privilegeText(["CAP_BPF", "CAP_PERFMON"])
      }`;
    case EEXIST:
      return "the kernel has one of this name";
    case EBUSY:
      return 'the map is attached, or was: more than once takes the flag "link"';
    case EINVAL:
    case EOPNOTSUPP:
      return "the kernel does not take these functions: one that it needs may be missing";
    default:
      return undefined;
  }
}

const Detail = struct("struct_ops", { _: HostLayout, mapId: u32 });

/** Reads the target of a link of struct_ops. */
export function readStructOps(raw: RawLinkInfo): StructOpsTarget {
  return { kind: "struct_ops", mapId: raw.detail(Detail).mapId };
}
