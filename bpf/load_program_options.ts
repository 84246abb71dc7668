/** What {@linkcode BpfObject.load} sets of a program before it loads it. */
export interface LoadProgramOptions {
  /**
   * Whether it is loaded. By default it is, unless its section's name begins
   * with `?`. One that is not can be neither attached nor run.
   */
  readonly load?: boolean | undefined;
}
