/** What a program that loads an object may set of its maps. */

import { pathOf } from "../../base/path.ts";
import { requireOptions, requireU32 } from "../../base/arguments.ts";
import { descriptorOf } from "../kernel_object.ts";
import type { NativeMap } from "../libbpf/map.ts";
import { nothingNamed } from "../named.ts";
import type { LoadMapOptions } from "./load_options.ts";

/** The settings of one map, checked. */
export interface MapSettings {
  readonly name: string;
  readonly maxEntries: number | undefined;
  readonly valueSize: number | undefined;
  /** Gives the descriptor of the map to reuse, as long as that is open. */
  readonly reuse: (() => number) | undefined;
  readonly pin: string | false | undefined;
  /** Gives the descriptor of the template for inner maps. */
  readonly innerMap: (() => number) | undefined;
}

/** Reads each option once. @throws {TypeError | RangeError} */
export function readMapSettings(options: unknown): MapSettings[] {
  if (options === undefined) return [];
  requireOptions(options);
  return Object.entries(options as Record<string, LoadMapOptions>)
    .map(([name, own]) => readOne(name, own));
}

function readOne(name: string, options: LoadMapOptions): MapSettings {
  requireOptions(options);
  const { maxEntries, valueSize, reuse, pin, innerMap } = options;
  return {
    name,
    maxEntries: maxEntries === undefined
      ? undefined
      : requireU32(`maxEntries of the map ${name}`, maxEntries, 1),
    valueSize: valueSize === undefined
      ? undefined
      : requireU32(`valueSize of the map ${name}`, valueSize, 0),
    reuse: requireMap(`reuse of the map ${name}`, reuse),
    pin: pin === undefined || pin === false ? pin : pathOf(pin),
    innerMap: requireMap(`innerMap of the map ${name}`, innerMap),
  };
}

function requireMap(
  what: string,
  value: unknown,
): (() => number) | undefined {
  if (value === undefined) return undefined;
  const open = () => descriptorOf(`Option ${what}`, "map", value);
  open(); // A mistake is told before anything is loaded.
  return open;
}

/** Sets what was asked for. @throws if there is no such map, or it cannot be. */
export function applyMapSettings(
  maps: readonly NativeMap[],
  settings: readonly MapSettings[],
): void {
  for (const own of settings) {
    const map = maps.find(({ name }) => name === own.name);
    if (map === undefined) {
      throw nothingNamed(maps.map(({ name }) => name), own.name, "map");
    }
    applyOne(map, own);
  }
}

function applyOne(map: NativeMap, settings: MapSettings): void {
  const { maxEntries, valueSize, reuse, pin, innerMap } = settings;
  if (maxEntries !== undefined) map.setMaxEntries(maxEntries);
  if (valueSize !== undefined) map.setValueSize(valueSize);
  if (innerMap !== undefined) map.setInnerMap(innerMap());
  if (pin !== undefined) map.setPinPath(pin === false ? undefined : pin);
  if (reuse !== undefined) map.reuse(reuse());
}
