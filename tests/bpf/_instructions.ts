/**
 * The instructions of BPF programs, written by hand.
 *
 * @module
 */

/** `struct bpf_insn`: code, registers, offset, immediate. */
export type Instruction = readonly [
  code: number,
  target: number,
  source: number,
  offset: number,
  immediate: number,
];

/** Puts instructions at the begin of a buffer, as the kernel takes them. */
export function assemble(
  target: Uint8Array,
  instructions: readonly Instruction[],
): void {
  const view = new DataView(target.buffer);
  instructions.forEach(([code, target, source, offset, immediate], i) => {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, target | source << 4);
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, immediate, true);
  });
}
