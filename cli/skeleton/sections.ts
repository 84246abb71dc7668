/** What the programs of a section can be attached to. */

/** The arguments of a program's `attach`, as TypeScript. */
export interface Attachment {
  /** The exported type of the target; undefined where there is none. */
  readonly target: string | undefined;
  /**
   * Whether `attach` must be, may be or cannot be told a target: it may where
   * the section names one, and cannot where nothing else does, or where programs
   * of the section are not attached at all.
   */
  readonly given: "always" | "optionally" | "never";
  /** False where such programs are not attached. */
  readonly possible: boolean;
}

/** How a section says the target, after its kind. */
type Saying =
  /** `SEC("tp/sched/sched_switch")`; `SEC("tp")` leaves it to `attach`. */
  | "named"
  /** It does not. */
  | "silent";

/**
 * The kinds of sections that libbpf knows (`section_defs` of `libbpf.c`), each
 * with what its programs are attached to. The first that fits goes.
 */
const KINDS: readonly (readonly [RegExp, string | undefined, Saying])[] = [
  [/^xdp(\.frags)?\/(dev|cpu)map$/, undefined, "silent"],
  [/^xdp(\.frags)?(\/|$)/, "AttachXdp", "silent"],
  [/^(tc|tcx)(\/(in|e)gress)?$|^classifier(\/|$)/, "AttachTcx", "silent"],
  [/^(raw_tp|raw_tracepoint)(\.w)?(\/|$)/, "AttachRawTracepoint", "named"],
  [/^(tp|tracepoint)(\/|$)/, "AttachTracepoint", "named"],
  [
    /^(tp_btf|fentry|fexit|fmod_ret|freplace|lsm)(\.s)?(\/|$)/,
    "AttachTracing",
    "named",
  ],
  // Those over the elements of a map must be told which.
  [
    /^iter(\.s)?\/(bpf_map_elem|bpf_sk_storage_map|sockmap)$/,
    "AttachIterator",
    "silent",
  ],
  [/^iter(\.s)?(\/|$)/, "AttachIterator", "named"],
  [/^u(ret)?probe\.(multi|session)(\.s)?(\/|$)/, undefined, "named"],
  [/^u(ret)?probe(\.s)?(\/|$)/, "AttachUprobe", "named"],
  [/^usdt(\.s)?(\/|$)/, "AttachUsdt", "named"],
  [/^k(ret)?(probe|syscall)(\.\w+)?(\/|$)/, undefined, "named"],
  [/^perf_event$/, "AttachPerfEvent", "silent"],
  [/^(cgroup(_skb)?\/|sockops$|lsm_cgroup)/, "AttachCgroup", "silent"],
  [/^(flow_dissector|sk_lookup)(\/|$)/, "AttachNetns", "silent"],
  [/^netfilter$/, "AttachNetfilter", "silent"],
];

/** What the programs of a section can be attached to. */
export function attachmentOf(section: string): Attachment {
  const found = KINDS.find(([pattern]) => pattern.test(section));
  // Such programs are run, put into maps, or attached in ways of their own.
  if (found === undefined) {
    return { target: undefined, given: "never", possible: false };
  }
  const [, target, saying] = found;
  const names = saying === "named" && section.includes("/");
  if (target === undefined) {
    return { target, given: "never", possible: names };
  }
  return { target, given: names ? "optionally" : "always", possible: true };
}
