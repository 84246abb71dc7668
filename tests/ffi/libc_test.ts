import { assert, assertEquals } from "@std/assert";
import { run } from "../_support.ts";

const triple = `${Deno.build.arch}-linux-gnu`;
const candidates = [
  `/lib/${triple}/libc.so.6`,
  `/usr/lib/${triple}/libc.so.6`,
  "/lib64/libc.so.6",
  "/usr/lib64/libc.so.6",
];

function exists(path: string): boolean {
  try {
    // Not by statx(2), whose paths qemu does not translate.
    Deno.openSync(path).close();
    return true;
  } catch {
    return false;
  }
}

async function outcome(
  program: string,
  permissions: string[],
): Promise<string> {
  const { code, stdout, stderr } = await run(program, { permissions });
  assertEquals(code, 0, stderr);
  return stdout.trim();
}

/** Maps by every way that needs no other permission. */
const use = `
  import { Memory, pageSize } from "./memory/mod.ts";
  import { bpf } from "./ffi/mod.ts";
  function use(): void {
    using memory = Memory.create(pageSize());
    memory.writeAt(new Uint8Array([1]), 0);
    memory.flush();
    using same = Memory.map(memory.fd!, pageSize(), { workers: true });
    const bytes = new Uint8Array(1);
    same.readAt(bytes, 0);
    if (bytes[0] !== 1) throw new Error("not the same");
    // EINVAL or EPERM, by way of the system call itself.
    if (bpf(9999, new Uint8Array(8), 8) >= 0) throw new Error("bpf");
  }
`;

Deno.test("libc is found with all of --allow-ffi", async () => {
  assertEquals(
    await outcome(`${use} use(); console.log("ok");`, ["--allow-ffi"]),
    "ok",
  );
});

const present = candidates.filter(exists);

for (const path of present) {
  Deno.test(`libc is found with --allow-ffi=${path} alone`, async () => {
    const program = `${use} use(); console.log("ok");`;
    assertEquals(await outcome(program, [`--allow-ffi=${path}`]), "ok");
  });
}

Deno.test("libc is found where some of FFI is denied", async () => {
  const program = `${use} use(); console.log("ok");`;
  assertEquals(
    await outcome(program, ["--allow-ffi", "--deny-ffi=/nonexistent.so"]),
    "ok",
  );
});

Deno.test("libc is found among several granted paths", async () => {
  assert(present.length > 0);
  const grant = `--allow-ffi=/nonexistent.so,${present.join(",")}`;
  const program = `${use} use(); console.log("ok");`;
  assertEquals(await outcome(program, [grant]), "ok");
});

for (const grant of ["--allow-ffi", `--allow-ffi=${present[0]}`]) {
  Deno.test(`What was used under ${grant} works after the permission is revoked`, async () => {
    const program = `${use}
      use();
      for (const path of ${JSON.stringify([undefined, ...candidates])}) {
        Deno.permissions.revokeSync(
          path ? { name: "ffi", path } : { name: "ffi" },
        );
      }
      use();
      console.log(Deno.permissions.querySync({ name: "ffi" }).state, "ok");
    `;
    assertEquals(await outcome(program, [grant]), "prompt ok");
  });
}

Deno.test("Without permission the first call throws Deno's own error", async () => {
  const program = `
    import { pageSize } from "./ffi/mod.ts";
    console.log("imported");
    try {
      pageSize();
    } catch (error) {
      console.log(error instanceof Deno.errors.NotCapable, \`\${error}\`);
    }
  `;
  for (const permissions of [[], ["--allow-ffi=/nonexistent.so"]]) {
    assertEquals(
      await outcome(program, permissions),
      'imported\ntrue NotCapable: Requires ffi access to "libc.so.6", run again with the --allow-ffi flag',
    );
  }
});

Deno.test("Any other platform is refused at the first call and not at import", async () => {
  for (
    const [os, arch] of [
      ["darwin", "aarch64"],
      ["windows", "x86_64"],
      ["linux", "riscv64"],
    ]
  ) {
    const program = `
      Object.defineProperty(Deno, "build", {
        value: { ...Deno.build, os: "${os}", arch: "${arch}" },
      });
      const { Memory, pageSize } = await import("./memory/mod.ts");
      for (const call of [pageSize, () => Memory.create(1)]) {
        try {
          call();
        } catch (error) {
          console.log(\`\${error}\`);
        }
      }
    `;
    const message =
      `NotSupportedError: Mapping memory requires Linux on x86-64 or aarch64: this is ${os} ${arch}`;
    assertEquals(
      await outcome(program, ["--allow-ffi"]),
      `${message}\n${message}`,
    );
  }
});
