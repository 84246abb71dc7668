/**
 * The programs that write to rings, as far as a reader must know of them: once an
 * object is closed, nothing may write its rings any more, and who waits for a
 * record would wait for ever.
 */

import { SystemError } from "../../errors.ts";
import { idsOf, openById } from "../ids.ts";
import { programInfoOf } from "../program/info.ts";

/** The maps whose object was closed, by their ids, which are not given again. */
const orphans = new Set<number>();
/** A wait for records of a map. */
export interface Wakeable {
  /** Lets it look whether it is over. */
  wake(): void;
}

/** The waits by the ids of their maps: those that are dropped are collected. */
const waits = new Map<number, Set<WeakRef<Wakeable>>>();
const net = new FinalizationRegistry<() => void>((forget) => forget());

/**
 * Takes note that the object of some maps was closed, with its programs and their
 * links.
 *
 * @param mapIds The ids of its maps.
 */
export function orphan(mapIds: readonly number[]): void {
  for (const id of mapIds) {
    orphans.add(id);
    for (const wait of [...waits.get(id) ?? []]) wait.deref()?.wake();
  }
}

/** True if the object of a map was closed. */
export function isOrphan(mapId: number): boolean {
  return orphans.has(mapId);
}

/** Has a wait woken when the object of a map is closed; undone by the result. */
export function onOrphan(mapId: number, wait: Wakeable): () => void {
  const reference = new WeakRef(wait);
  const set = waits.get(mapId) ?? new Set();
  waits.set(mapId, set.add(reference));
  const forget = () => {
    set.delete(reference);
    if (set.size === 0 && waits.get(mapId) === set) waits.delete(mapId);
  };
  net.register(wait, forget);
  return forget;
}

/**
 * Tells whether any program in the system uses a map: the kernel is asked, since
 * programs can be pinned, or be of other objects and processes.
 *
 * @returns True also where that may not be known, without CAP_SYS_ADMIN.
 */
export function hasWriters(mapId: number): boolean {
  try {
    return idsOf("BPF_PROG_GET_NEXT_ID").some((id) => usesMap(id, mapId));
  } catch (error) {
    if (error instanceof SystemError) return true;
    throw error;
  }
}

function usesMap(programId: number, mapId: number): boolean {
  let program;
  try {
    program = openById("BPF_PROG_GET_FD_BY_ID", programId);
  } catch (error) {
    if (error instanceof SystemError && error.code === "ENOENT") return false;
    throw error;
  }
  try {
    const name = `the program of id ${programId}`;
    return programInfoOf(program.fd, name).mapIds.includes(mapId);
  } finally {
    program.close();
  }
}
