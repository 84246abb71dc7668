/** Operations on memory as a whole. */

import { declarationOf, Memory, pageSize, pointer, view } from "../../mod.ts";
import { collect, TemporaryDirectory } from "../_support.ts";
import { Refusal } from "./_codec.ts";
import type { FastRandom } from "./_random.ts";
import { type Shape, tailOf } from "./_shape.ts";
import {
  anything,
  type Area,
  type Store,
  thingAt,
  type World,
} from "./_world.ts";

/** One operation; it draws all that it needs from the world's random numbers. */
export type Operation = (world: World) => void;

const PAGE = pageSize();
const MOST_AREAS = 8;

/** The name of all memfds of a run, for others to look for them. */
export const MEMFD_NAME = "hostmem-fuzz";

// ---------------------------------------------------------------- stores

/** A file that is open under a path, which may be one of /proc/self/fd. */
function fileStore(name: string, path: string, size: number): Store {
  const file = Deno.openSync(path, { read: true, write: true });
  const seen = new Uint8Array(size);
  return {
    name,
    model: new Uint8Array(size),
    read() {
      file.seekSync(0, Deno.SeekMode.Start);
      for (let done = 0; done < size;) {
        const count = file.readSync(seen.subarray(done));
        if (count === null) throw new Error(`${name} has ended at ${done}`);
        done += count;
      }
      return seen;
    },
    write(bytes, offset) {
      file.seekSync(offset, Deno.SeekMode.Start);
      file.writeSync(bytes);
    },
    release: () => file.close(),
  };
}

function addMemory(
  world: World,
  memory: Memory,
  store: Store,
  start: number,
  group: Area[] = [],
): Area {
  const { size, readOnly, workers } = memory;
  const area: Area = {
    name: `memory${world.areas.length}`,
    store,
    start,
    size,
    writable: !readOnly,
    shared: workers && !readOnly,
    memory,
    group,
    pointer: (type, offset, options) =>
      memory.pointer(type as never, offset, options),
    view: (type, offset, options) =>
      memory.view(type as never, offset, options),
    open: true,
    epoch: 0,
  };
  group.push(area);
  world.areas.push(area);
  return area;
}

function randomSize(random: FastRandom): number {
  return random.pick([
    1,
    8,
    1 + random.int(200),
    1 + random.int(PAGE),
    PAGE,
    PAGE + 1 + random.int(PAGE),
    2 * PAGE,
  ]);
}

/** `Memory.create` */
export function create(world: World): void {
  const { random } = world;
  if (world.areas.length >= MOST_AREAS) return close(world);
  if (random.chance(0.1)) {
    const size = random.pick([0, -1, 1.5, NaN, 2 ** 60, Infinity, "8", null]);
    world.expect(
      `Memory.create(${String(size)})`,
      new Refusal("RangeError"),
      () => Memory.create(size as number),
    );
    return;
  }
  const size = randomSize(random);
  const workers = random.chance(0.3);
  const options = { name: MEMFD_NAME, workers };
  const memory = world.expect(
    `memory${world.areas.length} = Memory.create(${size}, { workers: ${workers} })`,
    anything,
    () => Memory.create(size, options),
  ) as Memory;
  const whole = Math.ceil(size / PAGE) * PAGE;
  const path = `/proc/self/fd/${memory.fd}`;
  const store = fileStore(`memfd${world.stores.length}`, path, whole);
  world.stores.push(store);
  addMemory(world, memory, store, 0);
}

/** `Memory.map` of the memfd of another memory */
export function map(world: World): void {
  const { random } = world;
  const owners = world.areas.filter(({ memory, open }) =>
    open && memory?.fd !== undefined
  );
  if (owners.length === 0 || world.areas.length >= MOST_AREAS) {
    return create(world);
  }
  const { memory, store, name } = random.pick(owners);
  const most = store.model.length;
  const valid = random.chance(0.8);
  const offset = valid
    ? PAGE * random.int(most / PAGE)
    : random.pick([0, 1, -PAGE, PAGE, most, 2 ** 53, 1.5]);
  const size = valid
    ? PAGE * (1 + random.int((most - offset) / PAGE))
    : random.pick([PAGE, 2 * PAGE, most + PAGE, 0, 100, -PAGE, NaN, 2 ** 50]);
  const readOnly = random.chance(0.3);
  const workers = random.chance(0.3);
  const whole = (number: number) =>
    Number.isSafeInteger(number) && number >= 0 && number % PAGE === 0;
  const wanted = !whole(size) || size === 0 || !whole(offset) ||
      !whole(offset + size)
    ? new Refusal("RangeError")
    : offset + size > most
    ? new Refusal("BoundsError")
    : anything;
  const path = store.name.startsWith("file");
  const made = world.expect(
    `memory${world.areas.length} = Memory.map(${name}.fd, ${size}, { offset: ${offset}, readOnly: ${readOnly}, workers: ${workers} })`,
    wanted,
    () =>
      Memory.map(memory!.fd!, size, {
        offset,
        readOnly,
        workers,
        allowTruncatable: path,
      }),
  ) as Memory | undefined;
  if (made !== undefined) addMemory(world, made, store, offset);
}

/** `Memory.open` of a file that could be truncated, and is not */
export function open(world: World): void {
  const { random } = world;
  if (world.areas.length >= MOST_AREAS) return close(world);
  using directory = new TemporaryDirectory("/dev/shm");
  const path = directory.join("file");
  const length = 1 + random.int(2 * PAGE);
  const workers = random.chance(0.3);
  Deno.writeFileSync(path, new Uint8Array(length));
  const name = `file${world.stores.length}`;
  world.expect(
    `Memory.open(${name})`,
    new Refusal("NotSupportedError"),
    () => Memory.open(path),
  );
  const memory = world.expect(
    `memory${world.areas.length} = Memory.open(${name}, { workers: ${workers} }), of ${length} bytes`,
    anything,
    () => Memory.open(path, { allowTruncatable: true, workers }),
  ) as Memory;
  const store = fileStore(name, path, length);
  world.stores.push(store);
  addMemory(world, memory, store, 0);
}

/** A buffer of JavaScript's, or a view of one */
export function makeBuffer(world: World): void {
  const { random } = world;
  if (world.areas.length >= MOST_AREAS) return close(world);
  const shared = random.chance(0.3);
  const buffer = shared
    ? new SharedArrayBuffer(random.int(300))
    : new ArrayBuffer(random.int(300));
  const start = random.int(buffer.byteLength + 1);
  const size = random.int(buffer.byteLength - start + 1);
  const name = `buffer${world.stores.length}`;
  const [given, from, room] = random.pick<
    [ArrayBufferLike | ArrayBufferView, number, number]
  >([
    [buffer, 0, buffer.byteLength],
    [new Uint8Array(buffer, start, size), start, size],
    [new DataView(buffer, start, size), start, size],
  ]);
  world.trace?.(
    `memory${world.areas.length} = ${name}, ${buffer.byteLength} bytes${
      shared ? " shared" : ""
    }, of which ${room} from ${from} on`,
  );
  const actual = new Uint8Array(buffer);
  const store: Store = {
    name,
    model: new Uint8Array(buffer.byteLength),
    // Detached it is empty, and then there is nothing to compare.
    read() {
      return actual.length === 0 ? this.model : actual;
    },
    write: undefined,
    release() {},
  };
  world.stores.push(store);
  const area: Area = {
    name: `memory${world.areas.length}`,
    store,
    start: from,
    size: room,
    writable: true,
    shared,
    memory: undefined,
    group: [],
    pointer: (type, offset, options) =>
      pointer(type as never, given as ArrayBuffer, offset, options),
    view: (type, offset, options) =>
      view(type as never, given as ArrayBuffer, offset, options),
    open: true,
    epoch: 0,
  };
  area.group.push(area);
  world.areas.push(area);
}

/** `memory.handle` and `Memory.attach`, in one thread */
export function attach(world: World): void {
  const { random } = world;
  if (world.areas.length >= MOST_AREAS) return close(world);
  const area = anyMemory(world);
  if (area === undefined) return create(world);
  const { memory, name, store, start, group } = area;
  const wanted = !area.open
    ? new Refusal("ClosedError")
    : memory!.workers
    ? anything
    : new Refusal("NotSupportedError");
  const handle = world.expect(`${name}.handle`, wanted, () => memory!.handle);
  if (handle === undefined) return;
  if (random.chance(0.05)) {
    return void world.expect(
      `Memory.attach({ ...${name}.handle, kind: "other" })`,
      new Refusal("TypeError"),
      () => Memory.attach({ ...handle, kind: "other" } as never),
    );
  }
  const made = world.expect(
    `memory${world.areas.length} = Memory.attach(${name}.handle)`,
    anything,
    () => Memory.attach(handle as never),
  ) as Memory;
  addMemory(world, made, store, start, group);
}

function anyMemory(world: World): Area | undefined {
  const areas = world.areas.filter(({ memory }) => memory !== undefined);
  return areas.length === 0 ? undefined : world.random.pick(areas);
}

// ---------------------------------------------------------------- ends

/** Closes what closes together, in the model. */
function closeGroup(world: World, area: Area): void {
  for (const member of area.group) {
    member.open = false;
    // Each thread notices when it asks, and this one asks now.
    world.expect(`${member.name}.closed`, true, () => member.memory!.closed);
  }
}

/** `close`, of what is closed too */
export function close(world: World): void {
  const { random } = world;
  const area = anyMemory(world);
  if (area === undefined) return drop(world);
  const { memory, name } = area;
  const dispose = random.boolean();
  world.expect(
    `${name}.${dispose ? "[Symbol.dispose]" : "close"}()`,
    undefined,
    () => dispose ? memory![Symbol.dispose]() : memory!.close(),
  );
  closeGroup(world, area);
  // Things are kept; the area makes room for others most of the time.
  if (random.chance(0.8)) world.areas.splice(world.areas.indexOf(area), 1);
}

/** Lets go of a memory without closing it, of what was taken out of it too */
export function drop(world: World): void {
  if (world.areas.length < MOST_AREAS / 2) return create(world);
  const index = world.random.int(world.areas.length);
  const [area] = world.areas.splice(index, 1);
  world.trace?.(`${area!.name} is dropped`);
  if (world.random.boolean()) return;
  const kept = world.things.filter((thing) => thing.area !== area);
  world.things.splice(0, Infinity, ...kept);
}

/** `memory.webAssembly.grow(0)`, or the transfer of a buffer */
export function detach(world: World): void {
  const { random } = world;
  if (world.areas.length === 0) return create(world);
  const area = random.pick(world.areas);
  const { memory, name, writable } = area;
  if (memory === undefined) return transfer(world, area);
  const wanted = !area.open
    ? new Refusal("ClosedError")
    : writable
    ? 1
    : new Refusal("ReadOnlyError");
  const grown = world.expect(
    `${name}.webAssembly.grow(0)`,
    wanted instanceof Refusal ? wanted : anything,
    () => memory.webAssembly.grow(0),
  );
  if (grown !== undefined) area.epoch++;
  world.expect(`${name}.closed`, !area.open, () => memory.closed);
}

function transfer(world: World, area: Area): void {
  if (area.shared || !area.open) return;
  const bytes = area.store.read();
  if (bytes === area.store.model) return;
  world.expect(
    `${area.store.name}.transfer()`,
    anything,
    () => (bytes.buffer as ArrayBuffer).transfer(),
  );
  for (const other of world.areas) {
    if (other.store === area.store) other.open = false;
  }
}

/** A collection of garbage */
export function collectGarbage(world: World): void {
  if (!world.random.chance(0.02)) return drop(world);
  world.trace?.("collect()");
  collect();
}

// ---------------------------------------------------------------- bytes

function randomOffset(random: FastRandom, size: number): unknown {
  if (random.chance(0.9)) return random.int(size + 1);
  return random.pick([-1, size + 1, 1.5, NaN, 2 ** 53, 2 ** 40, "1", null]);
}

function refusedOffset(
  offset: unknown,
  length: number,
  size: number,
): Refusal | undefined {
  if (!Number.isSafeInteger(offset) || (offset as number) < 0) {
    return new Refusal("RangeError");
  }
  return (offset as number) + length > size
    ? new Refusal("BoundsError")
    : undefined;
}

/** `readAt` */
export function readAt(world: World): void {
  const { random } = world;
  const area = anyMemory(world);
  if (area === undefined) return create(world);
  const { memory, name, size, store, start } = area;
  const offset = randomOffset(random, size) as number;
  const target: unknown = random.chance(0.95)
    ? new Uint8Array(random.int(100))
    : random.pick([new Uint16Array(4), [1], null, new ArrayBuffer(8)]);
  const wanted = !area.open
    ? new Refusal("ClosedError")
    : !(target instanceof Uint8Array)
    ? new Refusal("TypeError")
    : refusedOffset(offset, 0, size) ??
      Math.min(target.length, size - offset);
  const count = world.expect(
    `${name}.readAt(${
      target instanceof Uint8Array ? `${target.length} bytes` : "no bytes"
    }, ${String(offset)})`,
    wanted,
    () => memory!.readAt(target as Uint8Array, offset),
  );
  if (count === undefined) return;
  const from = start + offset;
  const expected = new Uint8Array((target as Uint8Array).length);
  expected.set(store.model.subarray(from, from + (count as number)));
  world.expect("… the bytes read", expected, () => target);
}

/** `writeAt` */
export function writeAt(world: World): void {
  const { random } = world;
  const area = anyMemory(world);
  if (area === undefined) return create(world);
  const { memory, name, size, store, start } = area;
  const offset = randomOffset(random, size) as number;
  const source: unknown = random.chance(0.95)
    ? random.bytes(random.int(60))
    : random.pick([new Int8Array(4), [1], null, "bytes"]);
  const wanted = !area.open
    ? new Refusal("ClosedError")
    : !area.writable
    ? new Refusal("ReadOnlyError")
    : !(source instanceof Uint8Array)
    ? new Refusal("TypeError")
    : refusedOffset(offset, source.length, size);
  world.expect(
    `${name}.writeAt(${
      source instanceof Uint8Array ? `[${source}]` : "no bytes"
    }, ${String(offset)})`,
    wanted,
    () => memory!.writeAt(source as Uint8Array, offset),
  );
  if (wanted !== undefined) return;
  store.model.set(source as Uint8Array, start + offset);
}

/** A write by somebody else, into the file itself */
export function writeOutside(world: World): void {
  const { random } = world;
  const stores = world.stores.filter(({ write }) => write !== undefined);
  if (stores.length === 0) return create(world);
  const store = random.pick(stores);
  const offset = random.int(store.model.length);
  const bytes = random.bytes(
    Math.min(random.int(60), store.model.length - offset),
  );
  world.trace?.(`[${bytes}] written to ${store.name} at ${offset}`);
  store.write!(bytes, offset);
  store.model.set(bytes, offset);
}

/** A store through `memory.webAssembly.buffer` */
export function writeWebAssembly(world: World): void {
  const { random } = world;
  const area = anyMemory(world);
  if (area === undefined) return create(world);
  const { memory, name, size, store, start } = area;
  const at = random.int(size);
  const byte = random.int(256);
  const wanted = !area.open
    ? new Refusal("ClosedError")
    : area.writable
    ? byte
    : new Refusal("ReadOnlyError");
  world.expect(
    `new Uint8Array(${name}.webAssembly.buffer)[${at}] = ${byte}`,
    wanted,
    () => new Uint8Array(memory!.webAssembly.buffer)[at] = byte,
  );
  if (wanted === byte) store.model[start + at] = byte;
}

/** Asks a memory for its properties, and flushes it. */
export function ask(world: World): void {
  const area = anyMemory(world);
  if (area === undefined) return create(world);
  const { memory, name, size, open, writable } = area;
  world.expect(
    `${name}'s properties`,
    [size, !open, !writable, "string"],
    () => [
      memory!.size,
      memory!.closed,
      memory!.readOnly,
      typeof Deno.inspect(memory),
    ],
  );
  const flushed = open ? undefined : new Refusal("ClosedError");
  world.expect(`${name}.flush()`, flushed, () => memory!.flush());
}

// ---------------------------------------------------------------- pointers

/** Mostly an offset where a type may lie. */
function pointerOffset(
  random: FastRandom,
  { size, start }: Area,
  shape: Shape,
): unknown {
  if (random.chance(0.1)) {
    return random.pick([-1, 1.5, NaN, 2 ** 53, "0", null, -8, 2 ** 53 - 1]);
  }
  const room = Math.max(1, size - shape.size + 1);
  const offset = random.int(random.chance(0.9) ? room : size + 16);
  if (random.chance(0.1)) return offset;
  return Math.max(0, offset - (start + offset) % shape.align);
}

/** The reason why there is no pointer, in the order in which it is found out. */
function refusedPointer(
  { open, writable, start, size }: Area,
  pointer: boolean,
  shape: Shape,
  offset: unknown,
  length: unknown,
): Refusal | undefined {
  if (!open) return new Refusal("ClosedError");
  if (pointer && !writable) return new Refusal("ReadOnlyError");
  const isFlexible = shape.kind === "array" && shape.length === undefined;
  if (shape.size === 0 && !isFlexible) return new Refusal("InvalidTypeError");
  if (!Number.isSafeInteger(offset) || (offset as number) < 0) {
    return new Refusal("RangeError");
  }
  const from = offset as number;
  // What exactly is said of an offset that ends beyond 2^53 does not matter.
  if (!Number.isSafeInteger(start + from)) {
    return new Refusal(
      "AlignmentError",
      "BoundsError",
      "TypeError",
      "RangeError",
    );
  }
  if ((start + from) % shape.align !== 0) return new Refusal("AlignmentError");
  const tail = tailOf(shape);
  let end = shape.size;
  if (length !== undefined) {
    if (tail === undefined) return new Refusal("TypeError");
    if (!Number.isSafeInteger(length) || (length as number) < 0) {
      return new Refusal("RangeError");
    }
    end = Math.max(end, tail.offset + (length as number) * tail.stride);
  }
  return end > size - from ? new Refusal("BoundsError") : undefined;
}

/** `pointer` and `view` */
export function point(world: World): void {
  const { random } = world;
  if (world.areas.length === 0) return create(world);
  const area = random.pick(world.areas);
  const shape = random.pick(world.types);
  const pointer = area.writable ? random.chance(0.8) : random.chance(0.1);
  const offset = pointerOffset(random, area, shape);
  const tail = tailOf(shape);
  const length = random.chance(tail === undefined ? 0.02 : 0.5)
    ? random.chance(0.9)
      ? random.int(5)
      : random.pick<unknown>([-1, 1.5, 2 ** 40, "1", 2 ** 53])
    : undefined;
  const options = (length === undefined ? undefined : { length }) as never;
  const name = `${area.name}.${
    pointer ? "pointer" : "view"
  }(${shape.type.name} of ${shape.size} bytes, ${String(offset)}${
    length === undefined ? "" : `, { length: ${String(length)} }`
  })`;
  world.trace?.(declarationOf(shape.type));
  const refusal = refusedPointer(area, pointer, shape, offset, length);
  const object = world.expect(
    name,
    refusal ?? anything,
    () =>
      pointer
        ? area.pointer(shape.type, offset as number, options)
        : area.view(shape.type, offset as number, options),
  );
  if (refusal !== undefined) return;
  const from = offset as number;
  world.keep(thingAt(object as object, shape, {
    name,
    area,
    place: (area.start + from) * 8,
    extent: length === undefined
      ? area.size - from
      : tail!.offset + (length as number) * tail!.stride,
    writable: pointer,
    natural: true,
    epoch: area.epoch,
  }));
}

/** `pointer` to what is no type, or none that can be pointed to */
export function pointBadly(world: World, bad: readonly unknown[]): void {
  const { random } = world;
  if (world.areas.length === 0) return create(world);
  const area = random.pick(world.areas);
  const type = random.pick(bad);
  const wanted = !area.open ? "ClosedError" : "InvalidTypeError";
  world.expect(
    `${area.name}.view(a bad type)`,
    new Refusal(wanted),
    () => area.view(type as never, 0),
  );
}
