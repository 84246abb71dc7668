/** The maps of an object that are pinned, or will be. */

import { requireAccess } from "../../base/permission.ts";
import type { NativeMap } from "../libbpf/map.ts";
import { openPinned } from "../pins.ts";

/**
 * Takes the maps that are pinned already.
 *
 * @returns The paths at which loading will pin others.
 * @throws {Deno.errors.NotCapable} without permission to read and write a path.
 * @throws {RangeError} if one is unlike its definition.
 * @throws {SystemError} with the kernel's reason.
 */
export function takePinned(maps: readonly NativeMap[]): string[] {
  requirePins(maps);
  const pins = newPins(maps);
  for (const map of maps) reusePinned(map);
  return pins;
}

/** libbpf pins maps, and uses what is pinned, where Deno cannot see it. */
function requirePins(maps: readonly NativeMap[]): void {
  for (const { pinPath } of maps) {
    if (pinPath === undefined) continue;
    requireAccess("read", pinPath);
    requireAccess("write", pinPath);
  }
}

/** The paths at which maps will be pinned and nothing is yet. */
function newPins(maps: readonly NativeMap[]): string[] {
  return maps.map(({ pinPath }) => pinPath)
    .filter((path) => path !== undefined && !exists(path)) as string[];
}

/**
 * Takes a map that is pinned already. libbpf would, too; but what is unlike its
 * definition it refuses without a word of what differs, and among it maps that
 * the kernel itself made different.
 */
function reusePinned(map: NativeMap): void {
  const { pinPath } = map;
  if (pinPath === undefined || !exists(pinPath)) return;
  const pinned = openPinned(pinPath, false);
  try {
    map.reusePinned(pinned.fd, pinPath);
  } finally {
    pinned.close();
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
  }
  return true;
}

/** Removes what loading has pinned. */
export function unpin(pins: readonly string[]): void {
  for (const path of pins) Deno.removeSync(path);
}
