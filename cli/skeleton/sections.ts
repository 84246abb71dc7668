/** The targets that the programs of a section can be attached to. */

/** The targets that a program can be attached to. */
export interface Attachment {
  /** The exported types of the targets that `attach` can be told. */
  readonly targets: readonly string[];
  /** True where the section names a target, for `attach` without one. */
  readonly named: boolean;
}

/** The way in which a section names its target, after its kind. */
type Saying =
  /** `SEC("tp/sched/sched_switch")`; `SEC("tp")` leaves it to `attach`. */
  | "named"
  /** It names none. */
  | "silent";

/**
 * The kinds of sections that libbpf knows (`section_defs` of `libbpf.c`), each
 * with what its programs are attached to. The first that fits goes.
 */
const KINDS: readonly (readonly [RegExp, readonly string[], Saying])[] = [
  [/^xdp(\.frags)?\/(dev|cpu)map$/, [], "silent"],
  [/^xdp(\.frags)?(\/|$)/, ["AttachXdp"], "silent"],
  [
    /^(tc|tcx)(\/(in|e)gress)?$|^classifier(\/|$)/,
    ["AttachTcx", "AttachTc", "AttachNetkit"],
    "silent",
  ],
  [/^(raw_tp|raw_tracepoint)(\.w)?(\/|$)/, ["AttachRawTracepoint"], "named"],
  [/^(tp|tracepoint)(\/|$)/, ["AttachTracepoint"], "named"],
  [
    /^(tp_btf|fentry|fexit|fmod_ret|freplace|lsm)(\.s)?(\/|$)/,
    ["AttachTracing"],
    "named",
  ],
  // Those over the elements of a map must be told which.
  [
    /^iter(\.s)?\/(bpf_map_elem|bpf_sk_storage_map|sockmap)$/,
    ["AttachIterator"],
    "silent",
  ],
  [/^iter(\.s)?(\/|$)/, ["AttachIterator"], "named"],
  [/^u(ret)?probe\.multi(\.s)?(\/|$)/, ["AttachUprobeMulti"], "named"],
  [/^uprobe\.session(\.s)?(\/|$)/, ["AttachUprobeMulti"], "named"],
  [/^u(ret)?probe(\.s)?(\/|$)/, ["AttachUprobe", "AttachUprobeMulti"], "named"],
  [/^usdt(\.s)?(\/|$)/, ["AttachUsdt"], "named"],
  [/^k(ret)?probe\.(multi|session)(\/|$)/, ["AttachKprobeMulti"], "named"],
  [/^k(ret)?probe(\/|$)/, ["AttachKprobe", "AttachKprobeMulti"], "named"],
  [/^k(ret)?syscall(\/|$)/, ["AttachKsyscall"], "named"],
  [/^perf_event$/, ["AttachPerfEvent"], "silent"],
  [/^(cgroup(_skb)?\/|sockops$|lsm_cgroup)/, ["AttachCgroup"], "silent"],
  [/^(flow_dissector|sk_lookup)(\/|$)/, ["AttachNetns"], "silent"],
  [/^sk_(skb|msg)(\/|$)/, ["AttachSockmap"], "silent"],
  [/^socket$/, ["AttachSocketFilter", "AttachReuseport"], "silent"],
  [/^sk_reuseport(\/|$)/, ["AttachReuseport"], "silent"],
  [/^netfilter$/, ["AttachNetfilter"], "silent"],
];

/**
 * The targets that the programs of a section can be attached to: none where
 * they are run, put into maps, or attached in ways of their own.
 */
export function attachmentOf(section: string): Attachment {
  const found = KINDS.find(([pattern]) => pattern.test(section));
  if (found === undefined) return { targets: [], named: false };
  const [, targets, saying] = found;
  return { targets, named: saying === "named" && section.includes("/") };
}
