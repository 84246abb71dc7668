/**
 * The image that a guest boots: a kernel, and its first file system, all that
 * it has. It is put together in about a second, and so anew for each run.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { repository, type TemporaryDirectory } from "../_support.ts";
import { Cpio } from "./_cpio.ts";
import { command, Impossible } from "./_command.ts";
import { Debian } from "./_debian.ts";
import type { Kernel } from "./_kernels.ts";
import { modules } from "./_modules.ts";
import { compileAll } from "./_objects.ts";

/** Debian's packages of the guest. */
const packages = [
  "bash",
  "bpftool",
  "busybox-static",
  "iproute2",
  "libbpf1",
  "libc-bin",
  "libc6",
  "libgcc-s1",
  "mount",
  "util-linux",
  // To compile with, here: these are the headers of that architecture.
  "libbpf-dev",
  "linux-libc-dev",
];

/** The files of those packages that no test asks for. */
const unneeded = [
  /^usr\/(share|include|lib\/(perl|gcc|apt|systemd|tmpfiles|udev))/,
  /^usr\/lib\/[^/]*\/(gconv|perl-base|security|krb5|engines-3|ossl-modules)$/,
  /\.(a|o|pc)$/,
  /^(var|boot|etc\/(init|cron|pam|systemd))/,
];

/** Modules that the tests use, and some that have BTF of their own. */
const wantedModules = [
  "veth",
  "nf_conntrack",
  "overlay",
  "sch_ingress",
  "cls_bpf",
];

/** A kernel and the archive that it unpacks. */
export interface Image {
  /** The kernel's version, as `uname -r` prints it. */
  readonly release: string;
  /** The path of the kernel. */
  readonly kernel: string;
  /** The path of the archive. */
  readonly archive: string;
}

/** Files of one run, which are also what the guest finds at the same paths. */
export interface Contents {
  /** A script of the shell, which {@linkcode init.sh} runs. */
  readonly script: string;
  /** The folder of Deno's cache, with all that the tests import. */
  readonly denoDir: string;
}

/** Folders of the repository in which nothing is that a test reads. */
const left = new Set([".git", "coverage", "node_modules", "bench", "docs"]);

/** Fetches what is missing, compiles, and puts an image together. */
export async function makeImage(
  kernel: Kernel,
  cache: string,
  directory: TemporaryDirectory,
  { script, denoDir }: Contents,
): Promise<Image> {
  const debian = new Debian(kernel.debian, kernel.suite, cache);
  const unpacked = await debian.newest(
    `linux-${kernel.series}`,
    kernel.packageName,
  );
  const system = await debian.withDependencies("system", packages);
  const deno = await fetchDeno(kernel, cache);
  const objects = await compileAll(kernel, system, directory);
  const release = releaseIn(unpacked);
  const archive = directory.join(`${kernel.name}.cpio`);
  using cpio = new Cpio(archive);
  for (const folder of ["bin", "sbin", "lib", "lib64"]) {
    cpio.link(folder, `usr/${folder}`);
  }
  cpio.tree(
    system,
    "",
    (path) => !unneeded.some((pattern) => pattern.test(path)),
    // Packages of Debian 12 have files in /bin and /lib, which are links.
    (path) => path.replace(/^(bin|sbin|lib|lib64)(?=\/|$)/, "usr/$1"),
  );
  cpio.file("init", Deno.readFileSync(here("init.sh")), 0o755);
  cpio.file("run.sh", script, 0o644);
  cpio.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644);
  cpio.file("etc/group", "root:x:0:\n", 0o644);
  cpio.directory("root");
  // Where libbpf looks for the kernel's configuration.
  const config = `boot/config-${release}`;
  cpio.file(config, Deno.readFileSync(`${unpacked}/${config}`), 0o644);
  const order: string[] = [];
  for (const { name, content } of await modules(unpacked, wantedModules)) {
    order.push(name);
    cpio.file(`modules/${name}.ko`, content, 0o644);
  }
  cpio.file("modules/order", order.join("\n"), 0o644);
  cpio.file("usr/bin/deno", Deno.readFileSync(deno), 0o755);
  cpio.tree(objects, "objects");
  cpio.tree(
    repository,
    repository.slice(1),
    (path) => !left.has(path) && !path.startsWith(".run-"),
  );
  cpio.tree(denoDir, "deno", (path) => !/-(wal|shm)$/.test(path));
  return {
    release,
    kernel: `${unpacked}/boot/vmlinuz-${release}`,
    archive,
  };
}

function here(name: string): URL {
  return new URL(`./${name}`, import.meta.url);
}

/** The version of an unpacked kernel: the name of the folder of its modules. */
function releaseIn(unpacked: string): string {
  // Debian 12 has /lib, of which Debian 13 has made a link to /usr/lib.
  const folder = [`${unpacked}/lib/modules`, `${unpacked}/usr/lib/modules`]
    .find((folder) => existsSync(folder))!;
  return Array.from(Deno.readDirSync(folder)).map(({ name }) => name)[0]!;
}

/** The path of this Deno, for the guest's processor, which npm has. */
async function fetchDeno(kernel: Kernel, cache: string): Promise<string> {
  const name = `@deno/linux-${kernel.deno}-glibc`;
  const version = Deno.version.deno;
  const denoDir = `${cache}/npm`;
  try {
    await command(
      Deno.execPath(),
      ["cache", "--no-config", "--no-lock", `npm:${name}@${version}`],
      { env: { DENO_DIR: denoDir } },
    );
  } catch (error) {
    throw new Impossible((error as Error).message, { cause: error });
  }
  return `${denoDir}/npm/registry.npmjs.org/${name}/${version}/deno`;
}
