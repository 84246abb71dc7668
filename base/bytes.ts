/**
 * Arrays of bytes. What they are and how long is asked of the engine: a class
 * that extends `Uint8Array`, as Node's Buffer does, or an array of its own
 * properties, may tell something else, and tell it differently each time.
 */

const { prototype } = Object.getPrototypeOf(Uint8Array) as {
  prototype: object;
};

function getterOf(key: PropertyKey): () => unknown {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!;
}

const kind = getterOf(Symbol.toStringTag);
const length = getterOf("length");
const buffer = getterOf("buffer");
const byteOffset = getterOf("byteOffset");

/** Tests whether a value is a `Uint8Array`, or of a class that extends it. */
export function isBytes(value: unknown): value is Uint8Array {
  return kind.call(value) === "Uint8Array";
}

/** The length of an array in bytes; 0 where it is detached. */
export function lengthOf(bytes: Uint8Array): number {
  return length.call(bytes) as number;
}

/** A part of an array, of no class but `Uint8Array` and of exactly that length. */
export function partOf(
  bytes: Uint8Array,
  begin: number,
  length: number,
): Uint8Array {
  const start = byteOffset.call(bytes) as number;
  return new Uint8Array(
    buffer.call(bytes) as ArrayBuffer,
    start + begin,
    length,
  );
}

/**
 * Tests whether a buffer was transferred: then arrays over it are empty, whatever
 * they were made for.
 */
export function isDetached(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer && buffer.detached;
}
