/** Programs and libraries that work with BPF wants. */

import { libbpfVersion } from "../../bpf/mod.ts";
import { type Finding, limited, missing, ok } from "./check.ts";

function libbpf(): Finding {
  try {
    return ok("libbpf", `version ${libbpfVersion()}`);
  } catch (error) {
    return missing(
      "libbpf",
      (error as Error).message,
      "BpfObject.load wants it: apt install libbpf1, dnf install libbpf, apk add libbpf or pacman -S libbpf",
    );
  }
}

/** The first line that a command says of its version; undefined without it. */
function versionOf(command: string): string | undefined {
  try {
    const { stdout } = new Deno.Command(command, { args: ["--version"] })
      .outputSync();
    return new TextDecoder().decode(stdout).split("\n")[0]!.trim();
  } catch {
    return undefined;
  }
}

function command(name: string, use: string, packages: string): Finding {
  const version = versionOf(name);
  return version === undefined
    ? limited(name, "not found", `${use}: ${packages}`)
    : ok(name, version);
}

const HEADER_FOLDERS = ["/usr/include", "/usr/local/include"];

function headers(): Finding {
  const folder = HEADER_FOLDERS.find((path) => {
    try {
      return Deno.statSync(`${path}/bpf/bpf_helpers.h`).isFile;
    } catch {
      return false;
    }
  });
  return folder === undefined
    ? limited(
      "headers",
      "bpf/bpf_helpers.h not found",
      "to compile programs: apt install libbpf-dev or dnf install libbpf-devel",
    )
    : ok("headers", `${folder}/bpf`);
}

/** The findings about installed tools. */
export function toolFindings(): Finding[] {
  return [
    libbpf(),
    command("clang", "to compile programs", "apt install clang"),
    headers(),
    command(
      "bpftool",
      "to write vmlinux.h",
      "apt install bpftool or linux-tools-common",
    ),
  ];
}
