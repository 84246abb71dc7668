/**
 * One run of the type checker for what several tests of a process have written:
 * it takes about as long for one file as for all.
 *
 * @module
 */

import { typeErrors } from "./_type_check.ts";

/** Sources to check, by the names of their files. */
export type Sources = Readonly<Record<string, string>>;

const makers: (() => Promise<Sources>)[] = [];
let errors: Promise<string> | undefined;

/**
 * Has sources checked, which lie in a folder of this name, once a test asks for it
 * with the function that is returned: what the type checker says of all that this
 * process has checked. To be called before any test runs.
 */
export function checkedTogether(
  folder: string,
  make: () => Promise<Sources>,
): () => Promise<string> {
  makers.push(async () => {
    const sources = Object.entries(await make());
    return Object.fromEntries(
      sources.map(([name, source]) => [`${folder}/${name}`, source]),
    );
  });
  return () => errors ??= checkAll();
}

async function checkAll(): Promise<string> {
  const sources: Record<string, string> = {};
  for (const make of makers) Object.assign(sources, await make());
  return await typeErrors("", sources);
}
