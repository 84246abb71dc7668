/**
 * A Worker that writes to shared memory as fast as it can: each 64-bit word
 * alternates between 0 and one pattern. It stores by `Atomics`, whose stores
 * are whole in every tier of the engine.
 */

import { patterns } from "./_words.ts";

function alternate(words: BigUint64Array): never {
  for (;;) {
    for (let index = 0; index < patterns.length; index++) {
      Atomics.store(words, index, patterns[index]!);
    }
    for (let index = 0; index < patterns.length; index++) {
      Atomics.store(words, index, 0n);
    }
  }
}

self.addEventListener("message", (event) => {
  const { data } = event as MessageEvent<SharedArrayBuffer>;
  alternate(new BigUint64Array(data));
});
