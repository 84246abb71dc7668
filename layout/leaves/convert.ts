/** Between what lies in memory and what a program sees: byte order and numbers. */

/** Swaps the bytes of a 16-bit integer. */
export function swap16(value: number): number {
  return (value & 0xff) << 8 | value >>> 8;
}

/** Swaps the bytes of a 32-bit integer. */
export function swap32(value: number): number {
  return ((value & 0xff) << 24 | (value & 0xff00) << 8 |
    value >>> 8 & 0xff00 | value >>> 24) >>> 0;
}

/** 64 bits in private memory, to take them apart into halves. */
export const scratch64: BigUint64Array = new BigUint64Array(1);
/** The low and the high half of {@linkcode scratch64}. */
export const scratch32: Uint32Array = new Uint32Array(scratch64.buffer);

/** Swaps the bytes of a 64-bit integer. */
export function swap64(value: bigint): bigint {
  scratch64[0] = value;
  const low = scratch32[0]!;
  scratch32[0] = swap32(scratch32[1]!);
  scratch32[1] = swap32(low);
  return scratch64[0];
}

/** The number in {@linkcode scratch64}, where it is a safe integer. */
export function safeFromScratch(signed: boolean, path: string): number {
  const low = scratch32[0]!;
  const high = signed ? scratch32[1]! | 0 : scratch32[1]!;
  const value = high * 2 ** 32 + low;
  // 2^53 and -2^53 come out exact, all beyond them larger: one test suffices.
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(
    `Cannot read ${path}: ${
      signed ? BigInt.asIntN(64, scratch64[0]!) : scratch64[0]
    } is not a safe integer`,
  );
}

/** Puts a safe integer into {@linkcode scratch64} and returns its 64 bits. */
export function safeToScratch(value: number): bigint {
  // Both conversions are modulo 2^32, which is two's complement.
  scratch32[0] = value;
  scratch32[1] = Math.floor(value / 2 ** 32);
  return scratch64[0]!;
}
