/** The files of programs and libraries that probes are put into. */

import { normalize } from "node:path";
import {
  check,
  closeDescriptor,
  EACCES,
  ENOENT,
  O_NONBLOCK,
  O_RDONLY,
  openFile,
  pathOfDescriptor,
  systemError,
} from "../../../../ffi/mod.ts";
import { pathOf } from "../../../../base/path.ts";
import { requireAccess } from "../../../../base/permission.ts";

/** Architectures as Debian names the folders of their libraries. */
const multiarch: Record<string, string> = {
  "x86_64": "x86_64-linux-gnu",
  aarch64: "aarch64-linux-gnu",
};

/** The folders in which a library is looked for, as the dynamic linker does. */
function libraryFolders(): string[] {
  const own = multiarch[Deno.build.arch];
  return [
    ...["/lib64", "/usr/lib64"],
    ...(own === undefined ? [] : [`/lib/${own}`, `/usr/lib/${own}`]),
    ...["/lib", "/usr/lib", "/usr/local/lib"],
  ];
}

/** The folders in which a program is looked for. */
const programFolders = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
];

/** Tells whether a path is of a file that can be opened. */
function isThere(path: string): boolean {
  const fd = openFile(path, O_RDONLY | O_NONBLOCK);
  if (fd >= 0) closeDescriptor(fd);
  return fd >= 0;
}

/** The path of a file without links, or the negative reason why it has none. */
function realPath(path: string): string | number {
  const fd = openFile(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return fd;
  try {
    return pathOfDescriptor(fd) ?? path;
  } finally {
    closeDescriptor(fd);
  }
}

/**
 * Finds the file that a caller means, and asks for permission to read it: the
 * file that will be read, and no other.
 *
 * @param path A path, a `file:` URL, or a name without `/`: of a file in the
 * working directory, or else of a library or program of the system.
 * @returns An absolute path, which the caller may read.
 * @throws {TypeError} if it is not a path.
 * @throws {SystemError} with ENOENT, if there is no such file.
 * @throws {Deno.errors.NotCapable} without permission to read it.
 */
export function programFile(path: unknown): string {
  const given = pathOf(path);
  const found = find(given);
  const real = found === undefined ? -ENOENT : realPath(found);
  if (typeof real !== "string" || found === undefined) {
    requireAccess("read", given);
    const errno = typeof real === "number" ? -real : ENOENT;
    throw systemError(errno, "open", causes[errno]?.(given));
  }
  const { state } = Deno.permissions.querySync({ name: "read", path: found });
  if (state === "granted") return found;
  requireAccess("read", real);
  return real;
}

const causes: Readonly<Record<number, (path: string) => string>> = {
  [ENOENT]: (path) => `there is no file "${path}"`,
  [EACCES]: (path) => `"${path}" may not be read`,
};

/** The absolute path that is meant; undefined if there is no such file. */
function find(path: string): string | undefined {
  if (path.startsWith("/")) return path;
  const here = normalize(`${workingDirectory()}/${path}`);
  if (path.includes("/") || isThere(here)) return here;
  const folders = /\.so(\.|$)/.test(path) ? libraryFolders() : programFolders;
  return folders.map((folder) => `${folder}/${path}`).find(isThere);
}

/** The working directory, of which Deno tells only those who may read it. */
function workingDirectory(): string {
  const fd = check(openFile(".", O_RDONLY), "open");
  try {
    return pathOfDescriptor(fd) ?? ".";
  } finally {
    closeDescriptor(fd);
  }
}
