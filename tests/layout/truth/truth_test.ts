import { assertEquals } from "@std/assert";
import { sized } from "../../_fire.ts";
import { command, testWith } from "../../_needs.ts";
import { Random } from "../../_support.ts";
import { Comparison, declarationSeeds, reportOf } from "./comparison.ts";
import { COMPILERS } from "./compilers.ts";
import { aggregatesIn, INTEGERS, isFlexible } from "./declarations.ts";
import { randomDeclaration } from "./random_declaration.ts";

/** The number of declarations in which all that there is can be found. */
const DECLARATIONS = 300;
/** The number of them that each compiler is asked about, others in each run. */
const COMPARED = sized(40, DECLARATIONS);

for (const compiler of COMPILERS) {
  const [name] = compiler.command;
  const compilerTest = testWith(command(name!));
  compilerTest(
    `Random declarations are laid out, stored and read as ${compiler.name} does it`,
    async () => {
      using comparison = new Comparison();
      const seeds = declarationSeeds(0, COMPARED);
      const [first] = await comparison.compare(seeds, [compiler]);
      if (first === undefined) return;
      throw new Error(reportOf(await comparison.simplify(first)));
    },
  );
}

Deno.test("Random declarations have all that a struct or union can have", () => {
  const found = new Set<string>();
  for (const seed of declarationSeeds(0, DECLARATIONS)) {
    const declaration = randomDeclaration(new Random(seed));
    if (isFlexible(declaration)) found.add("flexible");
    for (const aggregate of aggregatesIn(declaration)) {
      found.add(aggregate.kind);
      if (aggregate.packed) found.add("packed");
      for (const option of ["align", "size"] as const) {
        if (aggregate[option] !== undefined) found.add(option);
      }
      for (const { type, offset } of aggregate.fields) {
        found.add(type.kind);
        if (offset !== undefined) found.add("offset");
        if (type.kind === "unnamed" && type.width === 0) found.add(": 0");
        if (type.kind === "bits" && type.base.kind === "scalar") {
          found.add(`bits of ${type.base.name}`);
        }
      }
    }
  }
  assertEquals(
    [...found].sort(),
    [
      ...[...INTEGERS, "bool"].map((name) => `bits of ${name}`),
      ...["struct", "union", "packed", "align", "size", "offset", "flexible"],
      ...["scalar", "enumeration", "text", "atomic", "array", "aligned"],
      ...["bits", "unnamed", ": 0", "padding"],
    ].sort(),
  );
});
