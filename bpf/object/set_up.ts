/** The settings of an object's maps and programs, made before it is loaded. */

import { NotSupportedError } from "../../errors.ts";
import { BPF_F_MMAPABLE } from "../../ffi/mod.ts";
import { libbpfIsAtLeast, libbpfVersion } from "../libbpf/functions.ts";
import type { NativeMap } from "../libbpf/map.ts";
import type { NativeObject } from "../libbpf/object.ts";
import type { NativeProgram } from "../libbpf/program.ts";
import { type MapType, mapTypeName } from "../map/type.ts";
import { nothingNamed } from "../named.ts";
import { type ProgramType, programTypeName } from "../program/type.ts";
import { resizeSection } from "./resize.ts";
import type { LoadSettings, MapSettings, ProgramSettings } from "./settings.ts";

/**
 * Sets what was asked for, and what libbpf would not set.
 *
 * @throws {RangeError} if there is no such map or program, or a value does not
 * fit.
 * @throws {NotSupportedError} if it cannot be set.
 * @throws {SystemError} with libbpf's reason.
 */
export function setUp(
  native: NativeObject,
  settings: Pick<LoadSettings, "maps" | "programs">,
): void {
  const { maps, programs } = native;
  const own = settings.maps.map((own) => {
    const map = maps.find(({ name }) => name === own.name);
    if (map !== undefined) return [map, own] as const;
    throw nothingNamed(maps.map(({ name }) => name), own.name, "map");
  });
  for (const [map, settings] of own) setUpMap(native, map, settings);
  for (const map of maps) adaptMap(map);
  // What is used in place of a map must be such as would be made.
  for (const [map, { reuse }] of own) {
    if (reuse !== undefined) map.reuse(reuse());
  }
  setUpPrograms(programs, settings.programs);
}

function setUpMap(
  native: NativeObject,
  map: NativeMap,
  { attributes, pin, innerMap }: MapSettings,
): void {
  const { valueSize, ...others } = attributes;
  if (map.isSection && valueSize !== undefined) {
    resizeSection(native, map, valueSize);
    attributes = others;
  }
  if (attributes.type !== undefined) requireFunctions(map, attributes.type);
  map.configure(attributes);
  if (attributes.numaNode !== undefined) {
    map.configure({ flagBits: map.flagBits | BPF_F_NUMA_NODE });
  }
  if (innerMap !== undefined) map.setInnerMap(innerMap());
  if (pin !== undefined) map.setPinPath(pin === false ? undefined : pin);
}

/**
 * Has the maps of sections made mmap-able: libbpf leaves those out of which all
 * variables are static, and all of objects without BTF. And has rings made whose
 * definition names a type of records, as many do: the kernel takes none.
 */
function adaptMap(map: NativeMap): void {
  const { flagBits, keySize, valueSize } = map;
  const type = mapTypeName(map.type);
  const isRing = type === "ringbuf" || type === "user_ringbuf";
  if (map.isSection && (flagBits & BPF_F_MMAPABLE) === 0) {
    map.configure({ flagBits: flagBits | BPF_F_MMAPABLE });
  } else if (isRing && (keySize > 0 || valueSize > 0)) {
    map.setNoEntries();
  }
}

/**
 * Libbpf looks for the functions of each map of struct_ops, without a look
 * whether it has found any when it opened the object.
 *
 * @throws {NotSupportedError} if a map would become one, or one would be another.
 */
function requireFunctions(map: NativeMap, type: number): void {
  const before = mapTypeName(map.type);
  const after = mapTypeName(type);
  if ((before === STRUCT_OPS) === (after === STRUCT_OPS)) return;
  throw new NotSupportedError(
    `Cannot set type of the map ${map.name} from ${before} to ${after}: maps of ${STRUCT_OPS} are those of the sections ".struct_ops" and ".struct_ops.link", and no others`,
  );
}

/** `linux/bpf.h` */
const BPF_F_NUMA_NODE = 1 << 2;

const STRUCT_OPS = "struct_ops" satisfies MapType;

/** The minor version of libbpf since which a type overrides the section's. */
const TYPES_SINCE = 2;

/** The types whose sections have libbpf look for a function of the kernel. */
const TRACING: ReadonlySet<ProgramType | undefined> = new Set<ProgramType>([
  "tracing",
  "lsm",
]);

/**
 * Libbpf before 1.2 looks for the function that a section names whatever the
 * program's type, in BTF of the kernel that it has not read for that type.
 *
 * @throws {NotSupportedError} if it would.
 */
function requireRetypable(program: NativeProgram, type: number): void {
  const before = programTypeName(program.type);
  const after = programTypeName(type);
  if (!TRACING.has(before) || TRACING.has(after)) return;
  if (libbpfIsAtLeast(TYPES_SINCE)) return;
  throw new NotSupportedError(
    `Cannot set type of the program ${program.name} from ${before} to ${after}: this libbpf, ${libbpfVersion()}, takes it for what its section "${program.sectionName}" says; that takes libbpf 1.${TYPES_SINCE}`,
  );
}

function setUpPrograms(
  programs: readonly NativeProgram[],
  settings: readonly ProgramSettings[],
): void {
  for (const { name, load, type, attachType, attachTo } of settings) {
    const program = programs.find((program) => program.name === name);
    if (program === undefined) {
      throw nothingNamed(
        programs.map(({ name }) => name),
        name,
        "program",
      );
    }
    if (load !== undefined) program.autoload = load;
    if (type !== undefined) {
      requireRetypable(program, type);
      program.setType(type);
    }
    if (attachType !== undefined) program.setAttachType(attachType);
    if (attachTo !== undefined) {
      program.setAttachTarget(attachTo.fd(), attachTo.name);
    }
  }
}
