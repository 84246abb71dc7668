/** The commands of `bpf(2)`, and what helps when one fails. */

import {
  E2BIG,
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOTSUPP,
  EPERM,
} from "../mod.ts";

/** A command, as `linux/bpf.h` calls it. */
export type Command =
  | "BPF_MAP_CREATE"
  | "BPF_MAP_LOOKUP_ELEM"
  | "BPF_MAP_UPDATE_ELEM"
  | "BPF_MAP_DELETE_ELEM"
  | "BPF_MAP_GET_NEXT_KEY"
  | "BPF_OBJ_PIN"
  | "BPF_OBJ_GET"
  | "BPF_MAP_GET_NEXT_ID"
  | "BPF_MAP_GET_FD_BY_ID"
  | "BPF_OBJ_GET_INFO_BY_FD"
  | "BPF_MAP_LOOKUP_AND_DELETE_ELEM"
  | "BPF_MAP_FREEZE"
  | BatchCommand
  | ProgramCommand;

/** A command on many entries at once (Linux 5.6). */
export type BatchCommand =
  | "BPF_MAP_LOOKUP_BATCH"
  | "BPF_MAP_LOOKUP_AND_DELETE_BATCH"
  | "BPF_MAP_UPDATE_BATCH"
  | "BPF_MAP_DELETE_BATCH";

/** A command on programs and links. */
export type ProgramCommand =
  | "BPF_PROG_TEST_RUN"
  | "BPF_PROG_GET_NEXT_ID"
  | "BPF_PROG_GET_FD_BY_ID"
  | "BPF_RAW_TRACEPOINT_OPEN"
  | "BPF_LINK_CREATE"
  | "BPF_LINK_UPDATE"
  | "BPF_LINK_GET_FD_BY_ID"
  | "BPF_LINK_GET_NEXT_ID"
  | "BPF_ENABLE_STATS"
  | "BPF_ITER_CREATE"
  | "BPF_LINK_DETACH"
  | "BPF_PROG_BIND_MAP";

/** The number of a command (`enum bpf_cmd`). */
export function numberOf(command: Command): number {
  switch (command) {
    case "BPF_MAP_CREATE":
      return 0;
    case "BPF_MAP_LOOKUP_ELEM":
      return 1;
    case "BPF_MAP_UPDATE_ELEM":
      return 2;
    case "BPF_MAP_DELETE_ELEM":
      return 3;
    case "BPF_MAP_GET_NEXT_KEY":
      return 4;
    case "BPF_OBJ_PIN":
      return 6;
    case "BPF_OBJ_GET":
      return 7;
    case "BPF_MAP_GET_NEXT_ID":
      return 12;
    case "BPF_MAP_GET_FD_BY_ID":
      return 14;
    case "BPF_OBJ_GET_INFO_BY_FD":
      return 15;
    case "BPF_MAP_LOOKUP_AND_DELETE_ELEM":
      return 21;
    case "BPF_MAP_FREEZE":
      return 22;
    case "BPF_MAP_LOOKUP_BATCH":
      return 24;
    case "BPF_MAP_LOOKUP_AND_DELETE_BATCH":
      return 25;
    case "BPF_MAP_UPDATE_BATCH":
      return 26;
    case "BPF_MAP_DELETE_BATCH":
      return 27;
    case "BPF_PROG_TEST_RUN":
      return 10;
    case "BPF_PROG_GET_NEXT_ID":
      return 11;
    case "BPF_PROG_GET_FD_BY_ID":
      return 13;
    case "BPF_RAW_TRACEPOINT_OPEN":
      return 17;
    case "BPF_LINK_CREATE":
      return 28;
    case "BPF_LINK_UPDATE":
      return 29;
    case "BPF_LINK_GET_FD_BY_ID":
      return 30;
    case "BPF_LINK_GET_NEXT_ID":
      return 31;
    case "BPF_ENABLE_STATS":
      return 32;
    case "BPF_ITER_CREATE":
      return 33;
    case "BPF_LINK_DETACH":
      return 34;
    case "BPF_PROG_BIND_MAP":
      return 35;
  }
}

const wantsCapability =
  "bpf(2) needs CAP_BPF (CAP_SYS_ADMIN before Linux 5.8), unless /proc/sys/kernel/unprivileged_bpf_disabled is 0; some types of map need CAP_NET_ADMIN besides; a container's seccomp profile may forbid the call; before Linux 5.11 the limit of locked memory (ulimit -l) may be too low";
const wantsAdmin =
  "opening objects by their ids, and listing them, needs CAP_SYS_ADMIN; a container's seccomp profile may forbid bpf(2)";
const wantsWritable =
  "the map is frozen, or its descriptor was opened for reading alone";

/** What is likely to help; undefined where nothing is known. */
export function hintFor(command: Command, errno: number): string | undefined {
  switch (command) {
    case "BPF_MAP_CREATE":
      switch (errno) {
        case EPERM:
          return wantsCapability;
        case EINVAL:
          return "this type of map does not take these sizes and flags, or the kernel does not know the type or a flag";
        case E2BIG:
          return "the map would be too large, or the kernel is too old for what was asked";
      }
      break;
    case "BPF_MAP_LOOKUP_ELEM":
    case "BPF_MAP_GET_NEXT_KEY":
    case "BPF_MAP_LOOKUP_BATCH":
      switch (errno) {
        case EPERM:
          return "the descriptor was opened for writing alone";
        case EINVAL:
          return "this type of map cannot be asked so";
      }
      break;
    case "BPF_MAP_UPDATE_ELEM":
    case "BPF_MAP_UPDATE_BATCH":
      switch (errno) {
        case EPERM:
          return wantsWritable;
        case ENOENT:
          return `there is no such entry, and the mode is "exist"`;
        case EEXIST:
          return `there is such an entry, and the mode is "create"; an array has all of its entries from the beginning`;
        case E2BIG:
          return "there is no room for another entry, or the index lies beyond the end of the array";
      }
      break;
    case "BPF_MAP_LOOKUP_AND_DELETE_ELEM":
    case "BPF_MAP_LOOKUP_AND_DELETE_BATCH":
      switch (errno) {
        case EPERM:
          return "the map is frozen, or its descriptor was not opened for both reading and writing";
        case EINVAL:
        case ENOTSUPP:
          return "the kernel cannot take entries out of this type of map: of a hash it can since Linux 5.14";
      }
      break;
    case "BPF_MAP_DELETE_ELEM":
    case "BPF_MAP_DELETE_BATCH":
      switch (errno) {
        case EPERM:
          return wantsWritable;
        case EINVAL:
          return "the entries of an array cannot be deleted";
      }
      break;
    case "BPF_OBJ_PIN":
      switch (errno) {
        case EPERM:
          return "the path must lie on a BPF file system (mount -t bpf none /sys/fs/bpf), and its last part be without a dot";
        case EEXIST:
          return "there is something of that name";
        case ENOENT:
          return "there is no such directory";
      }
      break;
    case "BPF_OBJ_GET":
      switch (errno) {
        case EPERM:
          return wantsCapability;
        case EACCES:
          return "the path must be of something that was pinned on a BPF file system, with permission to open it";
        case ENOENT:
          return "nothing is pinned there";
      }
      break;
    case "BPF_MAP_GET_NEXT_ID":
      if (errno === EPERM) return wantsAdmin;
      break;
    case "BPF_MAP_GET_FD_BY_ID":
      switch (errno) {
        case EPERM:
          return wantsAdmin;
        case ENOENT:
          return "there is no map of that id";
      }
      break;
    case "BPF_PROG_GET_FD_BY_ID":
      switch (errno) {
        case EPERM:
          return wantsAdmin;
        case ENOENT:
          return "there is no program of that id";
      }
      break;
    case "BPF_PROG_GET_NEXT_ID":
    case "BPF_LINK_GET_NEXT_ID":
      if (errno === EPERM) return "listing objects needs CAP_SYS_ADMIN";
      break;
    case "BPF_ENABLE_STATS":
      switch (errno) {
        case EPERM:
          return "counting what programs do takes CAP_SYS_ADMIN";
        case EINVAL:
          return "the kernel is older than Linux 5.8";
      }
      break;
    case "BPF_LINK_GET_FD_BY_ID":
      switch (errno) {
        case EPERM:
          return wantsAdmin;
        case ENOENT:
          return "there is no link of that id";
      }
      break;
    case "BPF_OBJ_GET_INFO_BY_FD":
      if (errno === EINVAL) return "the descriptor must be a BPF map's";
      break;
    case "BPF_MAP_FREEZE":
      switch (errno) {
        case EBUSY:
          return "memory of the map that is mapped for writing must be closed first: map.memory().close() in this process";
        case EPERM:
          return "the map is frozen already, or its descriptor was opened for reading alone";
      }
      break;
  }
  return undefined;
}
