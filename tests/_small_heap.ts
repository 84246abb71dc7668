/**
 * Loaded before each test module (`deno test --preload`): frees the 80 MB that
 * Deno has for its benches in the heap of every test, an array of ten million
 * numbers that are not there yet (`all` in Deno's `40_bench.js`). Each collection
 * of garbage goes over it, which takes longer than all the rest.
 *
 * Only the engine's inspector reaches the array. Where that is otherwise, in
 * another version of Deno, nothing is freed, and nothing is lost but time.
 *
 * @module
 */

/** The number of numbers that the array has room for. */
const ROOM = 10_000_000;

/** The inspector's description of a value. */
interface Remote {
  readonly name: string;
  readonly value: { readonly objectId: string };
}

try {
  // Older versions of Deno do not have it.
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  try {
    await emptyArray((method, parameters) =>
      session.post(method, parameters) as Promise<never>
    );
  } finally {
    session.disconnect();
  }
} catch {
  // It is as it was.
}

/** Makes the array one of no elements, by way of the function that sees it. */
async function emptyArray(
  post: (method: string, parameters: object) => Promise<never>,
): Promise<void> {
  const propertiesOf = (objectId: string): Promise<{
    readonly result: readonly Remote[];
    readonly internalProperties?: readonly Remote[];
  }> => post("Runtime.getProperties", { objectId, ownProperties: true });
  const { result: bench }: { result: Remote["value"] } = await post(
    "Runtime.evaluate",
    { expression: "Deno.bench" },
  );
  const { internalProperties } = await propertiesOf(bench.objectId);
  const scopes = valueOf("[[Scopes]]", internalProperties);
  const [innermost] = (await propertiesOf(scopes)).result;
  const scope = (await propertiesOf(innermost!.value.objectId)).result;
  await post("Runtime.callFunctionOn", {
    objectId: valueOf("all", scope),
    functionDeclaration:
      `function () { if (this.length === ${ROOM}) this.length = 0; }`,
  });
}

function valueOf(name: string, properties: readonly Remote[] = []): string {
  return properties.find((property) => property.name === name)!.value.objectId;
}
