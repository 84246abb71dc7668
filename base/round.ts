/** The next multiple of a size, or the value itself where it is one. */
export function roundUp(value: number, multiple: number): number {
  const past = value % multiple;
  return past === 0 ? value : value + (multiple - past);
}
