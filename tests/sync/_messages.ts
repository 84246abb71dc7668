/**
 * The contents of the messages of the tests, filled in here and by `_peer.c`.
 *
 * @module
 */

/** The number that a message has, from what is in it; -1 where it is torn. */
export function numberOf(
  { number, words }: {
    readonly number: bigint;
    readonly words: { at(index: number): bigint | undefined };
  },
): number {
  for (let i = 0; i < 7; i++) {
    const right = BigInt.asUintN(64, number * BigInt(2 * i + 3));
    if (words.at(i) !== right) return -1;
  }
  return Number(number);
}

/** Fills a message of a ring so that no part of another goes unnoticed. */
export function fillMessage(
  message: { number: bigint; readonly words: { [index: number]: bigint } },
  number: bigint,
): void {
  message.number = number;
  for (let word = 0; word < 7; word++) {
    message.words[word] = number * BigInt(2 * word + 3);
  }
}

/** The length in bytes of a line of a number. */
export function lineLength(number: number): number {
  return 4 + (number * 7919) % 500;
}

/** Fills a line so that no part of another goes unnoticed. */
export function fillLine(line: Uint8Array, number: number): void {
  new DataView(line.buffer, line.byteOffset).setUint32(0, number, true);
  for (let i = 4; i < line.length; i++) line[i] = number + i;
}

/** The number of a line, from what is in it; -1 where it is torn. */
export function numberOfLine(line: Uint8Array): number {
  const { buffer, byteOffset, length } = line;
  const number = new DataView(buffer, byteOffset).getUint32(0, true);
  if (length !== lineLength(number)) return -1;
  for (let i = 4; i < length; i++) {
    if (line[i] !== (number + i & 255)) return -1;
  }
  return number;
}
