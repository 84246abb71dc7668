/**
 * The descriptors behind maps, programs and links, for the rest of this room:
 * their `fd` and `info` are properties that a program can replace.
 */

import { ClosedError } from "../errors.ts";
import { PrivateWeakMap } from "../layout/intrinsics.ts";
import { show } from "../base/show.ts";
import type { MapInfo } from "./map/info.ts";

/** What holds a descriptor. */
export interface Holder {
  /** Its number; -1 once closed. */
  readonly fd: number;
  /** Closes it. Once more does nothing. */
  close(): void;
}

/** A map that is open, as long as it is. */
export interface OpenMap {
  /** Its descriptor. @throws {ClosedError} if it is closed. */
  readonly open: () => number;
  /** What is known of it. */
  readonly info: MapInfo;
}

const maps = new PrivateWeakMap<object, OpenMap>();
const programs = new PrivateWeakMap<object, Holder>();
const links = new PrivateWeakMap<object, Holder>();

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Lets the room know what a map is. */
export function registerMap(map: object, access: OpenMap): void {
  maps.set(map, access);
}

/**
 * What a map is.
 *
 * @param name What error messages call it.
 * @throws {TypeError} if it is no map.
 */
export function openMapOf(name: string, map: unknown): OpenMap {
  const access = isObject(map) ? maps.get(map) : undefined;
  if (access === undefined) {
    throw new TypeError(
      `${name} must be a BpfMap: received ${show(map)}`,
    );
  }
  return access;
}

/** Lets the room know what holds the descriptor of a program. */
export function registerProgram(program: object, holder: Holder): void {
  programs.set(program, holder);
}

/** Lets the room know what holds the descriptor of a link. */
export function registerLink(link: object, holder: Holder): void {
  links.set(link, holder);
}

/**
 * The descriptor of a program.
 *
 * @param name What error messages call it.
 * @throws {TypeError} if it is no program.
 * @throws {ClosedError} if it is closed.
 */
export function programFd(name: string, program: unknown): number {
  const holder = isObject(program) ? programs.get(program) : undefined;
  if (holder === undefined) {
    throw new TypeError(
      `${name} must be a BpfProgram: received ${show(program)}`,
    );
  }
  if (holder.fd < 0) throw new ClosedError("The BPF program is closed");
  return holder.fd;
}

/** The descriptor of a link; undefined of what is none. */
export function linkFd(link: unknown): number | undefined {
  const holder = isObject(link) ? links.get(link) : undefined;
  if (holder === undefined) return undefined;
  if (holder.fd < 0) throw new ClosedError("The BPF link is closed");
  return holder.fd;
}
