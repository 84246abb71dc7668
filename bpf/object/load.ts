/** From the bytes of an object file to an object in the kernel. */

import { SystemError, VerifierError } from "../../errors.ts";
import { libbpfErrorInit } from "../libbpf/errors.ts";
import { ENOSPC } from "../../ffi/mod.ts";
import { requireAccess } from "../../base/permission.ts";
import { openPinned } from "../pins.ts";
import { reservingArenas } from "./arenas.ts";
import { NativeObject, type OpenRequest } from "../libbpf/object.ts";
import type { NativeMap } from "../libbpf/map.ts";
import type { NativeProgram } from "../libbpf/program.ts";
import { loadHint, reasonIn } from "./load_hints.ts";
import {
  applyMapSettings,
  applyProgramSettings,
  type LoadSettings,
} from "./settings.ts";

/** The object to load, and its options. */
export interface LoadRequest
  extends OpenRequest, Pick<LoadSettings, "maps" | "programs" | "logLevel"> {}

/** The stages of an object. */
export interface Stages<T> {
  /** Sets it up when it is open: may throw, and may be called again. */
  readonly prepare: (native: NativeObject) => void;
  /** Makes something of it when it is loaded: may throw. */
  readonly finish: (native: NativeObject) => T;
}

/**
 * The sizes of the log of a program, in bytes: little at first, since most
 * load; the last is the most that kernels before Linux 5.2 take.
 */
const LOG_SIZES = [64 * 1024, 1024 * 1024, 16 * 1024 * 1024 - 1];

/**
 * Opens and loads an object. When it throws, nothing is left of it.
 *
 * @returns The result of `stages.finish`.
 * @throws {VerifierError} if the kernel's verifier refuses a program.
 * @throws {SystemError} with libbpf's reason.
 */
export function loadNative<T>(request: LoadRequest, stages: Stages<T>): T {
  for (const logSize of LOG_SIZES) {
    const made = tryLoad(request, stages, logSize);
    // An object is of no further use once it failed, so it is opened anew.
    if (made !== undefined) return made.result;
  }
  throw new Error("Unreachable");
}

/** Loads an object; undefined if there was too little room for a log. */
function tryLoad<T>(
  request: LoadRequest,
  { prepare, finish }: Stages<T>,
  logSize: number,
): { readonly result: T } | undefined {
  const native = NativeObject.open(request);
  try {
    applyMapSettings(native, request.maps);
    applyProgramSettings(native.programs, request.programs);
    requirePins(native);
    const pins = newPins(native);
    for (const map of native.maps) reusePinned(map);
    prepare(native);
    for (const program of native.programs) {
      program.requestLog(request.logLevel, logSize);
    }
    const { result, warnings } = reservingArenas(
      native.maps,
      () => native.load(),
    );
    if (result === -ENOSPC && logSize !== LOG_SIZES.at(-1)) {
      native.close();
      return undefined;
    }
    if (result < 0) throw loadError(native, request, -result, warnings);
    return { result: unpinningOnFailure(pins, () => finish(native)) };
  } catch (error) {
    native.close();
    throw error;
  }
}

/** The paths at which maps will be pinned and nothing is yet. */
function newPins({ maps }: NativeObject): string[] {
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

/** libbpf removes what it has pinned where loading fails, and not afterwards. */
function unpinningOnFailure<T>(pins: readonly string[], use: () => T): T {
  try {
    return use();
  } catch (error) {
    for (const path of pins) Deno.removeSync(path);
    throw error;
  }
}

/** libbpf pins maps, and uses what is pinned, where Deno cannot see it. */
function requirePins({ maps }: NativeObject): void {
  for (const { pinPath } of maps) {
    if (pinPath === undefined) continue;
    requireAccess("read", pinPath);
    requireAccess("write", pinPath);
  }
}

function loadError(
  native: NativeObject,
  { logLevel }: LoadRequest,
  errno: number,
  warnings: string,
): SystemError {
  const program = refused(native.programs, logLevel, warnings);
  const hint = loadHint(errno, native, program, warnings);
  if (program === undefined) {
    return new SystemError(libbpfErrorInit(errno, "bpf_object__load", hint));
  }
  const { name } = program;
  // Statistics alone are the log of a program that nobody looked at.
  const log = reasonIn(program.log) === "" ? "" : program.log;
  const call = `bpf(BPF_PROG_LOAD, ${JSON.stringify(name)})`;
  const init = libbpfErrorInit(errno, call, hint);
  return log === ""
    ? new SystemError(init)
    : new VerifierError({ ...init, program: name, log });
}

/**
 * The program that the kernel refused: programs are loaded one after the other,
 * and that one ended it. It is the last that has a log, unless it was refused
 * before there was one.
 */
function refused(
  programs: readonly NativeProgram[],
  logLevel: number,
  warnings: string,
): NativeProgram | undefined {
  const named = /prog '([^']*)': BPF program load failed/.exec(warnings)?.[1];
  const logged = programs.findLast(({ log }) => log !== "");
  const found = programs.find(({ name }) => name === named);
  // Without libbpf's word, logs of programs that were taken tell nothing.
  return found ?? (logLevel === 0 ? logged : undefined);
}
