/** Tokens in user namespaces, whose processes have no capability outside. */

import { assertEquals, assertThrows } from "@std/assert";
import { BpfMap, BpfObject, BpfToken } from "../../bpf/mod.ts";
import {
  bpfMounts,
  bpfObjects,
  clang,
  compilerOfC,
  libbpfBefore,
  libbpfSince,
  restriction,
  testWith,
  tokens,
} from "../_needs.ts";
import { compileC, run, TemporaryDirectory } from "../_support.ts";
import { objectFile } from "./_objects.ts";

const prelude = `
  import { BpfMap, BpfObject, BpfToken, SystemError } from "./bpf/mod.ts";
  import { atomic, HostLayout, struct, u64 } from "./layout/mod.ts";
  const [path, object] = Deno.args;
  function codeOf(use: () => unknown): string {
    try {
      use();
    } catch (error) {
      return error instanceof SystemError ? error.code : String(error);
    }
    return "nothing";
  }
`;

const compiled = new TemporaryDirectory();
addEventListener("unload", () => compiled[Symbol.dispose]());
let delegate: Promise<string> | undefined;

function compileDelegate(): Promise<string> {
  const source = new URL("_delegate.c", import.meta.url);
  return compileC(source, compiled, ["-Wall", "-Werror"]);
}

/** Runs a program as root of a namespace with a BPF file system of its own. */
async function inNamespace(
  program: string,
  { delegates = "any", args = [] as string[], permissions = ["-A"] } = {},
): Promise<string> {
  using directory = new TemporaryDirectory();
  delegate ??= compileDelegate();
  const { stdout, stderr, code } = await run(prelude + program, {
    under: [await delegate, directory.path, delegates],
    args: [directory.path, ...args],
    permissions,
  });
  assertEquals(code, 0, stderr);
  return stdout;
}

testWith(tokens, compilerOfC, restriction)(
  "A token makes maps where the process has no CAP_BPF, and they work without it",
  async () => {
    const stdout = await inNamespace(`
      const Stats = struct("Stats", { _: HostLayout, hits: atomic(u64) });
      const options = {
        type: "array",
        valueType: Stats,
        maxEntries: 4,
        flags: ["mmapable"],
      } as const;
      console.log(codeOf(() => BpfMap.create(options)));
      const token = BpfToken.create(path);
      const map = BpfMap.create({ ...options, token });
      using hash = BpfMap.create({
        type: "hash",
        valueSize: 8,
        maxEntries: 4,
        token,
      });
      token.close();
      map.pointer(1).hits.add(5n);
      hash.update(7, new Uint8Array(8));
      console.log(map.table().get(1), [...map.table().keys()].length);
      console.log([...hash.keyBytes()].length, map.valueType !== undefined);
      console.log(token, token.closed, codeOf(() => BpfMap.create({
        ...options,
        token,
      })));
    `);
    assertEquals(
      stdout.replaceAll(/"\/.*?"/g, "path"),
      `EPERM
{ hits: 5n } 4
1 true
BpfToken { path, closed } true ClosedError: The BPF token is closed
`,
    );
  },
);

testWith(tokens, compilerOfC, restriction)(
  "A token tells what it allows, and refuses the rest",
  async () => {
    // Bits 0 and 2: the command that makes maps, arrays, kprobes.
    const stdout = await inNamespace(
      `
      using token = BpfToken.create(path);
      const { info } = token;
      const make = (type: "array" | "hash") =>
        codeOf(() => BpfMap.create({ type, valueSize: 8, maxEntries: 1, token }));
      const said = info !== undefined &&
        info.maps.join() === "array" && info.programs.join() === "kprobe" &&
          info.commandBits === 5n && info.attachBits === 5n;
      console.log(said, make("array"), make("hash"));
      try {
        BpfMap.create({ type: "hash", valueSize: 8, maxEntries: 1, token });
      } catch (error) {
        console.log(String(error).split(": ").at(-1));
      }
    `,
      { delegates: "0x5" },
    );
    assertEquals(
      stdout,
      "true nothing EPERM\nthe token may not allow BPF_MAP_CREATE or this type of map; token.info tells\n",
    );
  },
);

testWith(tokens, compilerOfC)(
  "Without anything delegated there is no token, and the error says so",
  async () => {
    const stdout = await inNamespace(
      `
      try {
        BpfToken.create(path);
      } catch (error) {
        console.log(String(error));
      }
    `,
      { delegates: "" },
    );
    assertEquals(
      stdout.replaceAll(/"\/.*?"/g, "path"),
      "SystemError: bpf(BPF_TOKEN_CREATE) failed with ENOENT (no such file or directory): the path is path; the file system delegates nothing: it must be mounted with delegate_cmds, delegate_maps and their like\n",
    );
  },
);

testWith(tokens, compilerOfC)(
  "A token takes permission to read the path",
  async () => {
    const stdout = await inNamespace(
      `console.log(codeOf(() => BpfToken.create(path)).split(":")[0]);`,
      { permissions: ["--allow-ffi"] },
    );
    assertEquals(stdout, "NotCapable\n");
  },
);

testWith(tokens, bpfMounts)(
  "Outside of a user namespace there are no tokens, nor of what is no BPF file system",
  async () => {
    using directory = new TemporaryDirectory();
    const { stdout, stderr } = await run(
      `${prelude}
      console.log(codeOf(() => BpfToken.create(Deno.args[0])));
      console.log(codeOf(() => BpfToken.create("/proc")));
      console.log(codeOf(() => BpfToken.create("/nowhere")));
      console.log(codeOf(() => BpfToken.create("/etc/passwd")));
    `,
      {
        permissions: ["-A"],
        under: [
          ..."unshare --mount sh -c".split(" "),
          `mount -t bpf -o delegate_maps=any none "${directory.path}"; exec "$0" "$@"`,
        ],
        args: [directory.path],
      },
    );
    assertEquals(stdout, "EOPNOTSUPP\nEINVAL\nENOENT\nEINVAL\n", stderr);
  },
);

testWith(tokens, compilerOfC, restriction, bpfObjects, clang, libbpfSince(4))(
  "An object is loaded with a token, and its program runs (needs clang and libbpf 1.4)",
  async () => {
    const object = await objectFile("variables");
    const stdout = await inNamespace(
      `
      // By itself libbpf would make one of /sys/fs/bpf alone.
      console.log(codeOf(() => BpfObject.load(object)));
      using token = BpfToken.create(path);
      using loaded = BpfObject.load(object, { token });
      const data = new Uint8Array(64);
      loaded.program("count").run({ data, repeat: 3 });
      console.log(loaded.variable("hits").get());
    `,
      { args: [object] },
    );
    assertEquals(stdout, "EPERM\n3n\n");
  },
);

testWith(tokens, compilerOfC, bpfObjects, clang, libbpfBefore(4))(
  "An object loaded with a token says which libbpf that takes (needs clang and libbpf)",
  async () => {
    const object = await objectFile("variables");
    const stdout = await inNamespace(
      `
      using token = BpfToken.create(path);
      console.log(codeOf(() => BpfObject.load(object, { token })));
      token.close();
      console.log(codeOf(() => BpfObject.load(object, { token })));
    `,
      { args: [object] },
    );
    assertEquals(
      stdout.replace(/1\.\d+,/, "1.x,"),
      "NotSupportedError: Cannot load with a token: this libbpf, 1.x, takes none; that takes libbpf 1.4\nClosedError: The BPF token is closed\n",
    );
  },
);

Deno.test("What is no token is refused before the kernel is asked", () => {
  const options = { type: "array", valueSize: 8, maxEntries: 1 } as const;
  for (const token of [{ fd: 5 }, 5, null, Object.create(BpfToken.prototype)]) {
    assertThrows(
      () => BpfMap.create({ ...options, token: token as never }),
      TypeError,
      "Token must be a BpfToken: received",
    );
    assertThrows(
      () => BpfObject.load(new Uint8Array(), { token: token as never }),
      TypeError,
      "Token must be a BpfToken: received",
    );
  }
  assertThrows(() => BpfToken.create(5 as never), TypeError, "Path must be");
});
