/**
 * The differences between the platforms that this package runs on.
 */

import { NotSupportedError } from "../../errors.ts";

/** A platform that this package runs on. */
export interface Platform {
  /** Paths that libc may lie at, most likely first. */
  readonly libcPaths: readonly string[];
  /** Paths that libbpf may lie at, most likely first. */
  readonly libbpfPaths: readonly string[];
  /** The number of the system call `bpf` (`asm/unistd_64.h`). */
  readonly bpf: bigint;
  /** The number of the system call `perf_event_open`. */
  readonly perfEventOpen: bigint;
  /**
   * The 32-bit words of a `struct epoll_event` (`linux/eventpoll.h`): it is
   * packed on x86-64 alone.
   */
  readonly epollEventWords: 3 | 4;
}

function pathsOf(triple: string, name: string): readonly string[] {
  return [
    `/lib/${triple}/${name}`,
    `/usr/lib/${triple}/${name}`,
    `/lib64/${name}`,
    `/usr/lib64/${name}`,
    `/lib/${name}`,
    `/usr/lib/${name}`,
  ];
}

function platformOf(
  triple: string,
  rest: Omit<Platform, "libcPaths" | "libbpfPaths">,
): Platform {
  return {
    libcPaths: pathsOf(triple, "libc.so.6"),
    libbpfPaths: pathsOf(triple, "libbpf.so.1"),
    ...rest,
  };
}

const platforms: Readonly<Record<string, Platform>> = {
  "linux x86_64": platformOf("x86_64-linux-gnu", {
    bpf: 321n,
    perfEventOpen: 298n,
    epollEventWords: 3,
  }),
  "linux aarch64": platformOf("aarch64-linux-gnu", {
    bpf: 280n,
    perfEventOpen: 241n,
    epollEventWords: 4,
  }),
};

/**
 * The platform this program runs on.
 *
 * @throws {NotSupportedError} on any but Linux on x86-64 or aarch64.
 */
export function platform(): Platform {
  const name = `${Deno.build.os} ${Deno.build.arch}`;
  const found = platforms[name];
  if (found === undefined) {
    throw new NotSupportedError(
      `Mapping memory requires Linux on x86-64 or aarch64: this is ${name}`,
    );
  }
  return found;
}
