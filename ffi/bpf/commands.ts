/**
 * The commands of `bpf(2)`: their numbers (`linux/bpf.h`, `enum bpf_cmd`), and
 * what may help when one fails.
 *
 * One error number has many causes, most of which cannot be looked up. So a hint
 * says what may be so, and nothing as a fact that it does not follow from.
 */

import {
  E2BIG,
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOTSUPP,
  EOPNOTSUPP,
  EPERM,
} from "../constants.ts";

/** A command. */
interface CommandEntry {
  readonly number: number;
  /** Hints, by error number. */
  readonly hints?: Readonly<Record<number, string>>;
  /**
   * True for a command that may have had an effect where it failed, so that it
   * must not be made again.
   */
  readonly once?: true;
}

const wantsCapability =
  "it may need CAP_BPF (CAP_SYS_ADMIN before Linux 5.8), unless /proc/sys/kernel/unprivileged_bpf_disabled is 0; some types of map need CAP_NET_ADMIN besides; a container's seccomp profile may forbid bpf(2); in a user namespace it may need a BpfToken; before Linux 5.11 the limit of locked memory (ulimit -l) may be too low";
const wantsAdmin =
  "opening objects by their ids, and listing them, needs CAP_SYS_ADMIN; a container's seccomp profile may forbid bpf(2)";
const wantsWritable =
  "the map may be frozen, or its descriptor opened for reading alone";

const looking = {
  [EPERM]: "the descriptor may have been opened for writing alone",
  [EINVAL]: "this type of map may not be asked so",
};
const storing = {
  [EPERM]: wantsWritable,
  [ENOENT]: "there is no such entry to replace",
  [EEXIST]:
    "there is such an entry; an array has all of its entries from the beginning",
  [E2BIG]:
    "there is no room for another entry, or the index lies beyond the end of the array",
};
const taking = {
  [EPERM]:
    "the map may be frozen, or its descriptor not opened for both reading and writing",
  [EINVAL]:
    "the kernel may not take entries out of this type of map: of a hash it can since Linux 5.14",
  [ENOTSUPP]:
    "the kernel may not take entries out of this type of map: of a hash it can since Linux 5.14",
};
const deleting = {
  [EPERM]: wantsWritable,
  [EINVAL]: "the entries of an array cannot be deleted",
};

/** The entry of opening an object of a kind by its id. */
function opening(kind: string): Readonly<Record<number, string>> {
  return { [EPERM]: wantsAdmin, [ENOENT]: `there is no ${kind} of that id` };
}

/** Every command that this package uses. */
export const COMMANDS = {
  BPF_MAP_CREATE: {
    number: 0,
    hints: {
      [EPERM]: wantsCapability,
      [EINVAL]:
        "this type of map may not take these sizes, flags or NUMA node, or the kernel not know the type or a flag",
      [E2BIG]:
        "the map may be too large, or the kernel too old for what was asked",
    },
  },
  BPF_MAP_LOOKUP_ELEM: { number: 1, hints: looking },
  BPF_MAP_UPDATE_ELEM: { number: 2, hints: storing },
  BPF_MAP_DELETE_ELEM: { number: 3, hints: deleting },
  BPF_MAP_GET_NEXT_KEY: { number: 4, hints: looking },
  BPF_PROG_LOAD: { number: 5, hints: { [EPERM]: wantsCapability } },
  BPF_OBJ_PIN: {
    number: 6,
    hints: {
      [EPERM]:
        "the path must lie on a BPF file system (mount -t bpf none /sys/fs/bpf), and its last part be without a dot",
      [EEXIST]: "there is something of that name",
      [ENOENT]: "there is no such directory",
    },
  },
  BPF_OBJ_GET: {
    number: 7,
    hints: {
      [EPERM]: wantsCapability,
      [EACCES]:
        "the path must be of something that was pinned on a BPF file system, with permission to open it",
      [ENOENT]: "nothing is pinned there",
    },
  },
  BPF_PROG_ATTACH: { number: 8 },
  BPF_PROG_DETACH: { number: 9 },
  BPF_PROG_TEST_RUN: { number: 10, once: true },
  BPF_PROG_GET_NEXT_ID: { number: 11, hints: { [EPERM]: wantsAdmin } },
  BPF_MAP_GET_NEXT_ID: { number: 12, hints: { [EPERM]: wantsAdmin } },
  BPF_PROG_GET_FD_BY_ID: { number: 13, hints: opening("program") },
  BPF_MAP_GET_FD_BY_ID: { number: 14, hints: opening("map") },
  BPF_OBJ_GET_INFO_BY_FD: {
    number: 15,
    hints: { [EINVAL]: "the descriptor may not be a BPF object's" },
  },
  BPF_PROG_QUERY: { number: 16 },
  BPF_RAW_TRACEPOINT_OPEN: { number: 17 },
  BPF_BTF_LOAD: {
    number: 18,
    hints: {
      [EPERM]: wantsCapability,
      [EINVAL]:
        "the kernel may be older than a kind of type: enumerations with negative members came with Linux 6.0, floats with 5.13",
      [E2BIG]: "a struct must have at most one bpf_spin_lock",
    },
  },
  BPF_BTF_GET_FD_BY_ID: {
    number: 19,
    hints: { [EPERM]: wantsAdmin, [ENOENT]: "there is no BTF of that id" },
  },
  BPF_MAP_LOOKUP_AND_DELETE_ELEM: { number: 21, hints: taking },
  BPF_MAP_FREEZE: {
    number: 22,
    hints: {
      [EBUSY]:
        "memory of the map may be mapped for writing, and must be closed first: map.memory().close() in this process",
      [EPERM]:
        "the map may be frozen already, or its descriptor opened for reading alone",
    },
  },
  // A batch that failed may have done a part, and says so in its attributes.
  BPF_MAP_LOOKUP_BATCH: { number: 24, hints: looking, once: true },
  BPF_MAP_LOOKUP_AND_DELETE_BATCH: { number: 25, hints: taking, once: true },
  BPF_MAP_UPDATE_BATCH: { number: 26, hints: storing, once: true },
  BPF_MAP_DELETE_BATCH: { number: 27, hints: deleting, once: true },
  BPF_LINK_CREATE: { number: 28 },
  BPF_LINK_UPDATE: { number: 29 },
  BPF_LINK_GET_FD_BY_ID: { number: 30, hints: opening("link") },
  BPF_LINK_GET_NEXT_ID: { number: 31, hints: { [EPERM]: wantsAdmin } },
  BPF_ENABLE_STATS: {
    number: 32,
    hints: {
      [EPERM]: "counting what programs do needs CAP_SYS_ADMIN",
      [EINVAL]: "the kernel may be older than Linux 5.8",
    },
  },
  BPF_ITER_CREATE: { number: 33 },
  BPF_LINK_DETACH: { number: 34 },
  BPF_PROG_BIND_MAP: { number: 35 },
  BPF_TOKEN_CREATE: {
    number: 36,
    hints: {
      [EPERM]:
        "the file system must be of the caller's own user namespace, in which it needs CAP_BPF",
      [EINVAL]:
        "it must be the directory that a BPF file system is mounted on; tokens came with Linux 6.9",
      [ENOENT]:
        "the file system delegates nothing: it must be mounted with delegate_cmds, delegate_maps and their like",
      [EOPNOTSUPP]:
        "there are no tokens in the initial user namespace: capabilities do there",
    },
  },
  // What was read is gone, also where it could not be written.
  BPF_PROG_STREAM_READ_BY_FD: { number: 37, once: true },
} as const satisfies Readonly<Record<string, CommandEntry>>;

/** A command, as `linux/bpf.h` calls it. */
export type Command = keyof typeof COMMANDS;

/** A command on many entries at once (Linux 5.6). */
export type BatchCommand = Extract<Command, `${string}_BATCH`>;

/** The hint for an error; undefined where nothing is known. */
export function hintFor(command: Command, errno: number): string | undefined {
  const { hints }: CommandEntry = COMMANDS[command];
  return hints?.[errno];
}

/** True for the number of a command that must not be made again. */
export function mustRunOnce(number: number): boolean {
  return RUN_ONCE.has(number);
}

const RUN_ONCE: ReadonlySet<number> = new Set(
  Object.values<CommandEntry>(COMMANDS).filter(({ once }) => once)
    .map(({ number }) => number),
);
