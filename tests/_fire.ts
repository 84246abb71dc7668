/**
 * The sizes of tests. An ordinary run has each promise at a size at which it
 * has been seen to fail where it is broken; `HOSTMEM_FIRE=1` in the environment
 * takes what is rare, minutes instead of seconds: `deno task fire` sets it.
 *
 * @module
 */

/** True if tests may take minutes. */
export const fire: boolean = Deno.env.get("HOSTMEM_FIRE") === "1";

/** The size of an ordinary run, or that under fire. */
export function sized(ordinary: number, underFire: number): number {
  return fire ? underFire : ordinary;
}

/** The flags of V8 to run under: none but the default, or several. */
export function flagSets(
  sets: Readonly<Record<string, string[]>>,
): [name: string, v8Flags: string[]][] {
  return fire ? [["", []], ...Object.entries(sets).map(withName)] : [["", []]];
}

function withName([name, flags]: [string, string[]]): [string, string[]] {
  return [`, ${name}`, flags];
}

/**
 * True if the engine has one thread only: Deno never settles the promise of
 * `Atomics.waitAsync` then.
 */
export const singleThreaded: boolean =
  Deno.env.get("DENO_V8_FLAGS")?.includes("--single-threaded") ?? false;
