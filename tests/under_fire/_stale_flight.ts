/**
 * The forms of the cases of stale access that wait for something.
 *
 * @module
 */

import type { Run, Scene } from "./_stale_scene.ts";

/** A typed array, as the runtime's declarations want it. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Closes the memory, and does something with the array. */
export function afterClose(use: (bytes: Bytes, scene: Scene) => unknown): Run {
  return (scene) => {
    scene.close();
    return use(scene.bytes as Bytes, scene);
  };
}

/** Begins something with the array, closes the memory, and awaits it. */
export function meanwhile<T>(
  begin: (bytes: Bytes, scene: Scene) => Promise<T>,
  end: (result: T, scene: Scene) => unknown = (result) => result,
): Run {
  return async (scene) => {
    let promise: Promise<T>;
    try {
      promise = begin(scene.bytes as Bytes, scene);
    } finally {
      scene.close();
    }
    return end(await promise, scene);
  };
}
