/** The parts of an object that is loaded: its maps, programs and variables. */

import type { Btf } from "../../btf/btf.ts";
import { InvalidObjectError } from "../../errors.ts";
import { Descriptor } from "../../ffi/descriptor.ts";
import type { NativeObject } from "../libbpf/object.ts";
import { BpfMap, closeMapWithLinks } from "../map/map.ts";
import { shareBtf } from "../map/shared_btf.ts";
import { emptyRecord } from "../named.ts";
import {
  type BpfProgram,
  closeWithLinks,
  programOf,
} from "../program/program.ts";
import type { VariableNames } from "../variable/names.ts";
import { BpfVariable } from "../variable/variable.ts";
import { definitionOf } from "./object_file.ts";

/** The parts that a `BpfObject` is made of. */
export interface ObjectParts {
  /** The object as libbpf has it. */
  readonly native: NativeObject;
  /** Its types; undefined without. */
  readonly btf: Btf | undefined;
  /** The names of its variables. */
  readonly names: VariableNames;
  /** The maps that were made, by name. */
  readonly maps: Readonly<Record<string, BpfMap>>;
  /** The programs that were loaded, by name. */
  readonly programs: Readonly<Record<string, BpfProgram>>;
  /** The kernel's logs of programs, by their names. */
  readonly logs: Readonly<Record<string, string>>;
  /** The variables, by name. */
  readonly variables: Readonly<Record<string, BpfVariable>>;
  /** The things to close with the object, the last first. */
  readonly opened: DisposableStack;
}

/**
 * Opens the parts of an object.
 *
 * @param open The things to close with the object; closed if this throws.
 * @throws {InvalidObjectError} if several maps have one name.
 */
export function openParts(
  native: NativeObject,
  btf: Btf | undefined,
  names: VariableNames,
  open: DisposableStack,
): ObjectParts {
  using opened = open;
  if (btf !== undefined && native.btfFd >= 0) shareBtf(native.btfFd, btf);
  const maps = openMaps(native, btf, opened);
  const programs = openPrograms(native, opened);
  const logs = takeLogs(native);
  const variables = emptyRecord<BpfVariable>();
  for (const [name, declaration] of names) {
    variables[name] = new BpfVariable(declaration, maps[declaration.section]!);
  }
  Object.freeze(variables);
  return {
    native,
    btf,
    names,
    maps,
    programs,
    logs,
    variables,
    opened: opened.move(),
  };
}

function openMaps(
  { maps }: NativeObject,
  btf: Btf | undefined,
  opened: DisposableStack,
): Readonly<Record<string, BpfMap>> {
  const open = emptyRecord<BpfMap>();
  for (const native of maps) {
    const { name, fd, pinnedTo } = native;
    if (fd < 0) continue;
    if (name in open) {
      throw new InvalidObjectError(
        `An object must have one map of a name: it has several named ${name}`,
      );
    }
    open[name] = opened.adopt(
      new BpfMap(Descriptor.duplicate(fd), `map ${name}`, {
        pinnedTo,
        definition: () => btf && definitionOf(btf, name),
        native,
      }),
      closeMapWithLinks,
    );
  }
  return Object.freeze(open);
}

function openPrograms(
  { programs }: NativeObject,
  opened: DisposableStack,
): Readonly<Record<string, BpfProgram>> {
  const open = emptyRecord<BpfProgram>();
  for (const program of programs) {
    if (program.fd < 0) continue;
    open[program.name] = opened.adopt(programOf(program), closeWithLinks);
  }
  return Object.freeze(open);
}

function takeLogs(
  { programs }: NativeObject,
): Readonly<Record<string, string>> {
  const logs = emptyRecord<string>();
  for (const program of programs) {
    const { name, log } = program;
    if (log !== "") logs[name] = log;
    program.dropLog();
  }
  return Object.freeze(logs);
}
