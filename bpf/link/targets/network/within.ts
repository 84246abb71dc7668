/** Doing something in another network namespace. */

import {
  check,
  EINVAL,
  enterNetwork,
  EPERM,
  fileStatus,
  O_RDONLY,
  openFile,
  systemError,
} from "../../../../ffi/mod.ts";
import { Descriptor } from "../../../../ffi/descriptor.ts";
import { withTarget } from "../descriptor.ts";

/** A network namespace other than that of this thread. */
export interface OtherNetns {
  /**
   * The network namespace that has the interface: a path such as
   * `/run/netns/blue` or `/proc/123/ns/net`, a `file:` URL, or a descriptor; by
   * default that of this process. Another takes CAP_SYS_ADMIN: this thread
   * enters it for the length of the call.
   */
  readonly netns?: string | URL | number | undefined;
}

const OWN = "/proc/thread-self/ns/net";

/** The network namespace of this thread. */
export function ownNetwork(): Descriptor {
  return new Descriptor(check(openFile(OWN, O_RDONLY), "open"));
}

/** The inode of a descriptor's network namespace; undefined where it has none. */
export function networkOf(fd: number): bigint | undefined {
  const status = fileStatus(fd);
  return typeof status === "number" ? undefined : status.inode;
}

/**
 * Calls a function in the network namespace of a descriptor. To be in it already
 * takes no capability.
 */
export function withinNetwork<R>(fd: number, use: () => R): R {
  const own = ownNetwork();
  try {
    if (networkOf(fd) === networkOf(own.fd)) return use();
    enter(fd);
    try {
      return use();
    } finally {
      enter(own.fd);
    }
  } finally {
    own.close();
  }
}

/** Calls a function in the network namespace that options name. */
export function withinNetns<R>({ netns }: OtherNetns, use: () => R): R {
  return netns === undefined ? use() : withTarget(
    "Network namespace",
    netns,
    (fd) => withinNetwork(fd, use),
  );
}

function enter(fd: number): void {
  const result = enterNetwork(fd);
  if (result >= 0) return;
  throw systemError(-result, "setns", causeOf(-result));
}

function causeOf(errno: number): string | undefined {
  switch (errno) {
    case EINVAL:
      return "the descriptor or path must be of a network namespace";
    case EPERM:
      return "acting in another network namespace takes CAP_SYS_ADMIN";
    default:
      return undefined;
  }
}
