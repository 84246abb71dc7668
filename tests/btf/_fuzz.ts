/** Wrong BTF of all kinds, and what must hold of all of it. */

import { Btf, BtfError } from "../../btf/mod.ts";
import { pointer, snapshot } from "../../layout/mod.ts";
import type { Random } from "../_support.ts";
import { Builder, type BuiltMember, K } from "./_builder.ts";

/** The outcomes of the inputs, counted. */
export interface Tally {
  /** Refused as a whole. */
  refused: number;
  /** Types that gave a layout. */
  layouts: number;
  /** Types that gave none. */
  errors: number;
}

/** BTF that says anything of types that may exist. */
export function randomBtf(random: Random): Uint8Array<ArrayBuffer> {
  const b = new Builder();
  const count = 1 + random.int(24);

  function id(): number {
    return random.int(count + 2);
  }

  function name(): string {
    return random.pick(["", "a", "b", "c.d", "5", "char", "__be16", "x"]);
  }

  function size(): number {
    return random.pick([0, 1, 2, 3, 4, 8, 16, 64, 0xffffffff]);
  }

  function members(): BuiltMember[] {
    return Array.from({ length: random.int(5) }, () => [
      name(),
      id(),
      random.pick([0, 8, 32, 64, 3, 0x5000007, 0xffffffff]),
    ]);
  }

  for (let made = 0; made < count; made++) {
    const flag = random.boolean();
    const kind = 1 + random.int(K.ENUM64);
    switch (kind) {
      case K.INT:
        b.int(name(), size(), random.int(8) << 24, random.pick([1, 8, 32, 64]));
        break;
      case K.ARRAY:
        b.array(id(), random.pick([0, 1, 2, 70_000, 0xffffffff]));
        break;
      case K.STRUCT:
      case K.UNION:
        b.composite(kind, name(), size(), members(), flag);
        break;
      case K.ENUM:
      case K.FUNC_PROTO:
        b.add(kind, name(), size(), [b.name(name()), id()], 1, flag);
        break;
      case K.ENUM64:
      case K.DATASEC:
        b.add(kind, name(), size(), [id(), id(), id()], 1, flag);
        break;
      case K.VAR:
      case K.DECL_TAG:
        b.add(kind, name(), id(), [random.int(3)], 0, flag);
        break;
      case K.FLOAT:
        b.add(kind, name(), size());
        break;
      default:
        b.add(kind, name(), id(), [], 0, flag);
    }
  }
  return b.bytes(random.boolean() ? 24 : 32);
}

/** Good BTF cut off, or with some bytes changed. */
export function mutated(
  good: Uint8Array<ArrayBuffer>,
  random: Random,
): Uint8Array<ArrayBuffer> {
  const bytes = good.slice(
    0,
    random.int(8) === 0 ? random.int(good.length) : undefined,
  );
  for (
    let changes = random.int(8);
    changes > 0 && bytes.length > 0;
    changes--
  ) {
    // The first bytes more often: they decide whether the rest is read.
    const at = random.int(
      random.int(16) === 0 ? Math.min(24, bytes.length) : bytes.length,
    );
    bytes[at] = random.pick([0, 1, 4, 8, 127, 128, 255, random.int(256)]);
  }
  return bytes;
}

/** One input: random bytes, random types, or good BTF made wrong. */
export function randomInput(
  good: readonly Uint8Array<ArrayBuffer>[],
  random: Random,
): Uint8Array<ArrayBuffer> {
  switch (random.int(8)) {
    case 0: {
      const bytes = random.bytes(random.int(200));
      bytes.set([0x9f, 0xeb, 1, 0, 24, 0, 0, 0].slice(0, bytes.length));
      return bytes;
    }
    case 1:
    case 2:
    case 3:
      return randomBtf(random);
    case 4:
      return mutated(randomBtf(random), random);
    default:
      return mutated(random.pick(good), random);
  }
}

/** The most memory that a pointer is tried on. */
const MOST_BYTES = 4096;

/**
 * Does everything with an input that a program could.
 *
 * @throws whatever is neither a result nor a BtfError.
 */
export function exercise(bytes: Uint8Array, tally: Tally): void {
  let btf: Btf;
  try {
    btf = Btf.parse(bytes);
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    tally.refused++;
    return;
  }
  for (const name of ["", "a", "c.d", "task_struct"]) {
    attempt(() => btf.findAll(name), tally);
    attempt(() => btf.layout(name), tally);
  }
  for (let id = 0; id < btf.length; id++) {
    attempt(() => btf.type(id), tally);
    attempt(() => btf.declare(id, "x"), tally);
    attempt(() => {
      const type = btf.layout(id);
      tally.layouts++;
      if (type.size === 0 || type.size > MOST_BYTES) return;
      if (type.kind !== "struct" && type.kind !== "union") return;
      snapshot(pointer(type as never, new ArrayBuffer(type.size + 64)));
    }, tally);
  }
}

function attempt(action: () => unknown, tally: Tally): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    const { offset } = error;
    if (offset !== undefined && !(offset >= 0)) {
      throw new Error(`The offset ${offset} is none`, { cause: error });
    }
    tally.errors++;
  }
}
