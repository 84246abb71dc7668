/** The header of BTF, and the two sections that it tells of. */

import { BtfError } from "../../errors.ts";

/** The sections of a file of BTF. */
export interface Sections {
  /** The types: records of 32-bit words. */
  readonly words: Uint32Array;
  /** Their offset in bytes. */
  readonly wordsAt: number;
  /** The names, each ended by a NUL. */
  readonly strings: Uint8Array;
  /** Their offset in bytes. */
  readonly stringsAt: number;
}

const MAGIC = 0xeb9f;
const FOREIGN_MAGIC = 0x9feb;
const ELF_MAGIC = 0x464c457f;
/** The size of the header up to `str_len`; later ones have more behind it. */
const LEAST_HEADER = 24;

/**
 * Finds the sections.
 *
 * @param bytes All of the BTF, at an address divisible by 4.
 * @param split True if it builds on other BTF.
 * @throws {BtfError} if it is not BTF of this host's byte order.
 */
export function readSections(bytes: Uint8Array, split: boolean): Sections {
  const buffer = bytes.buffer;
  const byteOffset = bytes.byteOffset;
  const length = bytes.length;
  if (length < LEAST_HEADER) {
    throw new BtfError(
      `BTF must have a header of at least ${LEAST_HEADER} bytes: received ${length} bytes`,
      0,
    );
  }
  const header = new DataView(buffer, byteOffset, length);
  checkMagic(header);
  const headerLength = header.getUint32(4, true);
  if (headerLength < LEAST_HEADER || headerLength > length) {
    throw new BtfError(
      `The header of BTF must have from ${LEAST_HEADER} bytes to ${length}, all there are: it claims ${headerLength}`,
      4,
    );
  }

  function section(what: string, at: number): { from: number; size: number } {
    const from = headerLength + header.getUint32(at, true);
    const size = header.getUint32(at + 4, true);
    if (from + size > length) {
      throw new BtfError(
        `The ${what} must lie within the ${length} bytes of BTF: they take ${size} bytes from ${from} on`,
        at,
      );
    }
    return { from, size };
  }

  const { from: wordsAt, size: wordsSize } = section("types", 8);
  const { from: stringsAt, size: stringsSize } = section("names", 16);
  // The section of Linux 7 that tells how long types of unknown kinds are.
  if (headerLength >= 32) section("sizes of kinds", 24);
  if (wordsAt % 4 !== 0 || wordsSize % 4 !== 0) {
    throw new BtfError(
      `The types must be whole 32-bit words: they take ${wordsSize} bytes from ${wordsAt} on`,
      8,
    );
  }
  const strings = new Uint8Array(
    buffer,
    byteOffset + stringsAt,
    stringsSize,
  );
  checkStrings(strings, stringsAt, split);
  return {
    words: new Uint32Array(buffer, byteOffset + wordsAt, wordsSize / 4),
    wordsAt,
    strings,
    stringsAt,
  };
}

function checkMagic(header: DataView): void {
  const magic = header.getUint16(0, true);
  if (magic === FOREIGN_MAGIC) {
    throw new BtfError(
      "BTF must be in this host's byte order, little-endian: it is big-endian",
      0,
    );
  }
  if (magic !== MAGIC) {
    const elf = header.getUint32(0, true) === ELF_MAGIC;
    throw new BtfError(
      `BTF must begin with the number 0x${
        MAGIC.toString(16)
      }: it begins with 0x${magic.toString(16).padStart(4, "0")}${
        elf ? ", an ELF file, whose section .BTF it would be" : ""
      }`,
      0,
    );
  }
  const version = header.getUint16(2, true) & 0xff;
  if (version !== 1) {
    throw new BtfError(`BTF must be of version 1: it is of ${version}`, 2);
  }
}

const UNLESS_SPLIT =
  "unless this is split BTF, such as a module's: then pass what it builds on as base";

/** Every name ends, and the name at 0 is the empty one. */
function checkStrings(
  strings: Uint8Array,
  stringsAt: number,
  split: boolean,
): void {
  const length = strings.length;
  if (length === 0) {
    if (split) return;
    throw new BtfError(
      `BTF must have names, ${UNLESS_SPLIT}: there are 0 bytes of them`,
      20,
    );
  }
  if (strings[length - 1] !== 0) {
    throw new BtfError(
      "The last name must end in a NUL",
      stringsAt + length - 1,
    );
  }
  if (!split && strings[0] !== 0) {
    throw new BtfError(
      `The first name must be empty, ${UNLESS_SPLIT}`,
      stringsAt,
    );
  }
}
