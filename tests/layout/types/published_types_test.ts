import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { repository, TemporaryDirectory } from "../../_support.ts";

const STATS = `
import {
  array, type ArrayType, type Atomic, atomic, type AtomicType, HostLayout,
  type Pointer, pointer, struct, type StructType, type U16, u16, type U64, u64,
} from "@hostmem/hostmem/layout";
`;

/** Runs Deno in a package of these files that imports this one. */
async function inPackage(
  sources: Record<string, string>,
  args: string[],
): Promise<{ code: number; stderr: string }> {
  using directory = new TemporaryDirectory();
  await Deno.writeTextFile(
    directory.join("deno.json"),
    JSON.stringify({
      name: "@someone/stats",
      version: "1.0.0",
      license: "MIT",
      exports: "./mod.ts",
      // Not the package itself as a link: nothing but layout is needed.
      imports: {
        "@hostmem/hostmem/layout": `file://${repository}/layout/mod.ts`,
      },
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        // Without the types of browsers, which take the checker a second.
        lib: ["deno.ns", "esnext"],
      },
    }),
  );
  for (const [name, source] of Object.entries(sources)) {
    await Deno.writeTextFile(directory.join(name), source);
  }
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: directory.path,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

const MISTAKEN = `${STATS}
const Inner = struct("Inner", { _: HostLayout, x: u16 });
const Stats = struct("Stats", {
  _: HostLayout,
  packets: atomic(u64),
  bytes: u64,
  ports: array(u16, 8),
  inner: Inner,
  cells: array(Inner, 2),
});
interface Stats extends Pointer<typeof Stats> {}
const stats: Stats = pointer(Stats, new ArrayBuffer(64));
const named: never = stats;
const inferred: never = pointer(Stats, new ArrayBuffer(64));
const bytes: string = stats.bytes;
export const all: unknown[] = [named, inferred, bytes];
`;

const ANNOTATED = `${STATS}
/** The traffic that a port saw. */
export const Stats: StructType<{
  _: HostLayout;
  packets: AtomicType<U64>;
  bytes: U64;
  ports: ArrayType<U16, 8>;
}> = struct("Stats", {
  _: HostLayout,
  packets: atomic(u64),
  bytes: u64,
  ports: array(u16, 8),
});
/** A pointer to what a port saw. */
export interface Stats extends Pointer<typeof Stats> {}
/** Makes one. */
export function make(): Stats {
  return pointer(Stats, new ArrayBuffer(32));
}
/** Its counter. */
export function counter(stats: Stats): Atomic<bigint> {
  return stats.packets;
}
`;

/** The checker's verdict on both, asked once: it takes seconds to begin. */
let checked: ReturnType<typeof inPackage> | undefined;
function check(): ReturnType<typeof inPackage> {
  checked ??= inPackage(
    { "annotated.ts": ANNOTATED, "mistaken.ts": MISTAKEN },
    ["check", "--quiet", "annotated.ts", "mistaken.ts"],
  );
  return checked;
}

Deno.test("an error about a named pointer prints its fields, not the machinery", async () => {
  const { code, stderr } = await check();
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    "Type 'Stats' is not assignable to type 'never'",
  );
  assertStringIncludes(
    stderr,
    "Type 'bigint' is not assignable to type 'string'",
  );
  const [, hover = ""] = /Type '(\{.*)' is not assignable to type 'never'/s
    .exec(stderr) ?? [];
  assertStringIncludes(hover, "bytes: bigint");
  assertStringIncludes(hover, "readonly packets: Atomic<bigint>");
  assertStringIncludes(hover, "readonly ports: Uint16Array");
  for (
    const machinery of ["StructPointer", "Side<", "shape", "infer", "Hidden"]
  ) {
    assertEquals(hover.includes(machinery), false, hover);
  }
});

Deno.test("an exported struct can be annotated, and is no slow type then", async () => {
  const lint = ["lint", "--rules-include=no-slow-types", "mod.ts"];
  const annotated = await inPackage({ "mod.ts": ANNOTATED }, lint);
  assertEquals(annotated.code, 0, annotated.stderr);
  const inferred = await inPackage({
    "mod.ts": `${STATS}
    export const Stats = struct("Stats", { _: HostLayout, bytes: u64 });
    export type Used = [ArrayType<U16>, AtomicType<U64>, Atomic<bigint>];
    export const used: unknown[] = [array, atomic, pointer, u16];
    export type Other = Pointer<StructType<{ a: U64 }>>;
    `,
  }, lint);
  assertEquals(inferred.code, 1);
  assert(/slow.types|explicit type/.test(inferred.stderr), inferred.stderr);
  const { stderr } = await check();
  assertStringIncludes(stderr, "mistaken.ts");
  assertEquals(stderr.includes("annotated.ts"), false, stderr);
});
