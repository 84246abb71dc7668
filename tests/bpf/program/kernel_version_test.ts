import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  isBefore,
  kernelIsOlderThan,
  versionOfRelease,
} from "../../../ffi/kernel_version.ts";
import { type AttachPoint, checkedLink } from "../../../bpf/link/commands.ts";
import { NotSupportedError, SystemError } from "../../../errors.ts";
import { EBUSY, EINVAL, EPERM } from "../../../ffi/mod.ts";

Deno.test("A kernel's release tells its version", () => {
  for (
    const [release, version] of [
      ["6.18.44", [6, 18]],
      ["5.15.0-1052-aws\n", [5, 15]],
      ["4.19-rc1", [4, 19]],
      ["10.0", [10, 0]],
      ["", undefined],
      ["next", undefined],
    ] as const
  ) {
    assertEquals(versionOfRelease(release), version as [number, number]);
  }
  assertEquals(isBefore([5, 9], [5, 10]), true);
  assertEquals(isBefore([5, 10], [5, 10]), false);
  assertEquals(isBefore([6, 0], [5, 10]), false);
  assertEquals(isBefore([4, 20], [5, 0]), true);
  assertEquals(kernelIsOlderThan([3, 0]), false);
  assertEquals(kernelIsOlderThan([1000, 0]), true);
});

/** An attach point that no kernel has yet. */
const point: AttachPoint = {
  name: "the moon",
  since: [1000, 1],
  types: ["xdp"],
  capability: "CAP_NET_ADMIN",
  causes: { [EBUSY]: "somebody is there already", [EPERM]: "or it is night" },
};

Deno.test("A kernel that is too old for a way to attach is named as the reason", () => {
  const error = assertThrows(
    () => checkedLink("BPF_LINK_CREATE", -EINVAL, point),
    NotSupportedError,
    "Attaching to the moon needs Linux 1000.1 or later",
  );
  assertEquals((error.cause as SystemError).code, "EINVAL");
  const old = assertThrows(
    () => checkedLink("BPF_LINK_CREATE", -EINVAL, { ...point, since: [4, 0] }),
    SystemError,
  );
  assertEquals(old.code, "EINVAL");
  assertThrows(
    () => checkedLink("BPF_LINK_CREATE", -EBUSY, point),
    SystemError,
    "EBUSY (device or resource busy): somebody is there already",
  );
  const forbidden = assertThrows(
    () => checkedLink("BPF_LINK_CREATE", -EPERM, point),
    SystemError,
  );
  assertMatch(
    forbidden.message,
    /attaching to the moon needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN(: this process lacks CAP_BPF and CAP_NET_ADMIN|, which this process has: a container's seccomp profile may forbid bpf\(2\)); or it is night/,
  );
});
