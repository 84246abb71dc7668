import { Descriptor } from "../../ffi/descriptor.ts";
import { clearAttributes, runChecked, SIZE } from "../../ffi/bpf/attributes.ts";

/**
 * The kernel's count of how often each program runs, and for how long, until
 * this is closed: `runCount` and `runTime` of {@linkcode ProgramInfo}
 * (`BPF_ENABLE_STATS`, Linux 5.8). That costs some tens of nanoseconds a run,
 * of all programs in the system. Takes CAP_SYS_ADMIN.
 *
 * @example How long a packet takes
 * ```ts ignore
 * using statistics = BpfStatistics.enable();
 * program.run({ data: packet, repeat: 1000 });
 * const { runTime, runCount } = program.info;
 * ```
 */
export class BpfStatistics implements Disposable {
  readonly #descriptor: Descriptor;

  private constructor(descriptor: Descriptor) {
    if (!(descriptor instanceof Descriptor)) {
      throw new TypeError("Illegal constructor");
    }
    this.#descriptor = descriptor;
  }

  /**
   * Begins to count.
   *
   * @throws {SystemError} with the kernel's reason, as in bpf(2): EPERM without
   * the capability.
   * @throws {Deno.errors.NotCapable} without `--allow-ffi`.
   */
  static enable(): BpfStatistics {
    // All zero is BPF_STATS_RUN_TIME, the only kind there is.
    clearAttributes();
    const fd = runChecked("BPF_ENABLE_STATS", SIZE.enableStats);
    return new BpfStatistics(new Descriptor(fd));
  }

  /** True if this was closed. */
  get closed(): boolean {
    return this.#descriptor.fd < 0;
  }

  /**
   * Ends the counting, unless somebody else wants it. A second call does
   * nothing.
   */
  close(): void {
    this.#descriptor.close();
  }

  /** Ends the counting at the end of a `using` declaration's block. */
  [Symbol.dispose](): void {
    this.close();
  }
}
