import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  bpfMaps,
  bpfMounts,
  bpfObjects,
  command,
  networks,
  root,
  testWith,
} from "../_needs.ts";
import { BpfMap } from "../../bpf/mod.ts";
import { run, TemporaryDirectory } from "../_support.ts";
import { compile } from "../bpf/_objects.ts";
import { compileAttach } from "../bpf/_attach.ts";
import { jsonOf, outputOf } from "./_hostmem.ts";

type Fields = Record<string, unknown>;

interface Listing {
  readonly ids: readonly number[];
  readonly hostmem: readonly Fields[];
  readonly bpftool: readonly Fields[];
}

/** Fields that change from one moment to the next. */
const MOVING = new Set(["pids", "run_time_ns", "run_cnt"]);

/** bpftool writes the time of loading as its clock rounds it. */
function closeTo(a: unknown, b: unknown): boolean {
  return Math.abs(Number(a) - Number(b)) <= 1;
}

testWith(bpfObjects, bpfMounts, networks, root, command("bpftool"))(
  "maps, programs and links --json agree with bpftool in every field that both have, of thirty objects and more",
  async () => {
    using directory = new TemporaryDirectory();
    const objects = await Promise.all([
      compileAttach(directory),
      compile("iterators", directory),
      compile("struct_ops", directory),
    ]);
    const { code, stdout, stderr } = await run(
      new URL("./_population.ts", import.meta.url),
      {
        permissions: ["-A"],
        args: [
          directory.join("bpf"),
          directory.join("cgroup/own"),
          ...objects,
        ],
        under: [
          "unshare",
          "--mount",
          "--net",
          "bash",
          "-ec",
          `ip link set lo up
          mkdir "$0"/bpf "$0"/cgroup
          mount -t bpf none "$0"/bpf
          mount -t cgroup2 none "$0"/cgroup
          mkdir "$0"/cgroup/own
          trap 'rmdir "$0"/cgroup/own' EXIT
          "$@"`,
          directory.path,
        ],
      },
    );
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const kinds: Record<string, Listing> = JSON.parse(stdout);
    let compared = 0;
    for (const [kind, { ids, hostmem, bpftool }] of Object.entries(kinds)) {
      for (const id of ids) {
        const ours = hostmem.find((one) => one.id === id);
        const theirs = bpftool.find((one) => one.id === id);
        assert(ours !== undefined, `${kind} ${id} is missing`);
        assert(theirs !== undefined, `bpftool does not know ${kind} ${id}`);
        for (const [name, value] of Object.entries(theirs)) {
          if (!(name in ours) || MOVING.has(name)) continue;
          // Of types that are younger than bpftool it has the number.
          if (name === "type" && typeof value === "number") continue;
          compared++;
          if (name === "loaded_at") assert(closeTo(ours[name], value));
          else assertEquals(ours[name], value, `${kind} ${id}: ${name}`);
        }
        for (const name of ["id", "type"]) {
          assert(name in ours && name in theirs);
        }
      }
    }
    const count = Object.values(kinds)
      .reduce((sum, { ids }) => sum + ids.length, 0);
    assert(count >= 30, `there were ${count} objects only`);
    assert(compared >= count * 6, `${compared} fields of ${count} objects`);
    // The kernel keeps 15 bytes of a name; the rest is in its BTF.
    const names = kinds.programs!.hostmem.map(({ name }) => name);
    assert(names.includes("count_tracepoint"), names.join(" "));
    const pinned = kinds.maps!.hostmem.flatMap((one) => one.pinned ?? []);
    assertEquals(pinned.length, 2);
  },
);

testWith(bpfMaps, root)(
  "hostmem maps says which process holds a map, and whether it is frozen",
  async () => {
    using map = BpfMap.create({
      type: "array",
      name: "held",
      valueSize: 8,
      maxEntries: 3,
    });
    map.freeze();
    const { id } = map.info;
    const all: Fields[] = await jsonOf("maps");
    const { frozen, pids, bytes_memlock: memory } = all.find((one) =>
      one.id === id
    )!;
    assertEquals(frozen, 1);
    assert(Number(memory) > 0);
    assert((pids as { pid: number }[]).some(({ pid }) => pid === Deno.pid));
    const text = await outputOf("maps");
    assertStringIncludes(text, `(${Deno.pid})`);
  },
);

testWith(bpfMaps)(
  "The lists say which capability they take",
  async () => {
    const lists = ["maps", "programs", "links"];
    const { code, stdout, stderr } = await run(
      `
      import { main } from "./cli/main.ts";
      for (const list of Deno.args) console.error("ended with", await main([list]));
    `,
      {
        args: lists,
        permissions: ["-A"],
        under: ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"],
      },
    );
    assertEquals({ code, stdout }, { code: 0, stdout: "" });
    assert(!/\n +at /.test(stderr));
    const told = stderr.split("ended with 1\n");
    assertEquals(told.length, lists.length + 1, stderr);
    for (const one of told.slice(0, -1)) {
      assertStringIncludes(one, "CAP_SYS_ADMIN");
    }
  },
);
