/**
 * Global functions as they were when this module loaded. The lengths and
 * addresses that go to the kernel pass through these: a program that replaces
 * `BigInt` later must not be able to make the kernel map more than was checked.
 */

/** `BigInt(value)`. */
export const toBigInt: (value: number) => bigint = BigInt;

/** `Number(value)`. */
export const toNumber: (value: bigint) => number = Number;

/** `encoder.encode(text)`: UTF-8. */
export const encode: (text: string) => Uint8Array = TextEncoder.prototype.encode
  .bind(new TextEncoder()) as (text: string) => Uint8Array;

const { getPrototypeOf, getOwnPropertyDescriptor } = Object;
const typedArray = getPrototypeOf(Uint8Array.prototype) as object;
const { call } = Function.prototype;

function getterOf<T>(name: string): (array: Uint8Array) => T {
  const { get } = getOwnPropertyDescriptor(typedArray, name)!;
  return call.bind(get as () => T) as (array: Uint8Array) => T;
}

/** `array.length`. */
export const lengthOf = getterOf<number>("length");
/** `array.buffer`. */
export const bufferOf = getterOf<ArrayBuffer>("buffer");
/** `array.byteOffset`. */
export const offsetOf = getterOf<number>("byteOffset");
