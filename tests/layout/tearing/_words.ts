/** The values that the tearing writer alternates with 0, word by word. */
export const patterns: readonly bigint[] = [
  0xffffffffffffffffn,
  // The largest number that `safe(u64)` reads.
  0x001fffffffffffffn,
];
