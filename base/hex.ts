/** Bytes in hexadecimal digits, two for each, with something between them. */
export function hex(bytes: Uint8Array, separator = ""): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join(separator);
}
