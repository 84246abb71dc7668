import { assert, assertEquals, assertMatch } from "@std/assert";
import * as layout from "../../../layout/mod.ts";
import { compilerOfC, testWith } from "../../_needs.ts";
import { cCompiler, TemporaryDirectory } from "../../_support.ts";

const page = await Deno.readTextFile(
  new URL("../../../docs/types.md", import.meta.url),
);

/** The fields on the page: in TypeScript, and one or more ways in C. */
const rows = Array.from(
  page.matchAll(/^\| `(\w+: [^`]+)` +\| (`[^|]+;[^|]*`) +\|/gm),
  ([, typescript, c]) => ({
    typescript: typescript!,
    c: Array.from(c!.matchAll(/`([^`]+)`/g), ([, one]) => one!),
  }),
);

Deno.test("docs/types.md has every constructor of the layout language", async () => {
  const folder = new URL("../../../layout/language/", import.meta.url);
  const constructors: string[] = [];
  for (const { name } of Deno.readDirSync(folder)) {
    const module: object = await import(new URL(name, folder).href);
    constructors.push(
      ...Object.keys(module).filter((name) => Object.hasOwn(layout, name)),
    );
  }
  assert(constructors.length >= 26, constructors.join(" "));
  const used = rows.map(({ typescript }) => typescript).join("\n");
  for (const name of constructors) {
    assertMatch(used, new RegExp(`\\b${name}\\b`), `${name} is in no row`);
  }
});

testWith(compilerOfC)(
  "What docs/types.md has side by side has one size and alignment in a C compiler",
  async () => {
    const names = Object.keys(layout);
    const values = Object.values(layout);
    const asserted = rows.flatMap(({ typescript, c }) => {
      const type = new Function(
        ...names,
        `return struct("row", { _: HostLayout, ${typescript} });`,
      )(...values) as layout.Type;
      return c.map((fields) =>
        `{ struct row { ${fields} }; ` +
        `_Static_assert(sizeof(struct row) == ${type.size} && ` +
        `_Alignof(struct row) == ${type.align}, ${JSON.stringify(fields)}); }`
      );
    });
    assert(asserted.length >= 35, `${asserted.length}`);
    using directory = new TemporaryDirectory();
    const file = directory.join("page.c");
    await Deno.writeTextFile(
      file,
      [
        "#include <stdint.h>",
        "#include <uchar.h>",
        "void page(void) {",
        ...asserted,
        "}\n",
      ].join(
        "\n",
      ),
    );
    const { code, stderr } = await new Deno.Command(cCompiler!, {
      args: ["-std=gnu11", "-fsyntax-only", file],
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  },
);
