/** The TypeScript of a skeleton: an object file with its names and types. */

import type { ObjectFile, ObjectFileMap } from "../../bpf/mod.ts";
import { TypescriptSource } from "../../btf/mod.ts";
import type { Type } from "../../layout/mod.ts";
import { type EntryType, entryTypesOf, ringClassOf } from "./maps.ts";
import { attachmentOf } from "./sections.ts";
import { access, code, docLine, propertyName } from "./text.ts";

/** The input that a skeleton is written from. */
export interface SkeletonRequest {
  /** The contents of the object file. */
  readonly file: ObjectFile;
  /** The object file's name, for the comments. */
  readonly name: string;
  /** The origin of the object at run time. */
  readonly from: ObjectOrigin;
  /** The types of records, by the names of maps. */
  readonly events: ReadonlyMap<string, Type>;
  /** The specifier by which the skeleton imports this package. */
  readonly specifier: string;
}

/** A URL relative to the skeleton, or the bytes, which it is to have in it. */
export type ObjectOrigin =
  | { readonly url: string }
  | { readonly bytes: Uint8Array };

/** A variable of an object file. */
type Variable = ObjectFile["variables"][number];

/** Names that the skeleton itself has, or imports. */
const OWN_NAMES = [
  "Shape",
  "load",
  "rings",
  "OBJECT",
  "URL",
  "Uint8Array",
  "atob",
  "BpfObject",
  "LoadOptions",
  "UntypedBytes",
  "RingBuffer",
  "RingBufferOptions",
  "PerfBuffer",
  "PerfBufferOptions",
  "UserRingBuffer",
  "AttachXdp",
  "AttachTcx",
  "AttachTc",
  "AttachNetkit",
  "AttachSockmap",
  "AttachSocketFilter",
  "AttachReuseport",
  "AttachRawTracepoint",
  "AttachTracepoint",
  "AttachTracing",
  "AttachIterator",
  "AttachKprobe",
  "AttachKprobeMulti",
  "AttachKsyscall",
  "AttachUprobe",
  "AttachUprobeMulti",
  "AttachUsdt",
  "AttachPerfEvent",
  "AttachCgroup",
  "AttachNetns",
  "AttachNetfilter",
];

/** The source of a skeleton, for `deno fmt` to format. */
export function skeletonOf(request: SkeletonRequest): string {
  return new Skeleton(request).text();
}

class Skeleton {
  readonly #request: SkeletonRequest;
  readonly #types = new TypescriptSource(OWN_NAMES);
  /** The names to import from `…/bpf`. */
  readonly #imports = new Set(["BpfObject", "type LoadOptions"]);

  constructor(request: SkeletonRequest) {
    this.#request = request;
  }

  text(): string {
    const { name, specifier } = this.#request;
    const body = [this.#shape(), this.#load(), this.#rings()];
    const imports = [...this.#imports].sort((a, b) =>
      bare(a) < bare(b) ? -1 : 1
    );
    return `// deno-lint-ignore-file
/**
 * Skeleton of ${
      code(name)
    }, written by \`hostmem skeleton\`: its maps, variables
 * and programs, with their names and types. Do not edit it: when the object file
 * changes, have it written anew.
 *
 * @module
 */

import { ${imports.join(", ")} } from ${JSON.stringify(`${specifier}/bpf`)};
${this.#types.text(specifier)}
${body.join("\n")}`;
  }

  #import(name: string): string {
    this.#imports.add(name);
    return bare(name);
  }

  #shape(): string {
    const { file: { maps, variables, programs }, name } = this.#request;
    const isKconfig = ({ section }: Variable) => section === ".kconfig";
    const kconfig = variables.filter(isKconfig);
    const parts = [
      part("maps", "The maps, by name.", [
        ...maps.map((map) => this.#map(map)),
        ...this.#sections(),
      ]),
      part(
        "variables",
        "The variables that can be changed.",
        variables.filter(({ readOnly }) => !readOnly)
          .map((variable) => this.#variable(variable)),
      ),
      part(
        "constants",
        "The constants, which can be set when it is loaded.",
        variables.filter((one) => one.readOnly && !isKconfig(one))
          .map((variable) => this.#variable(variable)),
      ),
      ...kconfig.length === 0 ? [] : [part(
        "kconfig",
        "The kernel's configuration.",
        kconfig.map((variable) => this.#variable(variable)),
      )],
      part(
        "programs",
        "The targets that the programs can be attached to.",
        programs.map((program) => this.#program(program)),
      ),
    ];
    return `${docLine(`The maps, variables and programs of ${code(name)}.`)}\
export interface Shape {
${parts.join("\n")}
}
`;
  }

  #variable({ name, section, type }: Variable): Property {
    return [
      docLine(`In ${code(section)}.`),
      propertyName(name),
      this.#types.typeOf(type, name),
    ];
  }

  #map(map: ObjectFileMap): Property {
    const { name, type, typeNumber, maxEntries, made } = map;
    const { key, value } = entryTypesOf(map);
    const parts = [
      `readonly type: ${
        type === undefined ? this.#import("type MapType") : JSON.stringify(type)
      };`,
      ...key === undefined
        ? []
        : [`readonly key: ${this.#entry(key, `${name}_key`)};`],
      ...value === undefined
        ? []
        : [`readonly value: ${this.#entry(value, `${name}_value`)};`],
    ];
    const room = maxEntries === 0
      ? ""
      : ringClassOf(type)?.endsWith("RingBuffer")
      ? `, ${maxEntries} bytes`
      : `, ${maxEntries} ${maxEntries === 1 ? "entry" : "entries"}`;
    return [
      docLine(
        `${code(type ?? `type ${typeNumber}`)}${room}${
          made ? "" : ": made only if asked for"
        }.`,
      ),
      `${propertyName(name)}${made ? "" : "?"}`,
      `{ ${parts.join(" ")} }`,
    ];
  }

  #entry(type: EntryType, hint: string): string {
    return type === "bytes"
      ? this.#import("type UntypedBytes")
      : this.#types.typeOf(type, hint);
  }

  /** The maps of sections. */
  #sections(): Property[] {
    const { variables } = this.#request.file;
    const sections = new Set(variables.map(({ section }) => section));
    return Array.from(sections, (section) => [
      docLine(`The variables in ${code(section)}.`),
      propertyName(section),
      `{ readonly type: "array" }`,
    ]);
  }

  #program(
    { name, section, loads }: ObjectFile["programs"][number],
  ): Property {
    const text = `SEC("${loads ? "" : "?"}${section}")`;
    return [
      docLine(`${code(text)}${loads ? "" : ": loaded only if asked for"}.`),
      `${propertyName(name)}${loads ? "" : "?"}`,
      this.#attachArguments(section),
    ];
  }

  #attachArguments(section: string): string {
    const { targets, named } = attachmentOf(section);
    if (targets.length === 0) return named ? "[]" : "[target: never]";
    const types = targets.map((target) => this.#import(`type ${target}`));
    return `[target${named ? "?" : ""}: ${types.join(" | ")}]`;
  }

  #load(): string {
    const { name, from } = this.#request;
    const [constant, source, options] = "url" in from
      ? [
        "",
        `new URL(${JSON.stringify(from.url)}, import.meta.url)`,
        "options",
      ]
      : [
        `const OBJECT = \`\n${base64(from.bytes)}\`;\n\n`,
        "Uint8Array.from(atob(OBJECT), (byte) => byte.charCodeAt(0))",
        `{ ...options, name: options.name ?? ${
          JSON.stringify(objectName(name))
        } }`,
      ];
    return `${constant}/**
 * Loads ${code(name)} into the kernel.
 *
 * @param options The settings to make before it is loaded.
 */
export function load(options: LoadOptions<Shape> = {}): BpfObject<Shape> {
  return BpfObject.load<Shape>(${source}, ${options});
}
`;
  }

  #rings(): string {
    const { file, events } = this.#request;
    const types: string[] = [];
    const values: string[] = [];
    for (const { name, type, valueType } of file.maps) {
      const ring = ringClassOf(type);
      if (ring === undefined) continue;
      const isRing = ring === "RingBuffer";
      const event = events.get(name) ?? (isRing ? valueType : undefined);
      const made = this.#import(ring);
      const hint = `${name}_record`;
      const hasOptions = ring !== "UserRingBuffer";
      const options = hasOptions
        ? `, options?: ${this.#import(`type ${ring}Options`)}`
        : "";
      const generic = event === undefined || !hasOptions
        ? ""
        : `<${this.#types.typeOf(event, hint)}>`;
      const argument = event === undefined
        ? "undefined"
        : this.#types.expressionOf(event, hint);
      types.push(
        docLine(
          `${hasOptions ? "Reads" : "Writes"} the records of ${code(name)}.`,
        ) +
          `readonly ${
            propertyName(name)
          }: (object: BpfObject<Shape>${options}) => ${made}${generic};`,
      );
      values.push(
        `${propertyName(name)}: (object${hasOptions ? ", options" : ""}) =>
  new ${made}(${access("object.maps", name)}${
          hasOptions ? `, ${argument}, options` : ""
        }),`,
      );
    }
    if (types.length === 0) return "";
    return `/** The records that its programs and this process exchange, by map. */
export const rings: {
${types.join("\n")}
} = {
${values.join("\n")}
};
`;
  }
}

/** A property of a part of the shape: its comment, name and type. */
type Property = readonly [doc: string, name: string, type: string];

/** A part of the shape. */
function part(
  name: string,
  doc: string,
  properties: readonly Property[],
): string {
  if (properties.length === 0) {
    // Left out, any name would be taken.
    return `${docLine(doc)}readonly ${name}: Readonly<Record<never, never>>;`;
  }
  const lines = properties.map(([doc, name, type]) =>
    `${doc}readonly ${name}: ${type};`
  );
  return `${docLine(doc)}readonly ${name}: {\n${lines.join("\n")}\n};`;
}

function bare(name: string): string {
  return name.replace(/^type /, "");
}

/** Lines of base64; `atob` ignores their ends. */
function base64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/.{1,76}/g, "$&\n");
}

/** The name that an object is loaded by, as if its file had been read. */
function objectName(file: string): string {
  const base = file.replace(/\.o$/, "").replace(/\.bpf$/, "");
  return base.replace(/[^A-Za-z0-9_]/g, "_").slice(0, 15) || "object";
}
