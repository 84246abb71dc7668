/** TypeScript, formatted as `deno fmt` has it. */

/**
 * The source as `deno fmt` writes it. Where this process was not started by a
 * `deno` that can format (a program of `deno compile`), or may not start one, the
 * source as it is.
 */
export async function formatted(source: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--no-config", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
  try {
    await using child = command.spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(source));
    await writer.close();
    const { success, stdout } = await child.output();
    return success ? new TextDecoder().decode(stdout) : source;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied
    ) return source;
    throw error;
  }
}

/** Writes a source to a file, or where it was not given to standard output. */
export function writeSource(
  source: string,
  file: string | undefined,
  output: { write(text: string): void },
): void {
  if (file === undefined) output.write(source);
  else Deno.writeTextFileSync(file, source);
}
