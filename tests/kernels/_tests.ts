/**
 * The tests that are tried on other kernels: those that a kernel makes a
 * difference to, by what it allows, counts, lays out or answers. What is the same
 * on every kernel is not here: types, what a program may replace, who holds
 * memory until when, what Deno is asked.
 *
 * Under emulation a child process takes a quarter of a minute to start, a Worker
 * ten seconds, and what is done a million times does not end: of such tests
 * there are as many as show that the kernel does its part.
 *
 * @module
 */

/** Tests of a file, by regular expressions that match their names. */
export interface Choice {
  /** The file. */
  readonly file: string;
  /** Those that are run; all by default. */
  readonly only?: readonly RegExp[];
  /** Those of them that are not. */
  readonly without?: readonly RegExp[];
}

/** The same as JSON has it, for a guest. */
export interface ChoiceInGuest {
  readonly file: string;
  /** The sources of regular expressions. */
  readonly only: readonly string[];
  readonly without: readonly string[];
}

/** Returns what a guest is told of a choice. */
export function inGuest(
  { file, only = [], without = [] }: Choice,
): ChoiceInGuest {
  const sources = (patterns: readonly RegExp[]) =>
    patterns.map(({ source }) => source);
  return { file, only: sources(only), without: sources(without) };
}

/** By process: what ends one of them does not end the others. */
export const groups: Readonly<Record<string, readonly Choice[]>> = {
  memory: [
    { file: "tests/memory/copy_test.ts", without: [/would end the process/] },
    {
      file: "tests/memory/create_test.ts",
      without: [/of memory that was dropped/],
    },
    { file: "tests/memory/detach_test.ts" },
    {
      file: "tests/memory/holes_test.ts",
      only: [/^Memory\.open\(\) fills the holes of a file/],
    },
    { file: "tests/memory/huge_pages_test.ts" },
    { file: "tests/memory/map_test.ts" },
    {
      file: "tests/memory/open_test.ts",
      without: [
        /does not wait for the other end of a pipe/,
        /fails with EACCES/,
        /asks Deno/,
        /that Deno was asked for/,
      ],
    },
    {
      file: "tests/memory/read_only_test.ts",
      without: [
        /falls back for no error but/,
        /would end the process/,
      ],
    },
    { file: "tests/memory/refusals_test.ts", only: [/io_uring/] },
    {
      file: "tests/memory/size_test.ts",
      // A guest has no disk, and tmpfs fills what is read of a file's holes.
      without: [/^Memory\.open\(\) maps a sparse file of 5 GiB/],
    },
    {
      file: "tests/memory/surroundings_test.ts",
      only: [/vm\.memfd_noexec = 2/],
    },
  ],
  btf: [
    {
      file: "tests/btf/kernel_test.ts",
      // A guest has no pahole.
      without: [/needs --allow-ffi/, /agrees with pahole/],
    },
    { file: "tests/bpf/map/btf_test.ts", without: [/without CAP_SYS_ADMIN/] },
  ],
  bpf: [
    { file: "tests/bpf/link/kernel_sections_test.ts" },
    {
      file: "tests/bpf/arena/arena_test.ts",
      without: [
        /^Another process/,
        /ends a process/,
        /is mapped elsewhere, and leaves no hole/,
        /that nothing reaches/,
      ],
    },
    { file: "tests/bpf/link/attach_cgroup_test.ts", without: [/isolate/] },
    {
      file: "tests/bpf/link/attach_event_test.ts",
      only: [
        /clock of a process/,
        /page faults/,
        /no event/,
        /tracepoint counts/,
      ],
    },
    {
      file: "tests/bpf/link/attach_network_test.ts",
      only: [
        /XDP \(native\) sees every packet/,
        /TCX runs programs in the order/,
        /network namespace/,
        /netfilter/,
        /attachedTo/,
        /netkit/,
      ],
    },
    {
      file: "tests/bpf/link/attach_refused_test.ts",
      only: [
        /the options that a kind of target has/,
        /is told the kind of its section/,
        /the kernel's functions is refused/,
        /^A refusal of a probe/,
        /^Attaching to functions of the kernel takes/,
        /counts, with a cookie/,
      ],
    },
    { file: "tests/bpf/link/attach_sockets_test.ts" },
    { file: "tests/bpf/link/attach_tc_test.ts", without: [/CAP_NET_ADMIN/] },
    { file: "tests/bpf/link/attach_tracing_test.ts" },
    { file: "tests/bpf/map/batches_test.ts" },
    { file: "tests/bpf/map/create_test.ts" },
    { file: "tests/bpf/map/create_typed_test.ts" },
    { file: "tests/bpf/map/elements_test.ts" },
    { file: "tests/bpf/hints_test.ts" },
    { file: "tests/bpf/map/inner_maps_test.ts" },
    { file: "tests/bpf/program/kernel_version_test.ts" },
    {
      file: "tests/bpf/link/link_test.ts",
      only: [
        /^A link stays when its program is closed/,
        /^Closing an object closes the links/,
        /^BpfLink\.(fromFd|update|ids)\(\)/,
      ],
    },
    {
      file: "tests/bpf/object/load_maps_test.ts",
      // A guest has no compiler.
      without: [/asks Deno/, /leaves no pin/, /as many entries as its u32/],
    },
    {
      file: "tests/bpf/object/load_test.ts",
      without: [
        /leaves nothing behind/,
        /^A BpfObject that was dropped/,
        /^A listener of libbpf's messages that throws/,
        /never writes to standard error/,
      ],
    },
    { file: "tests/bpf/map/size_test.ts" },
    { file: "tests/bpf/map/memory_test.ts" },
    {
      file: "tests/bpf/object/btf_test.ts",
      without: [/need no CAP_SYS_ADMIN/],
    },
    {
      file: "tests/bpf/object/file_test.ts",
      only: [/^Variables in \.kconfig/],
    },
    {
      file: "tests/bpf/ring/perf_buffer_test.ts",
      without: [
        /^A closed or dropped PerfBuffer/,
        /^Records of any length/,
        /does not hold the event loop/,
        /of another thread/,
        /was killed/,
      ],
    },
    { file: "tests/bpf/map/pin_test.ts", only: [/keeps a map that/] },
    { file: "tests/bpf/ring/poller_test.ts" },
    { file: "tests/ffi/cpus_test.ts" },
    {
      file: "tests/bpf/program/program_test.ts",
      without: [/without any capability/],
    },
    { file: "tests/bpf/map/read_only_test.ts" },
    {
      file: "tests/bpf/object/resize_test.ts",
      without: [/A section of texts alone/],
    },
    {
      file: "tests/bpf/link/struct_ops_test.ts",
      without: [/goes with the program/],
    },
    {
      file: "tests/bpf/ring/async_test.ts",
      without: [/event loop is not held/, /holds the event loop/],
    },
    { file: "tests/bpf/ring/ring_buffer_test.ts" },
    { file: "tests/bpf/ring/record_ended_test.ts" },
    { file: "tests/bpf/program/supports_test.ts" },
    { file: "tests/bpf/map/table_test.ts" },
    {
      file: "tests/bpf/ring/user_ring_buffer_test.ts",
      without: [
        /^Records of any length/,
        /^Positions beyond/,
        /^Records reach a program that drains meanwhile/,
        /^Several threads/,
        /^A lock that changes hands/,
        /^A writer that died/,
        /does not hold the event loop/,
        /was killed/,
      ],
    },
    { file: "tests/bpf/object/variable_test.ts" },
  ],
};
