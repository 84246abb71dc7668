/** A Worker that stores what `_watcher.ts` wants, again and again. */

import { END, STORED, storesTo, WANTED } from "./_stores.ts";

function storeAll(shared: SharedArrayBuffer): void {
  const stores = Object.values(storesTo(shared));
  const control = new Int32Array(shared);
  const words = new BigUint64Array(shared, 0, 1);
  let current = END;
  for (;;) {
    const wanted = Atomics.load(control, WANTED);
    if (wanted === END) return;
    const { store } = stores[wanted]!;
    if (wanted !== current) {
      Atomics.store(words, 0, 0n);
      store(false);
      current = wanted;
      Atomics.store(control, STORED, wanted);
    }
    for (let i = 0; i < 200; i++) {
      store(true);
      store(false);
    }
  }
}

self.addEventListener("message", (event) => {
  storeAll((event as MessageEvent<SharedArrayBuffer>).data);
  self.postMessage("done");
});
