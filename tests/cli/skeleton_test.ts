import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { basename } from "@std/path";
import {
  type BpfMap,
  type BpfObject,
  readObjectFile,
  type RingBuffer,
} from "../../bpf/mod.ts";
import { TypescriptSource } from "../../btf/mod.ts";
import { decodeStrings, snapshot, type Type } from "../../layout/mod.ts";
import {
  bpfMaps,
  clang,
  command,
  kernelBtf,
  libbpf,
  listing,
  root,
  structOps,
  testWith,
} from "../_needs.ts";
import { repository, run, TemporaryDirectory } from "../_support.ts";
import { checkedTogether } from "../_checked_together.ts";
import { compileText, succeed } from "../bpf/_objects.ts";
import { hostmem, hostmemHere, outputOf } from "./_hostmem.ts";
import { shapes, Skeletons } from "./_skeletons.ts";

const skeletons = new Skeletons();
addEventListener("unload", () => skeletons[Symbol.dispose]());
let compiled: Promise<void> | undefined;
const written = new Map<string, Promise<string>>();

/** The path of a skeleton, written once. */
async function skeletonOf(name: string): Promise<string> {
  await (compiled ??= skeletons.compile());
  let path = written.get(name);
  if (path === undefined) written.set(name, path = skeletons.write(name));
  return await path;
}

/** A skeleton, as whoever imports it without knowing its types has it. */
interface Skeleton {
  load(options?: Record<string, unknown>): BpfObject;
  rings: Record<string, (object: BpfObject) => RingBuffer>;
}

async function imported(name: string): Promise<Skeleton> {
  return await import(`file://${await skeletonOf(name)}`);
}

/** Runs this Deno, and gives all that it wrote. */
async function deno(
  ...args: string[]
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Uses of skeletons for the type checker: each mistake must be one. */
const USES = `
import { load } from "./odd_names.ts";
import { load as loadRecords, rings } from "./records.ts";
import { load as loadSections } from "./sections.ts";
import type { BpfIterator, BpfLink, LoadOptions } from "@hostmem/hostmem/bpf";

using object = load({
  constants: { limit: 4, greeting: "hi", "careful": false, class: { function: 1 } },
  variables: { hits: 1n, mixed: { low: 1, named: { single: 1 } }, points: [{ x: 1n, y: 2n }], BpfObject: { ["__proto__"]: 1 } },
  maps: { delete_map: { maxEntries: 9 }, ".data": { pin: false } },
  programs: { unloaded: { load: true } },
});
const hits: bigint = object.variables.hits.pointer().value;
const [first]: string[] = object.variables.words.get();
const low: number = object.variables.mixed.view().low;
const one: number | undefined = object.maps.delete_map.table().get({ function: 1 })?.middle;
object.programs.unloaded?.attach({ kind: "xdp", interface: "lo" });
// What every object has by the name of a variable, map or program is not taken for it.
const inherited: LoadOptions<{
  maps: { constructor: { type: "hash" }; other: { type: "hash" } };
  programs: { toString: []; other: [] };
}> = { maps: { other: { pin: false } }, programs: { other: { load: true } } };
load({ variables: { constructor: 8 } });
// @ts-expect-error: it is a number
load({ variables: { constructor: "8" } });
// @ts-expect-error: there is no such constant
load({ constants: { limits: 4 } });
// @ts-expect-error: it is a number
load({ constants: { limit: 4n } });
// @ts-expect-error: it is a variable
load({ constants: { hits: 1n } });
// @ts-expect-error: there is no such map
load({ maps: { remove_map: { maxEntries: 9 } } });
// @ts-expect-error: there is no such program
load({ programs: { loaded: { load: true } } });
// @ts-expect-error: there is no such variable
void object.variables.misses;
// @ts-expect-error: there is no such field
void object.variables.mixed.pointer().lower;
// @ts-expect-error: it cannot be changed
object.variables.limit.set(1);
// @ts-expect-error: a program for sockets cannot be attached
object.programs.typeof_.attach();

using tracing = loadRecords();
using events = rings.events(tracing);
for (const { pid, name, lengths } of events) {
  const record: [number, string, number | undefined] = [pid, name, lengths.at(0)];
  void record;
}
using notes = rings.perf(tracing);
notes.consume(({ time }, length, cpu) => void (time + BigInt(length + cpu)));
rings.commands(tracing).close();
// @ts-expect-error: it is another object
rings.events(object);

using attached = loadSections();
const { programs } = attached;
const links: BpfLink[] = [programs.in_kprobe_multi.attach(), programs.in_raw_tp.attach()];
const tasks: BpfIterator = programs.in_iter.attach();
// @ts-expect-error: its section names no interface
programs.in_xdp.attach();
// @ts-expect-error: it is for an interface
programs.in_xdp.attach({ kind: "cgroup", cgroup: "/" });
// @ts-expect-error: it is attached to what its section names
programs.in_kprobe_multi.attach({ kind: "kprobe", function: "do_nanosleep" });
programs.in_kprobe.attach({ kind: "kretprobe", function: "do_nanosleep" });
// @ts-expect-error: it is not of a program
programs.in_kprobe.attach({ kind: "uprobe", path: "/bin/sh", symbol: "main" });
// @ts-expect-error: it is run, not attached
programs.in_syscall.attach();
// @ts-expect-error: a map must be given
programs.in_iter_map.attach();
void [hits, first, low, one, links, tasks, inherited];
`;

const typeErrors = checkedTogether("written", async () => {
  const sources: Record<string, string> = {};
  if (kernelBtf.met) sources["kernel_types.ts"] = await kernelTypes();
  if (!clang.met) return sources;
  sources["uses.ts"] = USES;
  for (const name of skeletons.names) {
    const source = await Deno.readTextFile(await skeletonOf(name));
    sources[`${basename(name)}.ts`] = source;
  }
  return sources;
});

testWith(clang)(
  "hostmem skeleton writes of every object what is formatted, documented, the same again and type-checks",
  async () => {
    const paths: string[] = [];
    for (const name of skeletons.names) {
      const path = await skeletonOf(name);
      paths.push(path);
      const before = await Deno.readTextFile(path);
      await skeletons.write(name);
      assertEquals(await Deno.readTextFile(path), before, name);
    }
    assert(paths.length > 15);
    const [format, errors, documentation] = await Promise.all([
      deno("fmt", "--check", "--no-config", ...paths),
      typeErrors(),
      deno("doc", "--lint", ...paths),
    ]);
    assertEquals(format.code, 0, format.text);
    assertEquals(errors, "");
    // Here the package is a neighbour, whose types count as private; that apart,
    // there must be no complaint: JSR wants every type to be said.
    const rules = new Set(documentation.text.match(/(?<=error\[)[\w-]+/g));
    rules.delete("private-type-ref");
    assertEquals([...rules], [], documentation.text);
  },
);

testWith(clang)(
  "hostmem skeleton needs no privilege, and no libbpf: it runs without --allow-ffi",
  async () => {
    await (compiled ??= skeletons.compile());
    const object = skeletons.object("bpf/programs/variables");
    const { code, stdout, stderr } = await hostmem(["skeleton", object], {
      permissions: ["--allow-read", "--allow-env", "--allow-run"],
    });
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertStringIncludes(stdout, "export interface Shape");
  },
);

testWith(clang)(
  "hostmem skeleton names what --event gets wrong, and the remedy",
  async () => {
    await (compiled ??= skeletons.compile());
    const object = skeletons.object("cli/records");
    const messages = await Promise.all(
      ["absent=event", "events", "events=absent"].map(async (event) => {
        const { code, stderr } = await hostmemHere([
          "skeleton",
          object,
          "--event",
          event,
        ]);
        return [code, stderr] as const;
      }),
    );
    assertEquals(messages.map(([code]) => code), [2, 2, 1]);
    assertStringIncludes(messages[0]![1], `"absent" is none, those are events`);
    assertStringIncludes(messages[1]![1], `map=struct: received "events"`);
    assertStringIncludes(messages[2]![1], "const struct absent *");
  },
);

// ---------------------------------------------------------------------------
// Types
// ---------------------------------------------------------------------------

/** Returns what `hostmem types` writes of some of the kernel's types. */
async function kernelTypes(...options: string[]): Promise<string> {
  return await outputOf(
    "types",
    "vmlinux",
    "sock_common",
    "bpf_attr",
    "--import",
    "@hostmem/hostmem",
    ...options,
  );
}

testWith(kernelBtf)(
  "hostmem types writes TypeScript that is formatted and type-checks",
  async () => {
    // Below the repository, where the name of the package resolves.
    const file = `${repository}/.run-types-${crypto.randomUUID()}.ts`;
    try {
      await kernelTypes("--output", file);
      const source = await Deno.readTextFile(file);
      assertStringIncludes(source, `from "@hostmem/hostmem"`);
      assertEquals(source, await kernelTypes());
      const format = await deno("fmt", "--check", "--no-config", file);
      assertEquals(format.code, 0, format.text);
      assertEquals(await typeErrors(), "");
      assertEquals(
        await outputOf(
          "types",
          "vmlinux",
          "sock_common",
          "--check",
          `${file}#sock_common`,
        ),
        "The layouts agree\n",
      );
      const wrong = await hostmemHere([
        "types",
        "vmlinux",
        "list_head",
        "--check",
        `${file}#sock_common`,
      ]);
      assertEquals(wrong.code, 1);
      assertStringIncludes(wrong.stdout, "skc_family");
      const none = await hostmemHere([
        "types",
        "vmlinux",
        "list_head",
        "--check",
        `${file}#nothing`,
      ]);
      assertEquals(none.code, 1);
      assertStringIncludes(none.stderr, "sock_common");
    } finally {
      await Deno.remove(file);
    }
  },
);

// ---------------------------------------------------------------------------
// Loaded
// ---------------------------------------------------------------------------

const loaded = testWith(clang, bpfMaps, libbpf, root);

/** The names of enumerators in an object, by which bpftool shows values. */
function enumerators(object: string): Map<string, bigint> {
  const names = new Map<string, bigint>();
  for (const type of readObjectFile(object).btf!) {
    if (type.kind !== "enum" && type.kind !== "enum64") continue;
    for (const { name, value } of type.members) names.set(name, BigInt(value));
  }
  return names;
}

/** A value as bpftool shows it, in numbers where those are text or hidden. */
function assertShown(
  ours: unknown,
  theirs: unknown,
  names: ReadonlyMap<string, bigint>,
  path: string,
): void {
  if (theirs === null) return;
  const fail = `${path}: ${Deno.inspect(ours)} / ${JSON.stringify(theirs)}`;
  if (typeof ours === "string") {
    const characters = Array.isArray(theirs)
      ? theirs.map((part) =>
        typeof part === "number" ? part & 0xff : String(part).charCodeAt(0)
      )
      : new TextEncoder().encode(String(theirs));
    const [text = ""] = decodeStrings(Uint8Array.from(characters));
    assertEquals(ours, text, fail);
  } else if (Array.isArray(ours) || ArrayBuffer.isView(ours)) {
    const parts = [...ours as Iterable<unknown>];
    const others = theirs as unknown[];
    // Of a flexible array bpftool shows nothing.
    if (others.length === 0) return;
    assertEquals(parts.length, others.length, fail);
    parts.forEach((part, index) =>
      assertShown(part, others[index], names, `${path}[${index}]`)
    );
  } else if (typeof ours === "object" && ours !== null) {
    const fields = flattened(theirs as Record<string, unknown>);
    for (const [name, part] of Object.entries(ours)) {
      assert(fields.has(name), `${path}.${name}: ${JSON.stringify(theirs)}`);
      assertShown(part, fields.get(name), names, `${path}.${name}`);
    }
  } else if (typeof ours === "number" && !Number.isInteger(ours)) {
    assertEquals(ours, Number(theirs), fail);
  } else {
    const text = String(theirs);
    const number = names.get(text) ??
      BigInt(
        /^(true|false)$/.test(text)
          ? Number(theirs)
          : text === "(nil)"
          ? 0
          : text,
      );
    const own = BigInt(ours as number | bigint | boolean);
    // Of bit-fields bpftool shows the bits, of others the value.
    const bits = number < 0n ? 64 : Math.max(number.toString(2).length, 1);
    assert(
      own === number ||
        BigInt.asUintN(bits, own) === BigInt.asUintN(64, number),
      fail,
    );
  }
}

/** The members of a struct, with those of anonymous ones in it. */
function flattened(struct: Record<string, unknown>): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(struct)) {
    if (!name.startsWith("(anon)")) fields.set(name, value);
    else {for (const inner of flattened(value as typeof struct)) {
        fields.set(...inner);
      }}
  }
  return fields;
}

/** Entries of a map as bpftool decodes them. */
async function shownBy(
  map: BpfMap,
): Promise<{ key: unknown; value: unknown }[]> {
  const text = await succeed("bpftool", [
    "-j",
    "map",
    "dump",
    "id",
    `${map.info.id}`,
  ]);
  // Of members with one name, such as anonymous ones, JSON keeps the last.
  let count = 0;
  // It knows no floats: what it says in place of them is no JSON.
  const known = text.replace(/\(unsupport[^,}\]]*/g, "null")
    // Numbers beyond 2^53 would be rounded.
    .replace(/([:,[])(-?\d{16,})/g, '$1"$2"');
  const unique = known.replace(/"(\(anon\))?":/g, () => `"(anon)${count++}":`);
  return (JSON.parse(unique) as {
    formatted: { key: unknown; value: unknown };
  }[])
    .map(({ formatted }) => formatted);
}

/**
 * Loads the object of a skeleton, and compares its variables with what bpftool
 * shows of their maps.
 *
 * @returns The number of variables that were compared.
 */
async function compareVariables(name: string): Promise<number> {
  const { load } = await imported(name);
  using object = load();
  const names = enumerators(skeletons.object(name));
  const sections = new Map<string, Map<string, unknown>>();
  let compared = 0;
  for (const [path, variable] of Object.entries(object.variables)) {
    let section = sections.get(variable.section);
    if (section === undefined) {
      const [entry] = await shownBy(object.maps[variable.section]!);
      const [all] = Object.values(entry!.value as Record<string, unknown[]>);
      section = new Map(
        (all as Record<string, unknown>[]).flatMap(Object.entries),
      );
      sections.set(variable.section, section);
    }
    // Where there is a float, bpftool shows nothing of what follows.
    if (!section.has(variable.name)) continue;
    const shown = section.get(variable.name);
    assertShown(variable.get(), shown, names, `${name}: ${path}`);
    compared++;
  }
  return compared;
}

const compared = testWith(
  clang,
  bpfMaps,
  libbpf,
  listing,
  command("bpftool"),
);

for (
  const [name, least] of [
    ["bpf/programs/variables", 20],
    ["bpf/programs/constants", 2],
    ["bpf/programs/statics", 2],
    ["cli/odd_names", 30],
  ] as const
) {
  compared(
    `the skeleton of ${name} loads, and its variables are what bpftool shows`,
    async () => {
      const count = await compareVariables(name);
      assert(count >= least, `${count}`);
    },
  );
}

compared(
  "the skeletons of objects of all shapes load, and their variables are what bpftool shows",
  async () => {
    let count = 0;
    for (const name of shapes) {
      count += await compareVariables(name);
    }
    assert(count >= 4 * shapes.length, `${count}`);
  },
);

/** The types of a map's keys and values in the text of a skeleton. */
function shapeOf(source: string, map: string): (string | undefined)[] {
  const shape = new RegExp(`readonly ${map}: \\{([^}]*)\\}`).exec(source)![1]!;
  return ["key", "value"].map((part) =>
    new RegExp(`readonly ${part}:\\s*([^;]+?)\\s*(?:;|$)`).exec(shape)?.[1]
  );
}

/** Loads the object of a skeleton, and compares the types of its maps' entries. */
async function compareMaps(name: string): Promise<Set<unknown>> {
  const { load } = await imported(name);
  const source = await Deno.readTextFile(await skeletonOf(name));
  using object = load();
  const kinds = new Set<unknown>();
  for (
    const [map, { info, keyType, valueType }] of Object.entries(object.maps)
  ) {
    // Those of variables are not shown as entries.
    if (map.startsWith(".")) continue;
    kinds.add(info.type);
    const said = (type: Type | undefined, size: number, part: string) =>
      size === 0
        // A ring's type is that of its records, and the skeleton's `rings` have it.
        ? undefined
        : type === undefined
        ? "UntypedBytes"
        // One that has no name is named for its map.
        : new TypescriptSource().typeOf(type, "")
          .replace(/ $/, ` ${map}_${part}`);
    assertEquals(
      shapeOf(source, map),
      [
        said(keyType, info.keySize, "key"),
        said(valueType, info.valueSize, "value"),
      ],
      `${name}: ${map}: ${info.type}`,
    );
  }
  return kinds;
}

loaded(
  "a skeleton says of every kind of map what its keys and values are when it is loaded",
  async () => {
    const kinds = await compareMaps("cli/map_kinds");
    assert(kinds.size > 25, [...kinds].join(" "));
    for (const name of shapes) await compareMaps(name);
  },
);

testWith(clang, bpfMaps, libbpf, root, structOps)(
  "a skeleton loads an object of struct_ops, whose maps are there by name",
  async () => {
    const { load } = await imported("bpf/programs/struct_ops");
    using object = load();
    assertEquals(Object.keys(object.maps), [".bss", "congestion", "successor"]);
    const { congestion, successor } = object.maps;
    for (const { info, keyType, valueType } of [congestion!, successor!]) {
      assertEquals(info.type, "struct_ops");
      assertEquals([keyType, valueType], [undefined, undefined]);
    }
  },
);

testWith(clang)(
  "a skeleton has a map of struct_ops that is not made unless asked for as an optional property",
  async () => {
    using directory = new TemporaryDirectory();
    const path = await compileText(
      `struct table { int (*call)(void); };
SEC(".struct_ops") struct table made;
SEC("?.struct_ops") struct table asked;`,
      directory,
    );
    const text = await outputOf("skeleton", path);
    assertStringIncludes(
      text,
      'readonly made: { readonly type: "struct_ops" }',
    );
    assertStringIncludes(
      text,
      'readonly asked?: { readonly type: "struct_ops" }',
    );
  },
);

loaded("a skeleton has the types that the kernel refuses to know", async () => {
  const { load } = await imported("cli/no_identifiers");
  using object = load({
    variables: { größe: { $dollar: 3 } },
    maps: { sizes: { maxEntries: 2 } },
  });
  assertEquals(object.variables.größe!.get(), { $dollar: 3 });
  assertEquals(object.variables["odd-name"]!.get(), 1);
  const table = object.map("sizes").table();
  table.set(1, { $dollar: 4 });
  assertEquals([...table], [[1, { $dollar: 4 }]]);
  assertEquals(object.map("sizes").info.btfId, 0);
});

loaded("a skeleton has floats, which bpftool does not show", async () => {
  const { load } = await imported("cli/odd_names");
  using object = load();
  assertEquals(object.variables.half!.get(), 0.5);
  assertEquals(object.variables.quarter!.get(), [0.25, -0.25]);
});

loaded("the rings of a skeleton read what its programs send", async () => {
  const { load, rings } = await imported("cli/records");
  using object = load();
  using events = rings.events!(object);
  object.program("submit").run();
  const [event] = Array.from(
    events as Iterable<object>,
    (one) => snapshot(one),
  );
  assertEquals(event as unknown, { pid: 42, name: "records", lengths: [1, 2] });
  using typed = rings.typed!(object);
  assertEquals(typed.available, 0);
});

loaded(
  "a skeleton finds the object beside it, wherever it is started",
  async () => {
    const file = await skeletonOf("bpf/programs/constants");
    const { code, stdout, stderr } = await run(
      `Deno.chdir("/");
     const { load } = await import(${JSON.stringify(`file://${file}`)});
     using object = load({ constants: { rounds: 5 } });
     console.log(object.variables.rounds.get(), Object.keys(object.programs));`,
      { permissions: ["-A"] },
    );
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertEquals(stdout, `5 [ "fine", "lookup" ]\n`);
  },
);
