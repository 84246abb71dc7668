/**
 * Compares the layout of every struct and union of this kernel with pahole's.
 *
 *     deno run -A tests/btf/truth.ts
 */

import { Btf } from "../../btf/mod.ts";
import { compare } from "./_comparison.ts";
import { pahole } from "./_pahole.ts";

const MOST_REPORTS = 10;

const told = await pahole("/sys/kernel/btf/vmlinux");
const { structs, members, disagreements } = compare(Btf.kernel(), told);
for (const text of disagreements.slice(0, MOST_REPORTS)) console.log(text);
console.log(
  `${structs} structs and unions, ${members} members, ${disagreements.length} disagreements`,
);
if (disagreements.length > 0 || structs < 1000) Deno.exitCode = 1;
