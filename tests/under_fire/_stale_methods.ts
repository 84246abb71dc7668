/**
 * Stale access by the methods of typed arrays, whose callbacks and arguments
 * close the memory, and by other functions of the language.
 *
 * @module
 */

import { singleThreaded } from "../_fire.ts";
import { after, type Case, type Run, TYPE_ERROR } from "./_stale_scene.ts";

type Encoded = Uint8Array & {
  toHex(): string;
  toBase64(): string;
  setFromHex(text: string): { written: number };
  setFromBase64(text: string, options?: object): { written: number };
};

/** Closes the memory also if what should close it is refused before. */
function refusedOr(use: Run): Run {
  return async (scene) => {
    try {
      return await use(scene);
    } finally {
      scene.close();
    }
  };
}

/** The cases by name. */
export const methodCases: Record<string, Case> = {
  "forEach() midway": [
    (scene) => {
      const seen = new Set<unknown>();
      scene.bytes.forEach((byte) => {
        scene.close();
        seen.add(byte);
      });
      return [...seen];
    },
    "[ 90, undefined ]",
    "[ 90, 0 ]",
  ],
  "map() midway": [
    (scene) => scene.bytes.map((byte) => scene.closing(byte))[1],
    "0",
    "0",
  ],
  "map() into itself midway": [
    (scene) => {
      const { bytes } = scene;
      Object.defineProperty(bytes, "constructor", {
        value: {
          [Symbol.species]: class {
            constructor() {
              return bytes;
            }
          },
        },
      });
      return bytes.map((_, i) => i === 0 ? scene.closing(1) : 2)[0];
    },
    TYPE_ERROR,
    "1",
  ],
  "filter() midway": [
    (scene) => scene.bytes.filter((_, i) => scene.closing(i < 2)),
    "Uint8Array(2) [ 90, 0 ]",
    "Uint8Array(2) [ 90, 0 ]",
  ],
  "reduce() midway": [
    (scene) =>
      scene.bytes.reduce((sum, byte) => scene.closing(sum + (byte ?? 0)), 0),
    "90",
    "90",
  ],
  "findLast() midway": [
    (scene) => scene.bytes.findLast((byte) => scene.closing(byte === 0)),
    "undefined",
    "0",
  ],
  "indexOf() from an index that closes": [
    (scene) => scene.bytes.indexOf(90, scene.number(0)),
    "-1",
    "-1",
  ],
  "includes() from an index that closes": [
    (scene) => scene.bytes.includes(0, scene.number(0)),
    "false",
    "true",
  ],
  "at() of an index that closes": [
    (scene) => scene.bytes.at(scene.number(0)),
    "undefined",
    "0",
  ],
  "join() by a separator that closes": [
    (scene) => {
      const separator = { toString: () => scene.closing("-") };
      return scene.bytes.subarray(0, 3).join(separator as unknown as string);
    },
    "--",
    "0-0-0",
  ],
  "sort() by a comparison that closes": [
    (scene) => {
      const { words } = scene.root;
      words.sort((a, b) => scene.closing(b - a));
      return words[0];
    },
    "undefined",
    "1515870810",
  ],
  "toSorted() by a comparison that closes": [
    (scene) => scene.root.words.toSorted(() => scene.closing(0))[0],
    "1515870810",
  ],
  "replace() by a callback that closes": [
    (scene) =>
      "ab".replace(/./g, () => {
        scene.close();
        return `${scene.bytes[0]} `;
      }),
    "undefined undefined ",
    "0 0 ",
  ],
  "fill() with a value that closes": [
    (scene) => scene.bytes.fill(scene.number(1))[0],
    TYPE_ERROR,
    "1",
  ],
  "fill() to an end that closes": [
    (scene) => scene.bytes.fill(1, 0, scene.number(4096))[0],
    TYPE_ERROR,
    "1",
  ],
  "copyWithin() to an end that closes": [
    (scene) => scene.bytes.copyWithin(0, 16, scene.number(32))[0],
    TYPE_ERROR,
    "0",
  ],
  "set() of elements that close": [
    (scene) => {
      scene.bytes.set([scene.number(1), 2]);
      return scene.bytes[1];
    },
    "undefined",
    "2",
  ],
  "set() of a typed array": [
    after(({ bytes }) => {
      bytes.set(new Uint8Array([1]));
      return bytes[0];
    }),
    TYPE_ERROR,
    "1",
  ],
  "set() of the stale array": [
    after(({ bytes }) => {
      const target = new Uint8Array(4096).fill(1);
      target.set(bytes);
      return target[0];
    }),
    TYPE_ERROR,
    "0",
  ],
  "with() a value that closes": [
    (scene) => scene.bytes.with(0, scene.number(1))[1],
    "RangeError",
    "0",
  ],
  "reverse()": [
    after(({ bytes }) => bytes.reverse()[0]),
    TYPE_ERROR,
    "0",
  ],
  "Array.from() midway": [
    (scene) => Array.from(scene.bytes, (byte) => scene.closing(byte)).length,
    TYPE_ERROR,
    "4096",
  ],
  "Uint16Array.from() midway": [
    (scene) => Uint16Array.from(scene.bytes, (byte) => scene.closing(byte))[0],
    "90",
  ],
  "concat()": [
    after(({ bytes }) =>
      ([] as unknown[]).concat(Array.from({ length: 0 }), bytes).length
    ),
    "1",
  ],
  "Array.prototype.slice()": [
    after(({ bytes }) => Array.prototype.slice.call(bytes, 0, 2)),
    "[]",
    "[ 0, 0 ]",
  ],
  "Array.prototype.fill() with an end that closes": [
    (scene) => {
      Array.prototype.fill.call(scene.bytes, 1, 0, scene.number(8));
      return scene.bytes[0];
    },
    "undefined",
    "1",
  ],
  "Array.prototype.copyWithin() to an end that closes": [
    (scene) => {
      Array.prototype.copyWithin.call(scene.bytes, 0, 16, scene.number(32));
      return scene.bytes[0];
    },
    "undefined",
    "0",
  ],
  "String.fromCharCode()": [
    after(({ bytes }) => String.fromCharCode(...[bytes[0]!]).charCodeAt(0)),
    "0",
  ],
  "Function.prototype.apply()": [
    after(({ bytes }) => Math.max.apply(null, bytes as unknown as number[])),
    "-Infinity",
    "0",
  ],
  "Reflect.set()": [
    after(({ bytes }) => [Reflect.set(bytes, 0, 1), bytes[0]]),
    "[ true, undefined ]",
    "[ true, 1 ]",
  ],
  "Object.defineProperty()": [
    after(({ bytes }) => Object.defineProperty(bytes, 0, { value: 1 })[0]),
    TYPE_ERROR,
    "1",
  ],
  "in": [after(({ bytes }) => 0 in bytes), "false", "true"],
  "Object.keys()": [
    after(({ bytes }) => Object.keys(bytes).length),
    "0",
    "4096",
  ],
  "JSON.stringify()": [
    after(({ bytes }) => JSON.stringify(bytes).slice(0, 6)),
    "{}",
    '{"0":0',
  ],
  "toHex()": [
    after(({ bytes }) => (bytes as Encoded).toHex().slice(0, 4)),
    TYPE_ERROR,
    "0000",
  ],
  "toBase64()": [
    after(({ bytes }) => (bytes as Encoded).toBase64().slice(0, 4)),
    TYPE_ERROR,
    "AAAA",
  ],
  "setFromHex()": [
    after(({ bytes }) => (bytes as Encoded).setFromHex("0102").written),
    TYPE_ERROR,
    "2",
  ],
  "setFromBase64() with options that close": [
    (scene) => {
      const options = {
        get alphabet() {
          return scene.closing("base64");
        },
      };
      return (scene.bytes as Encoded).setFromBase64("AQID", options).written;
    },
    TYPE_ERROR,
    "3",
  ],
  "Atomics.load()": [
    (scene) => {
      const { signed } = scene.root;
      scene.close();
      return Atomics.load(signed, 0);
    },
    TYPE_ERROR,
    "0",
  ],
  "Atomics.store() of a value that closes": [
    (scene) => {
      const { signed } = scene.root;
      return Atomics.store(signed, 0, scene.number(7)) +
        Atomics.load(signed, 0);
    },
    TYPE_ERROR,
    "14",
  ],
  "Atomics.add() of a value that closes": [
    (scene) => Atomics.add(scene.root.signed, 0, scene.number(7)),
    TYPE_ERROR,
    "0",
  ],
  "Atomics.compareExchange() with a value that closes": [
    (scene) =>
      Atomics.compareExchange(scene.root.signed, 0, scene.number(0), 7),
    TYPE_ERROR,
    "0",
  ],
  "Atomics.exchange() at an index that closes": [
    (scene) => Atomics.exchange(scene.root.signed, scene.number(1), 7),
    TYPE_ERROR,
    "0",
  ],
  "Atomics.notify()": [
    (scene) => {
      const { signed } = scene.root;
      scene.close();
      return Atomics.notify(signed, 0);
    },
    TYPE_ERROR,
    "0",
  ],
  "Atomics.wait() with a timeout that closes": [
    refusedOr((scene) =>
      Atomics.wait(scene.root.signed, 0, 0, scene.number(1))
    ),
    TYPE_ERROR,
    "timed-out",
  ],
  ...singleThreaded ? {} : {
    "Atomics.waitAsync() when it closes": [
      refusedOr(async (scene) => {
        const { signed } = scene.root;
        const { value } = Atomics.waitAsync(signed, 0, 0x5a5a5a5a, 20);
        scene.close();
        // What is waited for does not keep the event loop alive.
        const timer = setInterval(() => {}, 10);
        const result = await value;
        clearInterval(timer);
        return result;
      }),
      TYPE_ERROR,
      "timed-out",
    ],
  },
  "transfer()": [
    refusedOr((scene) => {
      const moved = scene.buffer.transfer();
      scene.close();
      return new Uint8Array(moved)[0];
    }),
    TYPE_ERROR,
  ],
  "transferToFixedLength()": [
    (scene) => scene.closing(scene.buffer).transferToFixedLength(),
    TYPE_ERROR,
  ],
  "resize()": [
    (scene) => scene.closing(scene.buffer).resize(0),
    TYPE_ERROR,
  ],
};
