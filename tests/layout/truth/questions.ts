/** The questions to a compiler and to the layout language on a declaration. */

import {
  type Aggregate,
  aggregatesIn,
  type Bits,
  type Field,
} from "./declarations.ts";

/** One question. */
export type Question =
  | { about: "size" | "align"; of: Aggregate }
  | { about: "offset"; of: Aggregate; field: Field }
  /** The bits of the struct that a bit-field takes. */
  | { about: "bits"; of: Aggregate; field: Field & { type: Bits } }
  /** All bytes of the outermost struct that holds the value. */
  | { about: "value"; of: Aggregate };

/** All there is to ask of a declaration, in an order that both sides keep. */
export function questionsOf(declaration: Aggregate): Question[] {
  return [
    ...aggregatesIn(declaration).flatMap((of): Question[] => [
      { about: "size", of },
      { about: "align", of },
      ...of.fields.flatMap((field) => questionsOfField(of, field)),
    ]),
    { about: "value", of: declaration },
  ];
}

function questionsOfField(of: Aggregate, field: Field): Question[] {
  const { type } = field;
  switch (type.kind) {
    case "padding":
    case "unnamed":
      return [];
    case "bits":
      return [{ about: "bits", of, field: { ...field, type } }];
    default:
      return [{ about: "offset", of, field }];
  }
}

/** A question in words. */
export function wordsOf(question: Question): string {
  const type = `${question.of.kind} d_${question.of.tag}`;
  switch (question.about) {
    case "size":
      return `sizeof(${type})`;
    case "align":
      return `_Alignof(${type})`;
    case "offset":
      return `offsetof(${type}, ${question.field.name})`;
    case "bits":
      return `bits of ${question.field.name} in ${type}`;
    case "value":
      return `bytes of the value`;
  }
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Tells the bits that are set, such as "12…16". */
export function extentOfOnes(bytes: Uint8Array): string {
  const ones: number[] = [];
  bytes.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) {
      if (byte >> bit & 1) ones.push(index * 8 + bit);
    }
  });
  const [first, last] = [ones[0], ones.at(-1)];
  if (first === undefined) return "none";
  return last! - first === ones.length - 1
    ? `${first}…${last}`
    : ones.join(" ");
}
