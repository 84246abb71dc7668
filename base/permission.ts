/**
 * Asks Deno whether the program may do with a file what it is about to do by
 * way of libc, where Deno cannot see it.
 *
 * @throws {Deno.errors.NotCapable} if it may not.
 */
export function requireAccess(name: "read" | "write", path: string): void {
  let { state } = Deno.permissions.querySync({ name, path });
  if (state === "prompt") {
    ({ state } = Deno.permissions.requestSync({ name, path }));
  }
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(
      `Requires ${name} access to "${path}", run again with the --allow-${name} flag`,
    );
  }
}
