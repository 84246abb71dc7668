/**
 * Two processes, one struct: this one and a C program add to the same counter at
 * the same time, and no count is lost.
 *
 * ```sh
 * cc -O2 -o /tmp/shared_counter examples/shared_counter.c
 * npx -y deno@2.9.6 run -A examples/shared_counter.ts /tmp/shared_counter
 * ```
 *
 * It is done twice: over a file in /dev/shm, which processes find by its name,
 * and over a memfd, which has none and is handed on by its descriptor. The first
 * is why all permissions are needed: Deno lets nobody else make files below
 * /dev. The second does with --allow-ffi and --allow-run.
 *
 * @module
 */

import {
  atomic,
  HostLayout,
  Memory,
  type Pointer,
  struct,
  text,
  u32,
  u64,
} from "@hostmem/hostmem";

const TIMES = 2_000_000;

/** The same struct as in shared_counter.c. */
const Counter = struct("Counter", {
  _: HostLayout,
  ready: atomic(u32), // how many processes have the memory
  count: atomic(u64), // what all of them add to
  plain: u64, // what only the C program writes
  greeting: text(16),
});
interface Counter extends Pointer<typeof Counter> {}

if (import.meta.main) {
  const [program] = Deno.args;
  if (program === undefined) {
    console.error("usage: shared_counter.ts <the compiled shared_counter.c>");
    Deno.exit(2);
  }
  await overFile(program);
  await overMemfd(program);
}

/** A file in /dev/shm is memory with a path. */
async function overFile(program: string): Promise<void> {
  const path = await Deno.makeTempFile({ dir: "/dev/shm" });
  try {
    await Deno.truncate(path, Counter.size);
    // Whoever may write the file may also truncate it, and then an access to
    // what is gone ends the process. It cannot be sealed against that, so we
    // say that we trust whoever may.
    using memory = Memory.open(path, { allowTruncatable: true });
    await count(`The file ${path}`, memory.pointer(Counter), program, path);
  } finally {
    await Deno.remove(path);
  }
}

/** A memfd is sealed: nobody can truncate it, so nobody need be trusted. */
async function overMemfd(program: string): Promise<void> {
  using memory = Memory.create(Counter.size, { name: "shared_counter" });
  // It has no path and closes itself in children. But for as long as it is open
  // here, a process of the same user can open it through ours.
  const path = `/proc/${Deno.pid}/fd/${memory.fd}`;
  await count(`The memfd ${path}`, memory.pointer(Counter), program, path);
}

async function count(
  title: string,
  counter: Counter,
  program: string,
  path: string,
): Promise<void> {
  const child = new Deno.Command(program, { args: [path, `${TIMES}`] }).spawn();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  while (counter.ready.load() === 0 && !ended) await pause();
  counter.ready.add(1);
  for (let left = TIMES; left > 0; left--) counter.count.add(1n);
  const { success, code } = await status;
  if (!success) throw new Error(`${program} failed with exit code ${code}`);
  console.log(title);
  console.log(`  the C program wrote: ${counter.greeting}`);
  console.log(
    `  ${TIMES} counts from here and ${counter.plain} from C make ${counter.count.load()}`,
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
