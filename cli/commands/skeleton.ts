/** `hostmem skeleton`: TypeScript of an object file. */

import { basename, dirname, relative, resolve } from "node:path";
import { type ObjectFile, readObjectFile } from "../../bpf/mod.ts";
import { BtfError, type Type } from "../../btf/mod.ts";
import type { Arguments, Command } from "../command.ts";
import { UsageError } from "../command.ts";
import { formatted, writeSource } from "../format.ts";
import { ringClassOf } from "../skeleton/maps.ts";
import { skeletonOf } from "../skeleton/skeleton.ts";
import { defaultImport } from "../version.ts";

/** The types of records that `--event map=struct` tells. */
function eventsOf(
  file: ObjectFile,
  given: readonly string[],
): ReadonlyMap<string, Type> {
  const rings = file.maps.filter(({ type }) => {
    const ring = ringClassOf(type);
    return ring === "RingBuffer" || ring === "PerfBuffer";
  });
  return new Map(given.map((event) => {
    const [map, name] = splitOnce(event);
    if (!rings.some((ring) => ring.name === map)) {
      throw new UsageError(
        `--event names a ring or perf buffer: ${JSON.stringify(map)} is none, ${
          rings.length === 0
            ? "and the object has none"
            : `those are ${rings.map((ring) => ring.name).join(", ")}`
        }`,
      );
    }
    return [map, recordType(file, name)];
  }));
}

function splitOnce(event: string): [map: string, type: string] {
  const at = event.indexOf("=");
  if (at <= 0 || at === event.length - 1) {
    throw new UsageError(
      `--event takes map=struct: received ${JSON.stringify(event)}`,
    );
  }
  return [event.slice(0, at), event.slice(at + 1)];
}

function recordType({ btf }: ObjectFile, name: string): Type {
  if (btf === undefined) {
    throw new RangeError(
      `The object has no types, so none named ${name}: compile it with -g`,
    );
  }
  try {
    return btf.layout(name);
  } catch (error) {
    if (!(error instanceof BtfError) || btf.findAll(name).length > 0) {
      throw error;
    }
    throw new RangeError(
      `The object has no type named ${name}: clang leaves out what no variable, map or function has. Say in C: const struct ${name} *${name}_type __attribute__((unused));`,
      { cause: error },
    );
  }
}

/** The URL of a file, relative to another one. */
function relativeUrl(from: string, to: string): string {
  const path = relative(dirname(resolve(from)), resolve(to));
  const url = path.split("/").map(encodeURIComponent).join("/");
  return url.startsWith("..") ? url : `./${url}`;
}

function specifierOf(given: Arguments): string {
  return (given.value("import") ?? defaultImport).replace(/\/$/, "");
}

/** The command. */
export const skeleton: Command = {
  name: "skeleton",
  parameters: "<file.bpf.o>",
  summary: "Write an object file's maps, variables and programs as TypeScript",
  details:
    "The module has a function `load`, which returns a BpfObject whose names and\n" +
    "types the compiler knows; the structs and enumerations that they are made of;\n" +
    "and `rings`, which open the ring buffers. This needs no privilege and no libbpf.\n" +
    "The skeleton looks for the object file at the path that it has relative to the\n" +
    "skeleton; with --embed it has its bytes inside, for JSR and `deno compile`.",
  examples: [
    "skeleton count.bpf.o -o count.ts",
    "skeleton trace.bpf.o -o trace.ts --event events=event --embed",
  ],
  options: {
    output: {
      type: "string",
      short: "o",
      value: "file",
      help: "Write to this file, not to standard output",
    },
    embed: { type: "boolean", help: "Embed the bytes of the object file" },
    event: {
      type: "string",
      multiple: true,
      value: "map=struct",
      help: "The type of a ring's records; once for each ring",
    },
    import: {
      type: "string",
      value: "specifier",
      help: "Import hostmem by this name, not from JSR",
    },
  },
  count: [1, 1],
  async run(given, output) {
    const [path] = given.names as [string];
    const bytes = Deno.readFileSync(path);
    const file = readObjectFile(bytes);
    const written = given.value("output");
    const source = skeletonOf({
      file,
      name: basename(path),
      from: given.is("embed")
        ? { bytes }
        : { url: relativeUrl(written ?? "skeleton.ts", path) },
      events: eventsOf(file, given.values("event")),
      specifier: specifierOf(given),
    });
    writeSource(await formatted(source), written, output);
  },
};
