import { assertEquals } from "@std/assert";
import { TemporaryDirectory } from "../_support.ts";
import { count } from "./_results.ts";
import { Transcript } from "./_transcript.ts";

/** Makes the transcript of a console that says all that. */
function transcriptOf(directory: TemporaryDirectory, text: string): Transcript {
  const transcript = new Transcript(directory.join("log"));
  for (const line of text.split("\n")) transcript.hear(line);
  return transcript;
}

const RUN = `@guest begin bpf
running 5 tests from ./tests/kernels/_in_guest.ts
bpf/a_test.ts: It holds ... ok (5ms)
bpf/a_test.ts: It holds [1, 2] ... step ... ok (1ms)
bpf/a_test.ts: It asks [refused: TCX: bpf(BPF_LINK_CREATE): EINVAL] ... ignored (0ms)
bpf/a_test.ts: It takes long ...'bpf/a_test.ts: It takes long' has been running for over (1m0s)
 ok (1m3s)
bpf/b_test.ts: It says something ...
------- output -------
bpf
----- output end -----
bpf/b_test.ts: It says something ... ok (1s)
bpf/b_test.ts: It breaks ... FAILED (1s)
`;

const ERRORS = `
 ERRORS 

bpf/b_test.ts: It breaks => ./tests/kernels/_in_guest.ts:1:1
error: AssertionError

FAILED | 4 passed | 1 failed | 1 ignored (1m6s)
@guest end bpf: status 1
@guest down`;

Deno.test("Each test that a guest runs is told apart, with the reason for which it is skipped", () => {
  using directory = new TemporaryDirectory();
  const { results, troubles, failures } = transcriptOf(directory, RUN + ERRORS);
  assertEquals(
    (["passed", "failed", "skipped"] as const)
      .map((outcome) => count(results, outcome)),
    [4, 1, 1],
  );
  assertEquals(results[2], {
    file: "bpf/a_test.ts",
    name: "It asks",
    outcome: "skipped",
    reason: "refused: TCX: bpf(BPF_LINK_CREATE): EINVAL",
  });
  assertEquals(results[3]!.name, "It takes long");
  assertEquals(troubles, []);
  assertEquals(failures.includes("error: AssertionError"), true);
});

Deno.test("A guest's tests that end early, or are not all told apart, are its trouble", () => {
  using directory = new TemporaryDirectory();
  const ended = `${RUN}@guest end bpf: status 139`;
  assertEquals(transcriptOf(directory, ended).troubles, [
    "the tests of bpf ended with bpf: status 139",
  ]);
  const more = (RUN + ERRORS).replace("4 passed", "5 passed");
  assertEquals(transcriptOf(directory, more).troubles, [
    "of 7 tests of bpf only 6 were told apart",
  ]);
});
