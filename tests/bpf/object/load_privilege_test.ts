import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sized } from "../../_fire.ts";
import {
  bpfObjects,
  file,
  mounts,
  objectTest,
  setpriv,
  testWith,
} from "../../_needs.ts";
import { run, withoutCapabilities } from "../../_support.ts";
import { objectFile } from "../_objects.ts";

const triple = `${Deno.build.arch}-linux-gnu`;
const libc = `/lib/${triple}/libc.so.6`;
const libbpf = `/usr/lib/${triple}/libbpf.so.1`;
const paths = [file(libc), file(libbpf)];
const pathTest = testWith(bpfObjects, paths);

const load = `
  import { BpfObject } from "@hostmem/hostmem/bpf";
  try {
    using object = BpfObject.load(Deno.args[0]);
    console.log(Object.keys(object.variables).length, object.variable("limit").get());
  } catch (error) {
    console.log(error.name, error.message);
  }
`;

pathTest(
  "BpfObject.load() is content with the paths of libc and libbpf (needs clang and libbpf)",
  async () => {
    const path = await objectFile("variables");
    const { code, stdout, stderr } = await run(load, {
      permissions: [`--allow-ffi=${libc},${libbpf}`, `--allow-read=${path}`],
      args: [path],
    });
    assertEquals([code, stdout, stderr], [0, "25 5\n", ""]);
  },
);

pathTest(
  "BpfObject.load() asks for libbpf, and for the file (needs clang and libbpf)",
  async () => {
    const path = await objectFile("variables");
    const [withoutLibbpf, withoutRead, withoutFfi] = await Promise.all([
      run(load, {
        permissions: [`--allow-ffi=${libc}`, "--allow-read"],
        args: [path],
      }),
      run(load, { permissions: ["--allow-ffi"], args: [path] }),
      run(load, { permissions: ["--allow-read"], args: [path] }),
    ]);
    for (
      const [{ stdout }, what] of [
        [withoutLibbpf, "ffi access"],
        [withoutRead, `read access to "${path}"`],
        [withoutFfi, "ffi access"],
      ] as const
    ) {
      assertStringIncludes(stdout, `NotCapable Requires ${what}`);
    }
  },
);

testWith(bpfObjects, paths, mounts)(
  "BpfObject.load() without libbpf says how to install it (needs clang, libbpf and root)",
  async () => {
    const { code, stdout, stderr } = await run(load, {
      permissions: ["--allow-ffi", "--allow-read"],
      args: [await objectFile("variables")],
      under: [
        "unshare",
        "--mount",
        "sh",
        "-c",
        `mount --bind /dev/null "$(readlink -f "$0")" && exec "$@"`,
        libbpf,
      ],
    });
    assertEquals(code, 0, stderr);
    for (
      const part of [
        "NotSupportedError",
        "libbpf.so.1, version 1.1 or later, which could not be opened",
        "libbpf1 (Debian, Ubuntu",
        "libbpf (Fedora, Alpine, Arch)",
      ]
    ) {
      assertStringIncludes(stdout, part);
    }
  },
);

testWith(bpfObjects, setpriv)(
  "BpfObject.load() without any capability says so (needs clang, libbpf, setpriv and root)",
  async () => {
    const path = await objectFile("variables");
    for (
      const [permissions, reason] of [
        [
          ["--allow-ffi", "--allow-read"],
          "CAP_BPF (CAP_SYS_ADMIN before Linux 5.8)",
        ],
        [[`--allow-ffi=${libc},${libbpf}`, "--allow-read"], "libbpf is heard"],
      ] as const
    ) {
      const { code, stdout, stderr } = await run(load, {
        permissions: [...permissions],
        args: [path],
        under: withoutCapabilities,
      });
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, "EPERM");
      assertStringIncludes(stdout, reason);
    }
  },
);

objectTest(
  "Importing bpf opens no libbpf, and neither do maps (needs libbpf)",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfMap } from "@hostmem/hostmem/bpf";
      BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 }).close();
      console.log(Deno.readTextFileSync("/proc/self/maps").includes("libbpf"));
    `,
      { permissions: ["-A"] },
    );
    assertEquals([code, stdout, stderr], [0, "false\n", ""]);
  },
);

objectTest(
  "Workers load objects, silently, and end while they do (needs clang and libbpf)",
  async () => {
    const { code, signal, stdout, stderr } = await run(
      `
      import { BpfObject, onLibbpfMessage } from "@hostmem/hostmem/bpf";
      const module = import.meta.resolve("@hostmem/hostmem/bpf");
      const [path, rounds] = Deno.args;
      const code = \`
        import { BpfObject, onLibbpfMessage } from "\${module}";
        onLibbpfMessage(() => postMessage("heard"));
        for (let i = 0;; i++) {
          BpfObject.load("\${path}").close();
          try {
            BpfObject.load("\${path}", { constants: { careless: true } });
          } catch (error) {
            if (error.program !== "lookup") throw error;
          }
          if (i > 0) continue;
          // Not at work before all are.
          const told = new Promise((resolve) => self.onmessage = resolve);
          postMessage("loaded");
          await told;
        }
      \`;
      const url = "data:application/javascript," + encodeURIComponent(code);
      const seen = new Set();
      let heard = 0;
      onLibbpfMessage(() => heard++);
      for (let round = 0; round < rounds; round++) {
        const workers = [0, 1].map(() => new Worker(url, { type: "module" }));
        await Promise.all(workers.map((worker) => new Promise((resolve) => {
          worker.onmessage = ({ data }) => {
            seen.add(data);
            if (data === "loaded") resolve();
          };
        })));
        for (const worker of workers) worker.postMessage("go on");
        for (let i = 0; i < 5; i++) {
          BpfObject.load(path).close();
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        for (const worker of workers) worker.terminate();
      }
      console.log([...seen], heard > 25 * rounds);
      Deno.exit();
    `,
      {
        permissions: ["-A"],
        args: [await objectFile("constants"), `${sized(2, 4)}`],
      },
    );
    assertEquals({ code, signal }, { code: 0, signal: null }, stderr);
    assertEquals(stdout, '[ "loaded" ] true\n');
    assert(!stderr.includes("libbpf"), stderr);
  },
);
