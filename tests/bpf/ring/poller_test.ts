import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Watch } from "../../../bpf/ring/wait_for_events.ts";
import { SystemError } from "../../../errors.ts";
import {
  check,
  closeDescriptor,
  createWaker,
  EPOLLIN,
  EPOLLOUT,
  wakeUp,
} from "../../../ffi/mod.ts";
import { eventually, openDescriptors } from "../../_support.ts";

/** A descriptor that can be made ready. */
class Bell implements Disposable {
  readonly fd: number = check(createWaker(), "eventfd");

  ring(): void {
    check(wakeUp(this.fd), "eventfd_write");
  }

  [Symbol.dispose](): void {
    closeDescriptor(this.fd);
  }
}

function polls(): number {
  return openDescriptors("anon_inode:[eventpoll]").length;
}

/** Runs a test, after which nothing that waiting takes may be left. */
function pollTest(name: string, fn: () => Promise<void>): void {
  Deno.test(name, async () => {
    const before = openDescriptors("anon_inode:").length;
    await fn();
    await eventually(() => openDescriptors("anon_inode:").length === before);
  });
}

/** Tests whether a promise is still pending a while later. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  promise.then(() => pending = false, () => pending = false);
  await new Promise((resolve) => setTimeout(resolve, 10));
  return pending;
}

pollTest(
  "Watch.next() resolves at an event, and each is told of once",
  async () => {
    using bell = new Bell();
    const watch = new Watch([bell]);
    const first = watch.next();
    assert(await isPending(first));
    bell.ring();
    await first;
    // It is ready still: nobody has read it. But nothing happened since.
    const second = watch.next();
    assert(await isPending(second));
    bell.ring();
    await second;
    watch.close();
  },
);

pollTest("What is ready at the beginning is an event", async () => {
  using bell = new Bell();
  bell.ring();
  const watch = new Watch([bell]);
  await watch.next();
  watch.close();
  const writable = new Watch([bell], EPOLLOUT);
  await writable.next();
  writable.close();
});

pollTest("An event that nobody waited for is kept", async () => {
  using bell = new Bell();
  using other = new Bell();
  const watch = new Watch([bell]);
  const kept = new Watch([other]);
  other.ring();
  bell.ring();
  await watch.next();
  await kept.next();
  assert(await isPending(kept.next()));
  watch.close();
  kept.close();
});

pollTest(
  "A watch of several descriptors resolves for each of them",
  async () => {
    using one = new Bell();
    using two = new Bell();
    const watch = new Watch([one, two], EPOLLIN);
    for (const bell of [two, one, two]) {
      const next = watch.next();
      bell.ring();
      await next;
    }
    watch.close();
  },
);

pollTest("interrupt() and close() end a wait", async () => {
  using bell = new Bell();
  const watch = new Watch([bell]);
  watch.interrupt();
  const first = watch.next();
  assert(await isPending(first));
  watch.interrupt();
  await first;
  const second = watch.next();
  watch.close();
  await second;
  await watch.next();
  watch.close();
  watch.interrupt();
});

pollTest("One wait at a time", async () => {
  using bell = new Bell();
  const watch = new Watch([bell]);
  const next = watch.next();
  assertThrows(() => watch.next(), TypeError, "under way already");
  watch.close();
  await next;
});

pollTest("All watches share one epoll instance", async () => {
  const before = polls();
  const bells = Array.from({ length: 100 }, () => new Bell());
  const watches = bells.map((bell) => new Watch([bell]));
  const all = Promise.all(watches.map((watch) => watch.next()));
  assertEquals(polls(), before + 1);
  // More than one call tells of.
  for (const bell of bells) bell.ring();
  await all;
  watches[0]!.close();
  assertEquals(polls(), before + 1);
  for (const watch of watches) watch.close();
  await eventually(() => polls() === before);
  for (const bell of bells) bell[Symbol.dispose]();
});

pollTest(
  "A descriptor that cannot be watched is an error, and leaves nothing",
  async () => {
    const file = await Deno.open("/proc/self/status");
    const fd = Number(
      [...Deno.readDirSync("/proc/self/fd")].find(({ name }) => {
        try {
          return Deno.readLinkSync(`/proc/self/fd/${name}`) ===
            `/proc/${Deno.pid}/status`;
        } catch {
          return false;
        }
      })!.name,
    );
    const error = assertThrows(() => new Watch([{ fd }]), SystemError);
    assertEquals([error.code, error.syscall], ["EPERM", "epoll_ctl"]);
    file.close();
    assertEquals(
      assertThrows(() => new Watch([{ fd: -1 }]), SystemError).code,
      "EBADF",
    );
  },
);

/** The numbers of the epoll instances of this process. */
function pollNumbers(): number[] {
  return [...Deno.readDirSync("/proc/self/fd")].flatMap(({ name }) => {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      return target === "anon_inode:[eventpoll]" ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

pollTest(
  "A wait that fails for good throws the reason, and does not spin",
  async () => {
    using bell = new Bell();
    const before = pollNumbers();
    const watch = new Watch([bell]);
    // Ours is taken away: what nobody but this test does.
    const [epoll] = pollNumbers().filter((number) => !before.includes(number));
    closeDescriptor(epoll!);
    const error = await assertRejects(() => watch.next(), SystemError);
    assertEquals([error.code, error.syscall], ["EBADF", "epoll_wait"]);
    watch.close();
  },
);
