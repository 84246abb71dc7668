import { assert, assertEquals } from "@std/assert";
import { type AttachTarget, BpfMap, BpfObject } from "../../../bpf/mod.ts";
import { u64 } from "../../../layout/mod.ts";
import {
  fentry,
  fexit,
  fmodRet,
  kprobe,
  kprobeMulti,
  kprobeSession,
  kretprobe,
  ksyscall,
  lsm,
  lsmCgroup,
  Need,
  type Needs,
  structOps,
  testWith,
  tpBtf,
  writingIterators,
} from "../../_needs.ts";
import { Refusal } from "../../_attempts.ts";
import { attachable } from "../_attach.ts";
import { bytes } from "../_maps.ts";
import { objectFile } from "../_objects.ts";

const PR_SET_NAME = 15;
const PR_GET_NAME = 16;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const PRIO_PROCESS = 0;

function openLibc() {
  return Deno.dlopen("libc.so.6", {
    close: { parameters: ["i32"], result: "i32" },
    fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
    getpriority: { parameters: ["i32", "u32"], result: "i32" },
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
    prctl: { parameters: ["i32", "buffer"], result: "i32" },
    setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
    socketpair: {
      parameters: ["i32", "i32", "i32", "buffer"],
      result: "i32",
    },
  });
}

/** A thread whose calls can be told from all others': by its name. */
class Caller implements Disposable {
  readonly #libc = openLibc();
  readonly #before = new Uint8Array(16);
  readonly #name = new Uint8Array(16);
  readonly #file: number;

  constructor() {
    const { prctl, memfd_create } = this.#libc.symbols;
    new TextEncoder().encodeInto(
      crypto.randomUUID().slice(-12),
      this.#name,
    );
    this.#file = memfd_create(this.#name, 0);
    assert(this.#file >= 0);
    prctl(PR_GET_NAME, this.#before);
    this.rename();
  }

  /** The words that programs are to compare the name with. */
  get thread(): bigint[] {
    return [...new BigUint64Array(this.#name.buffer)];
  }

  /** Takes the name that it has, anew. */
  rename(): boolean {
    return this.#libc.symbols.prctl(PR_SET_NAME, this.#name) === 0;
  }

  /** The first letter of the name. */
  get initial(): number {
    return this.#name[0]!;
  }

  allocate(offset: number): boolean {
    const { fallocate } = this.#libc.symbols;
    return fallocate(this.#file, 0, BigInt(offset), 1n) === 0;
  }

  /** Asks for that of a process that is not there. */
  getPriority(who: number): boolean {
    return this.#libc.symbols.getpriority(PRIO_PROCESS, who) === 0;
  }

  /** Sets the one it has. */
  setPriority(): boolean {
    const { getpriority, setpriority } = this.#libc.symbols;
    const now = getpriority(PRIO_PROCESS, 0);
    return setpriority(PRIO_PROCESS, 0, now) === 0;
  }

  connect(): boolean {
    const { close, socketpair } = this.#libc.symbols;
    const pair = new Int32Array(2);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return false;
    for (const descriptor of pair) close(descriptor);
    return true;
  }

  [Symbol.dispose](): void {
    const { close, prctl } = this.#libc.symbols;
    prctl(PR_SET_NAME, this.#before);
    close(this.#file);
    this.#libc.close();
  }
}

/** Loads `kernel_sections.bpf.c` with one of its programs, for one thread. */
async function load(program: string, { thread }: Caller): Promise<BpfObject> {
  return BpfObject.load(await objectFile("kernel_sections"), {
    constants: { thread },
    programs: { [program]: { load: true } },
  });
}

/** Reads the calls of the thread, and the last value that the program saw. */
function counted(object: BpfObject): [calls: bigint, last: bigint] {
  const counts = object.map("counts");
  return [counts.pointer(u64, 0).value, counts.pointer(u64, 1).value];
}

/** A section, and how the kernel is brought to run its program. */
interface Trial {
  readonly section: string;
  /** The words for what is tried, where the section does not say it. */
  readonly title?: string;
  /** The name of its function. */
  readonly program: string;
  readonly needs: Needs;
  /** Makes it run once; tells whether the kernel did what was asked. */
  readonly act: (caller: Caller, i: number) => boolean;
  /** Tells what the program keeps of that. */
  readonly last: (caller: Caller, i: number) => number;
  /** True if the kernel does what is asked while the program is attached. */
  readonly allowed?: boolean;
  /** Makes the target to attach to; the section's by default. */
  readonly target?: () => AttachTarget;
}

const allocating: Pick<Trial, "act" | "last"> = {
  act: (caller, i) => caller.allocate(4242 + i),
  last: (_, i) => 4242 + i,
};
/** Of what returns 0. */
const allocated = { ...allocating, last: () => 0 };
const asking: Pick<Trial, "act" | "last" | "allowed"> = {
  act: (caller, i) => caller.getPriority(2 ** 30 + i),
  last: (_, i) => 2 ** 30 + i,
  allowed: false,
};
const ESRCH = 3;
const asked = { ...asking, last: () => ESRCH };
const changing: Pick<Trial, "act" | "last" | "allowed"> = {
  act: (caller) => caller.setPriority(),
  last: () => 0,
  allowed: false,
};
const connecting: Pick<Trial, "act" | "last" | "allowed"> = {
  act: (caller) => caller.connect(),
  last: () => 0,
  allowed: false,
};

/** A control group that this process is in: that of all. */
const cgroup2: Need = new Need("cgroup2", () => void cgroupRoot());

function cgroupRoot(): string {
  const mounts = Deno.readTextFileSync("/proc/self/mounts");
  const path = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  if (path === undefined) throw new Refusal("it is not mounted");
  return path;
}

const trials: Trial[] = [
  {
    section: "kprobe/vfs_fallocate",
    program: "kprobe",
    needs: kprobe,
    ...allocating,
  },
  {
    section: "kretprobe/vfs_fallocate",
    program: "kretprobe",
    needs: kretprobe,
    ...allocated,
  },
  {
    section: "kprobe.multi/vfs_falloc?te",
    program: "kprobe_multi",
    needs: kprobeMulti,
    ...allocating,
  },
  {
    section: "kretprobe.multi/vfs_falloc?te",
    program: "kretprobe_multi",
    needs: kprobeMulti,
    ...allocated,
  },
  {
    section: "kprobe.multi/vfs_falloc?te",
    title: "A kprobe_multi of functions by name",
    program: "kprobe_multi",
    needs: kprobeMulti,
    ...allocating,
    target: () => ({
      kind: "kprobe_multi",
      functions: ["vfs_fallocate", "bpf_fentry_test1"],
      cookies: [1n, 2n],
    }),
  },
  {
    section: "kretprobe.multi/vfs_falloc?te",
    title: "A kprobe_multi of returns by pattern",
    program: "kretprobe_multi",
    needs: kprobeMulti,
    ...allocated,
    target: () => ({
      kind: "kprobe_multi",
      pattern: "vfs_fallocat?",
      return: true,
    }),
  },
  {
    section: "kprobe/vfs_fallocate",
    title: "A kprobe_multi without a link of many",
    program: "kprobe",
    needs: kprobe,
    ...allocating,
    target: () => ({
      kind: "kprobe_multi",
      functions: ["bpf_fentry_test1", "vfs_fallocate"],
    }),
  },
  {
    section: "fentry/vfs_fallocate",
    program: "fentry",
    needs: fentry,
    ...allocating,
  },
  {
    section: "fexit/vfs_fallocate",
    program: "fexit",
    needs: fexit,
    ...allocating,
  },
  {
    section: "ksyscall/getpriority",
    program: "ksyscall",
    needs: ksyscall,
    ...asking,
  },
  {
    section: "kretsyscall/getpriority",
    program: "kretsyscall",
    needs: [ksyscall, kretprobe],
    ...asked,
  },
  {
    section: "uprobe/libc.so.6:getpriority",
    program: "uprobe",
    needs: [],
    ...asking,
  },
  {
    section: "uretprobe/libc.so.6:getpriority",
    program: "uretprobe",
    needs: [],
    ...asked,
    // The function's own result.
    last: () => 1,
  },
  {
    section: "fmod_ret/security_task_setnice",
    program: "fmod_ret",
    needs: fmodRet,
    ...changing,
  },
  { section: "lsm/task_setnice", program: "lsm", needs: lsm, ...changing },
  {
    section: "lsm.s/socket_socketpair",
    program: "lsm_sleepable",
    needs: lsm,
    ...connecting,
  },
  {
    section: "lsm_cgroup/socket_socketpair",
    program: "lsm_cgroup",
    needs: [lsmCgroup, cgroup2],
    ...connecting,
    target: () => ({ kind: "cgroup", cgroup: cgroupRoot() }),
  },
  {
    section: "tp_btf/task_rename",
    program: "tp_btf",
    needs: tpBtf,
    act: (caller) => caller.rename(),
    last: ({ initial }) => initial,
  },
];

const TIMES = 7;

for (
  const {
    section,
    title = `SEC("${section}")`,
    program,
    needs,
    act,
    last,
    allowed = true,
    target,
  } of trials
) {
  testWith(attachable, needs)(
    `${title} counts ${TIMES} runs, and none once its link is closed`,
    async () => {
      using caller = new Caller();
      using object = await load(program, caller);
      const before = act(caller, -1);
      {
        using _link = object.program(program).attach(target?.());
        for (let i = 0; i < TIMES; i++) assertEquals(act(caller, i), allowed);
        assertEquals(
          counted(object),
          [BigInt(TIMES), BigInt(last(caller, TIMES - 1))],
        );
      }
      // It is as it was.
      assertEquals(act(caller, TIMES), before);
      assertEquals(counted(object)[0], BigInt(TIMES));
    },
  );
}

testWith(attachable, kprobeSession)(
  "A kprobe_multi of a session counts each begin and return",
  async () => {
    using caller = new Caller();
    const name = "kprobe_multi";
    using object = BpfObject.load(await objectFile("kernel_sections"), {
      constants: { thread: caller.thread },
      programs: { [name]: { load: true, attachType: "trace_kprobe_session" } },
    });
    const functions = ["vfs_fallocate"];
    {
      using _link = object.program(name)
        .attach({ kind: "kprobe_multi", functions, session: true });
      for (let i = 0; i < TIMES; i++) caller.allocate(i);
    }
    caller.allocate(TIMES);
    assertEquals(counted(object)[0], BigInt(2 * TIMES));
  },
);

testWith(attachable, writingIterators)(
  'SEC("iter/bpf_map_elem") writes each value of an array and of a hash',
  async () => {
    using caller = new Caller();
    using object = await load("map_elements", caller);
    const entries = 100;
    let runs = 0n;
    for (const type of ["array", "hash"] as const) {
      using map = BpfMap.create({
        type,
        valueSize: 8,
        maxEntries: entries,
        ...type === "hash" ? { keySize: 4 } : {},
      });
      for (let i = 0; i < entries; i++) map.update(i, bytes(BigInt(i)));
      using link = object.program("map_elements")
        .attach({ kind: "iterator", map });
      for (let times = 1; times <= 2; times++) {
        assertEquals(link.read(), "");
        runs += BigInt(entries);
        assertEquals(counted(object)[0], runs);
        for (let i = 0; i < entries; i++) {
          assertEquals(map.lookup(i), bytes(BigInt(i) << BigInt(times)));
        }
      }
    }
  },
);

testWith(attachable, structOps)(
  'SEC("struct_ops/…") is loaded, with a map for what its functions make up',
  async () => {
    using object = BpfObject.load(await objectFile("struct_ops"));
    assertEquals(object.map("congestion").info.type, "struct_ops");
    assertEquals(
      Object.values(object.programs).map(({ name, info }) => [name, info.type]),
      ["ssthresh", "cong_avoid", "other_avoid", "undo_cwnd"].map((name) => [
        name,
        "struct_ops",
      ]),
    );
  },
);
