import { assert, assertEquals } from "@std/assert";
import {
  arenas,
  bpfTest,
  hugePages,
  hugePageSize,
  testWith,
} from "../_needs.ts";
import { HugePagePool } from "../_huge_pages.ts";
import { run, TemporaryDirectory } from "../_support.ts";

/** The outcome of mapping: for writing, and for reading alone. */
type Outcome = readonly [writing: string, reading: string];

/** The same with and without `allowTruncatable`, from 0 and from a page on. */
interface Expected {
  readonly first: Outcome;
  readonly truncatable: Outcome;
  readonly later: Outcome;
  readonly laterTruncatable: Outcome;
}

const MAPS: Outcome = ["writes", "reads"];
const READS: Outcome = ["reads", "reads"];

function refused(code: string): Outcome {
  return [code, code];
}

/** Whatever `allowTruncatable` says. */
function always(first: Outcome, later: Outcome = first): Expected {
  return { first, truncatable: first, later, laterTruncatable: later };
}

/** Refused unless the caller accepts that it may be truncated. */
function ifTruncatable(first: Outcome, later: Outcome = first): Expected {
  const refusal = refused("NotSupportedError");
  return {
    first: refusal,
    truncatable: first,
    later: refusal,
    laterTruncatable: later,
  };
}

const privileged: Record<string, Expected> = {
  "BPF array": always(MAPS),
  "BPF array, frozen": always(READS),
  "BPF array, opened for reading": always(refused("EINVAL")),
  "BPF array, not mmapable": always(refused("EINVAL")),
  "BPF hash table": always(refused("ENOTSUPP")),
  "BPF array per CPU": always(refused("ENOTSUPP")),
  "BPF ring buffer": always(MAPS, READS),
  ...arenas.met ? { "BPF arena": always(refused("NotSupportedError")) } : {},
  "perf event": always(MAPS, refused("EINVAL")),
};

const ordinary: Record<string, Expected> = {
  "memfd, sealed": always(MAPS),
  "memfd, sealed against writing": always(READS),
  "memfd": ifTruncatable(MAPS),
  "file": ifTruncatable(MAPS),
  "file for reading": ifTruncatable(READS),
  "file for writing": ifTruncatable(refused("EACCES")),
  "file for appending": ifTruncatable(MAPS),
  "file that is empty": always(refused("BoundsError")),
  "file without a name": ifTruncatable(MAPS),
  "file of O_PATH": ifTruncatable(refused("EBADF")),
  "shared memory": ifTruncatable(MAPS),
  "of another process": ifTruncatable(MAPS),
  // The kernel makes it as long as the range, but lets that begin behind it.
  "/dev/zero": always(MAPS, refused("EFAULT")),
  "/dev/null": always(refused("ENODEV")),
  "/proc/self/maps": always(refused("BoundsError")),
  "/proc/self/mem": always(refused("BoundsError")),
  "directory": always(refused("ENODEV")),
  "pipe": always(refused("ENODEV")),
  "socket": always(refused("ENODEV")),
  // The kernel maps any range of one for reading, and has no page to read there.
  "TCP socket": always(refused("EFAULT")),
  "eventfd": always(refused("ENODEV")),
  "epoll": always(refused("ENODEV")),
  "timer": always(refused("ENODEV")),
  "inotify": always(refused("ENODEV")),
  "closed": always(refused("EBADF")),
  "-1": always(refused("EBADF")),
  "the working directory": always(refused("EBADF")),
  "-2147483648": always(refused("EBADF")),
  "NaN": always(refused("RangeError")),
  "1.5": always(refused("RangeError")),
  "2147483648": always(refused("RangeError")),
  "4294967296": always(refused("RangeError")),
  "a string": always(refused("RangeError")),
  "a bigint": always(refused("RangeError")),
  "nothing": always(refused("RangeError")),
};

const huge: Record<string, Expected> = {
  "memfd of huge pages": always(MAPS, refused("BoundsError")),
};

/** The outcomes by the names that the child gives to the options. */
function outcomes(expected: Expected): Record<string, string> {
  const { first, truncatable, later, laterTruncatable } = expected;
  const all: Record<string, string> = {};
  ["writing", "reading"].forEach((access, i) => {
    all[access] = first[i]!;
    all[`${access}, from a page on`] = later[i]!;
    all[`${access}, from a byte on`] = "RangeError";
    all[`${access}, truncatable`] = truncatable[i]!;
    all[`${access}, truncatable, from a page on`] = laterTruncatable[i]!;
    all[`${access}, truncatable, from a byte on`] = "RangeError";
  });
  return all;
}

async function assertOutcomes(
  group: string,
  kinds: Record<string, Expected>,
  hugeSize = 0,
): Promise<void> {
  using directory = new TemporaryDirectory();
  const { code, signal, stdout, stderr } = await run(
    new URL("./_descriptors.ts", import.meta.url),
    { permissions: ["-A"], args: [group, directory.path, `${hugeSize}`] },
  );
  assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
  const { outcomes: actual, leaks, grown, count } = JSON.parse(stdout);
  const expected = Object.entries(kinds).map(([kind, expected]) => [
    kind,
    outcomes(expected),
  ]);
  assertEquals(actual, Object.fromEntries(expected));
  assertEquals(leaks, []);
  assert(grown < 2 ** 28, `${grown} bytes of addresses were left behind`);
  assert(count >= 24 * Object.keys(kinds).length);
}

Deno.test("Memory.map() of every kind of descriptor with every option maps or throws what it should, and leaves nothing behind", async () => {
  await assertOutcomes("ordinary", ordinary);
});

bpfTest(
  "Memory.map() of every kind of BPF map with every option maps or throws what it should, and leaves nothing behind",
  async () => {
    await assertOutcomes("privileged", privileged);
  },
);

testWith(hugePages)(
  "Memory.map() of huge pages with every option maps or throws what it should, and leaves nothing behind",
  async () => {
    using pool = new HugePagePool();
    pool.count = 2;
    await assertOutcomes("huge", huge, hugePageSize);
  },
);
