/**
 * Writes every struct and union of this kernel as TypeScript, checks it, runs
 * it, and compares the layouts.
 *
 *     deno run -A tests/btf/typescript_truth.ts [every n-th] [--no-check]
 *
 * The compiler takes a minute for all of them.
 */

import { fromFileUrl } from "@std/path";
import { Btf, typescript } from "../../btf/mod.ts";
import type { AnyType } from "../../layout/model/types.ts";
import { run } from "../_support.ts";
import { layoutText } from "./_same_layout.ts";

const every = Number(Deno.args[0] ?? 1);
const root = fromFileUrl(new URL("../../", import.meta.url));

const btf = Btf.kernel();
const ids = [...btf]
  .filter(({ kind, name }) =>
    (kind === "struct" || kind === "union") && name !== ""
  )
  .map(({ id }) => id)
  .filter((_, index) => index % every === 0);
const source = typescript(btf, ids, { from: `file://${root}mod.ts` });
/** Layouts by name; where types share a name, in the order of their ids. */
const wanted = ids.map((id) => layoutText(btf.layout(id) as AnyType));
const wantedFile = await Deno.makeTempFile({ prefix: "hostmem-" });
// Outside of the repository, whose configuration leaves such files out.
const sourceFile = await Deno.makeTempFile({ suffix: ".ts" });
try {
  await Deno.writeTextFile(wantedFile, JSON.stringify(wanted));
  await Deno.writeTextFile(sourceFile, source);
  const start = performance.now();
  const unchecked = Deno.args.includes("--no-check");
  const { success, stderr } = unchecked
    ? { success: true, stderr: new Uint8Array() }
    : await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-config", sourceFile],
      cwd: root,
      env: { NO_COLOR: "1", DENO_V8_FLAGS: "--max-old-space-size=6000" },
      stdin: "null",
    }).output();
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  if (!success) console.log(new TextDecoder().decode(stderr).slice(0, 4000));
  const compared = await run(
    `import * as made from ${JSON.stringify(sourceFile)};
     import { layoutText } from "./tests/btf/_same_layout.ts";
     const texts = new Set(Object.values(made).map(layoutText));
     const wanted = JSON.parse(Deno.readTextFileSync(${
      JSON.stringify(wantedFile)
    }));
     const missing = wanted.filter((text) => !texts.has(text));
     for (const text of missing.slice(0, 5)) console.log(text.slice(0, 500));
     console.log(wanted.length + " structs and unions, " + missing.length + " differ");
     if (missing.length > 0) Deno.exitCode = 1;`,
    { permissions: ["-A"], flags: ["--no-check"] },
  );
  console.log(compared.stdout + compared.stderr.slice(0, 2000));
  console.log(
    `${source.length} characters: ${
      unchecked
        ? "types not checked"
        : success
        ? "types are right"
        : "types are wrong"
    }, ${seconds} s`,
  );
  if (!success || compared.code !== 0) Deno.exitCode = 1;
} finally {
  await Deno.remove(sourceFile);
  await Deno.remove(wantedFile);
}
