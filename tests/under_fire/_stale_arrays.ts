/**
 * Stale access through typed arrays that were taken out: their elements, and
 * what is made of their buffer. They read `undefined`, or zeros where Workers
 * can share the memory.
 *
 * @module
 */

import { after, type Case, type Scene, TYPE_ERROR } from "./_stale_scene.ts";

/** An element read by code that the engine has compiled by the time it closes. */
function hot(scene: Scene): string {
  const { words } = scene.root;
  let sum = 0;
  let holes = 0;
  for (let i = 0; i < 200_000; i++) {
    if (i === 150_000) scene.close();
    const word = words[i & 15];
    if (word === undefined) holes++;
    else sum += word;
    words[i & 15] = word ?? 1;
  }
  return `${sum / 0x5a5a5a5a} ${holes}`;
}

/** The cases by name. */
export const arrayCases: Record<string, Case> = {
  "an element": [after(({ bytes }) => bytes[0]), "undefined", "0"],
  "an element of a 64-bit array": [
    (scene) => {
      const { longs } = scene.root;
      scene.close();
      return longs[0];
    },
    "undefined",
    "0n",
  ],
  "an element stored": [
    after(({ bytes }) => {
      bytes[0] = 1;
      return bytes[0];
    }),
    "undefined",
    "1",
  ],
  "an element stored that closes": [
    (scene) => {
      scene.bytes[0] = scene.number(1);
      return scene.bytes[0];
    },
    "undefined",
    "1",
  ],
  "an element added to by an expression that closes": [
    (scene) => {
      scene.bytes[0]! += scene.closing(1);
      return scene.bytes[0];
    },
    "undefined",
    "91",
  ],
  "length": [after(({ bytes }) => bytes.length), "0", "4096"],
  "byteOffset": [
    (scene) => {
      const { words } = scene.root;
      scene.close();
      return words.byteOffset;
    },
    "0",
    "4096",
  ],
  "the buffer's length": [
    after(({ buffer }) => buffer.byteLength),
    "0",
    "131072",
  ],
  "a subarray from before": [
    (scene) => {
      const part = scene.bytes.subarray(16, 32);
      scene.close();
      part[0] = 1;
      return [part.length, part[0]];
    },
    "[ 0, undefined ]",
    "[ 16, 1 ]",
  ],
  "a subarray from after": [
    after(({ bytes }) => bytes.subarray(16, 32)[0]),
    TYPE_ERROR,
    "0",
  ],
  "a slice": [
    after(({ bytes }) => bytes.slice(0, 2)),
    TYPE_ERROR,
    "Uint8Array(2) [ 0, 0 ]",
  ],
  "a slice whose end closes": [
    (scene) => scene.bytes.slice(0, scene.number(2)),
    TYPE_ERROR,
    "Uint8Array(2) [ 0, 0 ]",
  ],
  "a DataView from before read": [
    (scene) => {
      const view = new DataView(scene.buffer);
      scene.close();
      return view.getUint32(0);
    },
    TYPE_ERROR,
    "0",
  ],
  "a DataView from before written": [
    (scene) => {
      const view = new DataView(scene.buffer);
      scene.close();
      view.setBigUint64(0, 1n);
      return view.getUint8(7);
    },
    TYPE_ERROR,
    "1",
  ],
  "a DataView whose value closes": [
    (scene) => {
      const view = new DataView(scene.buffer);
      view.setUint8(0, scene.number(1));
      return view.getUint8(0);
    },
    TYPE_ERROR,
    "1",
  ],
  "a DataView from after": [
    after(({ buffer }) => new DataView(buffer).getUint8(0)),
    TYPE_ERROR,
    "0",
  ],
  "a typed array from after": [
    after(({ buffer }) => new Uint8Array(buffer)[0]),
    TYPE_ERROR,
    "0",
  ],
  "a typed array whose length closes": [
    (scene) => new Uint8Array(scene.buffer, 0, scene.number(16))[0],
    TYPE_ERROR,
    "0",
  ],
  "a copy of the array": [
    after(({ bytes }) => new Uint8Array(bytes)[0]),
    TYPE_ERROR,
    "0",
  ],
  "an iterator midway": [
    (scene) => {
      const iterator = scene.bytes[Symbol.iterator]();
      iterator.next();
      scene.close();
      return iterator.next().value;
    },
    TYPE_ERROR,
    "0",
  ],
  "entries midway": [
    (scene) => {
      const iterator = scene.bytes.entries();
      iterator.next();
      scene.close();
      return iterator.next().value;
    },
    TYPE_ERROR,
    "[ 1, 0 ]",
  ],
  "for-of midway": [
    (scene) => {
      let sum = 0;
      for (const byte of scene.bytes) {
        scene.close();
        sum += byte;
      }
      return sum;
    },
    TYPE_ERROR,
    "90",
  ],
  "spread": [after(({ bytes }) => [...bytes].length), TYPE_ERROR, "4096"],
  "destructured": [
    after(({ bytes }) => {
      const [first] = bytes;
      return first;
    }),
    TYPE_ERROR,
    "0",
  ],
  "a loop that is hot": [hot, "150000 50000", "150000 0"],
};
