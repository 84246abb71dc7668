/**
 * Says which Deno is needed before anything else is evaluated. Every entry point
 * that calls native code imports this first.
 *
 * An older Deno can't check our types (TypeScript 5.7 made typed arrays generic)
 * and lacks what we call. It can parse our syntax, which `deno task versions`
 * tries: a version that can't would speak before this can.
 */

const MINIMUM = { major: 2, minor: 2 };

const version: string | undefined = (globalThis as { Deno?: typeof Deno }).Deno
  ?.version.deno;
const needed = `hostmem needs Deno ${MINIMUM.major}.${MINIMUM.minor} or later`;

if (version === undefined) {
  throw new Error(
    `${needed}; only its entry point "./layout" runs without Deno`,
  );
}
const [major = 0, minor = 0] = version.split(".").map(Number);
if (
  major < MINIMUM.major ||
  (major === MINIMUM.major && minor < MINIMUM.minor)
) {
  throw new Error(`${needed}: this is ${version}`);
}
