/**
 * Runs every `bench/*_bench.ts` in a process of its own, since what ran before
 * in a process changes how fast the rest of it runs. Arguments select those
 * whose name contains one of them: `deno task bench layout`.
 *
 * The exit code tells of crashes only; bars are printed, not enforced.
 *
 * @module
 */

const directory = new URL(".", import.meta.url);
const benches = [...Deno.readDirSync(directory)]
  .map((entry) => entry.name)
  .filter((name) => name.endsWith("_bench.ts"))
  .filter((name) =>
    Deno.args.length === 0 || Deno.args.some((part) => name.includes(part))
  )
  .sort();

const crashed: string[] = [];
for (const name of benches) {
  console.log(`\n${name}`);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", new URL(name, directory).href],
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) crashed.push(name);
}

if (crashed.length > 0) {
  console.error(`\nCrashed: ${crashed.join(", ")}`);
  Deno.exit(1);
}
