/**
 * Stale access through what this package gives out: all of it throws.
 *
 * @module
 */

import {
  array,
  assign,
  field,
  pointer,
  snapshot,
  u32,
  view,
} from "../../layout/mod.ts";
import { Memory } from "../../memory/mod.ts";
import {
  type Case,
  Everything,
  Inner,
  type Run,
  type Scene,
  TYPE_ERROR,
} from "./_stale_scene.ts";

const CLOSED = "ClosedError";

/** Takes something, closes the memory, and uses what was taken. */
function after<T>(take: (scene: Scene) => T, use: (taken: T) => unknown): Run {
  return (scene) => {
    const taken = take(scene);
    scene.close();
    return use(taken);
  };
}

function fields(use: (root: Scene["root"]) => unknown): Case {
  return [after((scene) => scene.root, use), CLOSED];
}

/** Closes the memory in the middle of an iteration. */
function midway(iterate: (scene: Scene) => Iterable<unknown>): Run {
  return (scene) => {
    let steps = 0;
    for (const value of iterate(scene)) {
      if (++steps === 2) scene.close();
      if (steps > 2) return `goes on with ${Deno.inspect(value)}`;
    }
    return `ends after ${steps}`;
  };
}

/** The cases by name. */
export const pointerCases: Record<string, Case> = {
  "a scalar read": fields((root) => root.word),
  "a scalar stored": fields((root) => root.word = 1),
  "a 16-bit scalar stored": fields((root) => root.small = 1),
  "a 64-bit scalar read": fields((root) => root.long),
  "a 64-bit scalar stored": fields((root) => root.long = 1n),
  "a safe 64-bit integer read": fields((root) => root.halves),
  "a safe 64-bit integer stored": fields((root) => root.halves = 1),
  "a big-endian integer read": fields((root) => root.swapped),
  "a big-endian integer stored": fields((root) => root.swapped = 1),
  "a boolean read": fields((root) => root.flag),
  "a boolean stored": fields((root) => root.flag = true),
  "a bit-field read": fields((root) => root.part),
  "a bit-field stored": fields((root) => root.part = 1),
  "text read": fields((root) => root.name),
  "text stored": fields((root) => root.name = "new"),
  "an enumeration read": fields((root) => root.kind),
  "an enumeration stored": fields((root) => root.kind = 1),
  "a union read": fields((root) => root.either.a),
  "a union stored": fields((root) => root.either.b = 1n),
  "a nested pointer read": [
    after(({ root }) => root.inner, (inner) => inner.x),
    CLOSED,
  ],
  "a nested pointer stored to": [
    after(({ root }) => root.inner, (inner) => inner.x = 1),
    CLOSED,
  ],
  "an array asked of a stale pointer": fields((root) => root.bytes[0]),
  "an element asked of stale records": [
    after(({ root }) => root.inners, (inners) => inners.at(1).x),
    CLOSED,
  ],
  "an element's pointer": [
    after(({ root }) => root.inners.at(1), (inner) => inner.y = 1),
    CLOSED,
  ],
  "records iterated midway": [
    (scene) => {
      const found: unknown[] = [];
      for (const inner of scene.root.inners) {
        if (found.length === 1) scene.close();
        found.push(inner.x);
      }
      return found.length;
    },
    CLOSED,
  ],
  "a column's element": [
    after(({ root }) => root.inners.column("x"), (column) => column.at(1)),
    CLOSED,
  ],
  "a column's element stored": [
    after(({ root }) => root.inners.column("x"), (column) => column.set(1, 2)),
    CLOSED,
  ],
  "a column iterated midway": [
    midway(({ root }) => root.inners.column("x")),
    CLOSED,
  ],
  "a column copied": [
    after(
      ({ root }) => root.inners.column("x"),
      (column) => column.copyTo(new Uint32Array(8)),
    ),
    CLOSED,
  ],
  "a column copied into a stale array": [
    (scene) => {
      const { words } = scene.root;
      const inners = pointer(array(Inner, 16), new ArrayBuffer(128));
      scene.close();
      inners.column("x").copyTo(words);
      return words[0];
    },
    "undefined",
    "0",
  ],
  "an array of booleans": [
    after(({ root }) => root.flags, (flags) => flags.at(0)),
    CLOSED,
  ],
  "an array of booleans stored to": [
    after(({ root }) => root.flags, (flags) => flags.set(0, true)),
    CLOSED,
  ],
  "an array of booleans iterated midway": [
    midway(({ root }) => root.flags),
    CLOSED,
  ],
  "a slice of an array of booleans": [
    after(({ root }) => root.flags, (flags) => flags.slice()),
    CLOSED,
  ],
  "an atomic loaded": [
    after(({ root }) => root.count, (count) => count.load()),
    CLOSED,
  ],
  "an atomic stored": [
    after(({ root }) => root.count, (count) => count.store(1n)),
    CLOSED,
  ],
  "an atomic added to": [
    after(({ root }) => root.count, (count) => count.add(1n)),
    CLOSED,
  ],
  "an atomic exchanged": [
    after(
      ({ root }) => root.signal,
      (signal) => signal.compareExchange(0, 1),
    ),
    CLOSED,
  ],
  "an atomic notified": [
    after(({ root }) => root.signal, (signal) => signal.notify()),
    CLOSED,
  ],
  "a view's field": [
    after(({ memory }) => memory.view(Everything), (all) => all.inner.x),
    CLOSED,
  ],
  "a view's array": [
    after(
      ({ memory }) => memory.view(Everything).bytes,
      (bytes) => bytes.at(0),
    ),
    CLOSED,
  ],
  "a slice of a view's array": [
    after(
      ({ memory }) => memory.view(Everything).bytes,
      (bytes) => bytes.slice(0, 4),
    ),
    CLOSED,
  ],
  "a view's array iterated midway": [
    midway(({ memory }) => memory.view(Everything).words),
    CLOSED,
  ],
  "a scalar's pointer": [
    after(({ memory }) => memory.pointer(u32), (word) => word.value),
    CLOSED,
  ],
  "a field's pointer": [
    after(
      ({ root }) => field(Everything, "inner.x").of(root),
      (x) => x.value = 1,
    ),
    CLOSED,
  ],
  "a field's pointer asked of a stale one": fields((root) =>
    field(Everything, "inner.x").of(root).value
  ),
  "a snapshot": fields((root) => snapshot(root)),
  "an assignment": fields((root) => assign(root, { word: 1 })),
  "an assignment whose values close": [
    (scene) =>
      assign(scene.root, {
        word: 1,
        get long() {
          return scene.closing(1n);
        },
      }),
    CLOSED,
  ],
  "an assignment of a stale pointer": [
    after(({ memory }) => memory.pointer(Inner), (inner) => {
      const target = pointer(Inner, new ArrayBuffer(8));
      assign(target, inner);
      return target.x;
    }),
    CLOSED,
  ],
  "a checked store whose value closes": [
    (scene) => {
      try {
        scene.root.word = scene.number(1);
      } finally {
        scene.close();
      }
    },
    "TypeError",
  ],
  "a pointer shown": [
    after(({ root }) => root.inner, (inner) => Deno.inspect(inner)),
    "Inner [closed]",
  ],
  "a pointer as JSON": fields((root) => JSON.stringify(root.inner)),
  "a pointer made of a typed array": [
    (scene) => {
      const inner = pointer(Inner, scene.bytes);
      scene.close();
      return inner.x;
    },
    CLOSED,
    "0",
  ],
  "a view made of the buffer": [
    (scene) => {
      const inner = view(Inner, scene.buffer, 8);
      scene.close();
      return inner.x;
    },
    CLOSED,
    "0",
  ],
  "a pointer made of a stale typed array": [
    after(({ bytes }) => bytes, (bytes) => pointer(Inner, bytes).x),
    CLOSED,
    "0",
  ],
  "Memory.pointer()": [
    after(({ memory }) => memory, (memory) => memory.pointer(u32)),
    CLOSED,
  ],
  "Memory.view()": [
    after(({ memory }) => memory, (memory) => memory.view(u32)),
    CLOSED,
  ],
  "Memory.readAt()": [
    after(({ memory }) => memory, (m) => m.readAt(new Uint8Array(1), 0)),
    CLOSED,
  ],
  "Memory.writeAt()": [
    after(({ memory }) => memory, (m) => m.writeAt(new Uint8Array(1), 0)),
    CLOSED,
  ],
  "Memory.flush()": [
    after(({ memory }) => memory, (memory) => memory.flush()),
    CLOSED,
  ],
  "Memory.webAssembly": [
    after(({ memory }) => memory, (memory) => memory.webAssembly),
    CLOSED,
  ],
  "Memory.handle": [
    after(({ memory }) => memory, (memory) => memory.handle),
    CLOSED,
  ],
  "other memory's readAt() into a stale array": [
    (scene) => {
      scene.close();
      using other = Memory.create(64);
      other.pointer(u32).value = 7;
      return [other.readAt(scene.bytes, 0), scene.bytes[0]];
    },
    TYPE_ERROR,
    "[ 64, 7 ]",
  ],
  "other memory's writeAt() of a stale array": [
    (scene) => {
      scene.close();
      using other = Memory.create(4096);
      other.pointer(u32).value = 7;
      other.writeAt(scene.bytes, 0);
      return other.view(u32).value;
    },
    TYPE_ERROR,
    "0",
  ],
};
