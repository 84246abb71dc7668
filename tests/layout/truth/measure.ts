/** Measures what the layout language makes of declarations. */

import {
  alignOf,
  assign,
  declarationOf,
  offsetOf,
  pointer,
  type PointerTo,
  sizeOf,
  snapshot,
  type Type,
  view,
} from "../../../layout/mod.ts";
import { Random } from "../../_support.ts";
import {
  type Aggregate,
  aggregatesIn,
  type Field,
  isFlexible,
  unaligned,
} from "./declarations.ts";
import { make, tailBytes } from "./host_types.ts";
import { checkFields, same, storeFields } from "./host_values.ts";
import {
  extentOfOnes,
  type Question,
  questionsOf,
  toHex,
} from "./questions.ts";
import { allOnes, type Value, withoutTails } from "./values.ts";

/** The results of the layout language for a declaration. */
export interface Measured {
  /** The answer to each question. */
  answers: string[];
  /** Random bytes, of the size of the value with its flexible array. */
  noise: Uint8Array<ArrayBuffer>;
  /** The same bytes after the value was stored among them. */
  written: Uint8Array<ArrayBuffer>;
}

/** Lays a declaration out, stores a value and reads it again. */
export function measure(
  model: Aggregate,
  value: Value,
  seed: bigint,
): Measured {
  const types = new Map<Aggregate, Type>();
  const type = make(model, types);
  const answers = questionsOf(model)
    .map((question) => answer(question, types.get(question.of)!, value));

  const random = new Random(seed).bytes(sizeOf(type) + tailBytes(model, types));
  // Of a byte that is true C makes 1, where we let it be: there they agree.
  const text = [...types.values()].map((type) => declarationOf(type)).join();
  // A half that is not a number already keeps its bits when it is assigned one:
  // without one bit of its exponent it is a number.
  const mask = /\b_Bool\b/.test(text) ? 1 : /_Float16/.test(text) ? 0xfb : 255;
  // A text that is there already, an empty one, keeps what follows it.
  const instead = /\bchar(16_t)?\b/.test(text) ? mask : 0;
  const noise = random.map((byte) => (byte & mask) || instead);
  const written = noise.slice();
  if (noise.length > 0) exchange(model, type, value, noise, written);
  return { answers, noise, written };
}

/** Stores the value in all ways there are, and reads it in all of them. */
function exchange(
  model: Aggregate,
  type: Type,
  value: Value,
  noise: Uint8Array<ArrayBuffer>,
  written: Uint8Array<ArrayBuffer>,
): void {
  // Not at the start of its buffer, and aligned no better than it must be.
  const lead = 3 * alignOf(type);
  const buffer = new ArrayBuffer(lead + noise.length);
  const bytes = new Uint8Array(buffer, lead);

  bytes.set(noise);
  assign(pointerTo(type, bytes), value as never);
  written.set(bytes);

  bytes.set(noise);
  storeFields(pointerTo(type, bytes), model, value);
  same("Properties stored", toHex(bytes), "assign", toHex(written));

  checkFields(pointerTo(type, bytes), model, value, "pointer");
  checkFields(view(type, bytes), model, value, "view");
  // A snapshot reads all there is, and not all bytes are a safe integer.
  if (!isPartlySafe(model)) {
    checkFields(snapshot(pointerTo(type, bytes)), model, value, "snapshot");
  }
  if (lead % 2 === 0) return;
  // A packed struct was at an odd offset: at an even one it is read otherwise.
  const even = written.slice();
  checkFields(pointerTo(type, even), model, value, "at an even offset");
}

/** Tests whether safe integers may lie where the value has none. */
function isPartlySafe(model: Aggregate): boolean {
  const inner = aggregatesIn(model);
  const safe = inner.some(({ fields }) =>
    fields.some(({ type }) => hasSafe(type))
  );
  return safe && (isFlexible(model) || inner.some(isOverlaid));
}

function hasSafe(type: Field["type"]): boolean {
  const bare = unaligned(type);
  return bare.kind === "array"
    ? hasSafe(bare.element)
    : bare.kind === "scalar" && bare.name.startsWith("safe");
}

function isOverlaid({ kind, fields }: Aggregate): boolean {
  return kind === "union" || fields.some(({ offset }) => offset !== undefined);
}

function pointerTo(
  type: Type,
  bytes: Uint8Array<ArrayBuffer>,
): PointerTo<Type> {
  return pointer(type, bytes) as PointerTo<Type>;
}

function answer(question: Question, type: Type, value: Value): string {
  switch (question.about) {
    case "size":
      return String(sizeOf(type));
    case "align":
      return String(alignOf(type));
    case "offset":
      return String(offsetOf(type, question.field.name as never));
    case "bits": {
      const { name, type: { base, width } } = question.field;
      const bytes = new Uint8Array(sizeOf(type));
      (pointerTo(type, bytes) as unknown as Record<string, Value>)[name] =
        allOnes(base, width);
      return extentOfOnes(bytes);
    }
    case "value": {
      const bytes = new Uint8Array(sizeOf(type));
      if (bytes.length === 0) return "";
      assign(
        pointerTo(type, bytes),
        withoutTails(question.of, value) as never,
      );
      return toHex(bytes);
    }
  }
}
