/** What a program is run with, for {@linkcode BpfProgram.run}. */
export interface RunOptions {
  /**
   * The packet, for programs that are run for packets: at least 14 bytes, the
   * header of Ethernet, and no more than fits a page; for XDP no more than fits 18
   * pages (Linux 5.18).
   */
  readonly data?: Uint8Array | undefined;
  /**
   * The program's argument: a `struct __sk_buff`, a `struct xdp_md`, the
   * arguments of a raw tracepoint, whatever a program of type `"syscall"` takes.
   */
  readonly context?: Uint8Array | undefined;
  /** How often to run it, 1 by default; the results are those of the last run. */
  readonly repeat?: number | undefined;
  /** The CPU to run it on, of raw tracepoints alone (Linux 5.10). */
  readonly cpu?: number | undefined;
  /**
   * Lets what an XDP program does to the packets come true: they are sent,
   * redirected, received (`BPF_F_TEST_XDP_LIVE_FRAMES`, Linux 5.18).
   */
  readonly liveFrames?: boolean | undefined;
  /** How many packets are live at once, with `liveFrames`; 64 by default. */
  readonly batchSize?: number | undefined;
}

/** What came of running a program. */
export interface RunResult {
  /** What it returned, an `int` in C. */
  readonly returnValue: number;
  /** How long one run took on average, in nanoseconds; 0 where not measured. */
  readonly duration: number;
  /** The packet afterwards; undefined where none was given. */
  readonly data: Uint8Array<ArrayBuffer> | undefined;
  /**
   * The context afterwards, as large as the kernel has it; undefined where none
   * was given, and of raw tracepoints.
   */
  readonly context: Uint8Array<ArrayBuffer> | undefined;
}
