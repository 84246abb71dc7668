/**
 * Debian's packages of a machine that need not be this one: fetched by an apt
 * with a state of its own and unpacked, never installed.
 *
 * @module
 */

import { command, Impossible } from "./_command.ts";

/** For so long an unpacked folder is taken for the newest there is. */
const FRESH = 7 * 24 * 3600 * 1000;

/** A release of Debian, by the name of its suite: Debian 12, and 13. */
export type Suite = "bookworm" | "trixie";

const MIRROR = "http://deb.debian.org/debian/";
const KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The packages of one release for one architecture, in Debian's word for it. */
export class Debian {
  readonly #architecture: string;
  readonly #suite: Suite;
  readonly #folder: string;
  #listed: Promise<void> | undefined;

  /** Keeps everything in a folder of its own below `cache`. */
  constructor(architecture: "amd64" | "arm64", suite: Suite, cache: string) {
    this.#architecture = architecture;
    this.#suite = suite;
    this.#folder = `${cache}/${suite}/${architecture}`;
  }

  /** A folder with packages, and those that they depend on, unpacked. */
  withDependencies(name: string, packages: readonly string[]): Promise<string> {
    return this.#unpacked(name, packages.join(" "), async (folder) => {
      const archives = `${folder}/archives`;
      Deno.mkdirSync(`${archives}/partial`, { recursive: true });
      await this.#apt(
        "apt-get",
        `-o`,
        `Dir::Cache::Archives=${archives}`,
        "--yes",
        "--download-only",
        "--no-install-recommends",
        "install",
        ...packages,
      );
      return archives;
    });
  }

  /** A folder with the newest package whose name matches, unpacked alone. */
  newest(name: string, pattern: string): Promise<string> {
    return this.#unpacked(name, pattern, async (folder) => {
      const found = await this.#apt(
        "apt-cache",
        "search",
        "--names-only",
        pattern,
      );
      const names = found.split("\n").filter((line) => line !== "")
        .map((line) => line.split(" ")[0]!)
        .sort(byVersion);
      const last = names.at(-1);
      if (last === undefined) {
        throw new Impossible(
          `apt knows no package for ${this.#architecture} whose name matches ${pattern}`,
        );
      }
      const archives = `${folder}/archives`;
      Deno.mkdirSync(archives);
      await this.#apt("apt-get", { cwd: archives }, "download", last);
      return archives;
    });
  }

  /**
   * A folder that is made whole or not at all. One that has been kept for long
   * is made anew, unless that fails.
   */
  async #unpacked(
    name: string,
    made: string,
    fetch: (folder: string) => Promise<string>,
  ): Promise<string> {
    const folder = `${this.#folder}/${name}`;
    const mark = `${folder}/made-of`;
    const kept = readOrUndefined(mark) === made;
    if (kept && Date.now() - Deno.statSync(mark).mtime!.getTime() < FRESH) {
      return `${folder}/root`;
    }
    try {
      await (this.#listed ??= this.#list());
      const part = `${folder}.part`;
      removeIfThere(part);
      Deno.mkdirSync(`${part}/root`, { recursive: true });
      const archives = await fetch(part);
      const files = Array.from(Deno.readDirSync(archives))
        .map(({ name }) => name).filter((name) => name.endsWith(".deb"));
      console.log(
        `-- ${this.#suite} ${this.#architecture}: ${
          files.length === 1 ? files[0] : `${files.length} packages`
        }`,
      );
      for (const name of files) {
        await command("dpkg-deb", [
          "--extract",
          `${archives}/${name}`,
          `${part}/root`,
        ]);
      }
      Deno.removeSync(archives, { recursive: true });
      Deno.writeTextFileSync(`${part}/made-of`, made);
      removeIfThere(folder);
      Deno.renameSync(part, folder);
    } catch (error) {
      if (!kept) throw error;
      console.log(
        `-- ${folder} stays what it is: ${(error as Error).message}`,
      );
    }
    return `${folder}/root`;
  }

  /** Asks which packages there are. */
  async #list(): Promise<void> {
    Deno.mkdirSync(`${this.#folder}/lists/partial`, { recursive: true });
    // As though nothing were installed.
    Deno.writeTextFileSync(`${this.#folder}/status`, "");
    Deno.writeTextFileSync(
      `${this.#folder}/sources.list`,
      `deb [signed-by=${KEYS}] ${await mirror()} ${this.#suite} main\n`,
    );
    await this.#apt("apt-get", "update");
  }

  async #apt(
    name: "apt-get" | "apt-cache",
    ...given: (string | { cwd: string })[]
  ): Promise<string> {
    const settings = {
      "APT::Architecture": this.#architecture,
      "APT::Architectures": this.#architecture,
      "APT::Sandbox::User": "",
      "Dir::State": this.#folder,
      "Dir::State::Lists": `${this.#folder}/lists`,
      "Dir::State::status": `${this.#folder}/status`,
      "Dir::Cache": this.#folder,
      "Dir::Etc::SourceList": `${this.#folder}/sources.list`,
      "Dir::Etc::SourceParts": "/dev/null",
    };
    const args = given.filter((one) => typeof one === "string");
    const options = given.find((one) => typeof one !== "string");
    try {
      return await command(name, [
        "-qq",
        ...Object.entries(settings).flatMap((
          [key, value],
        ) => ["-o", `${key}=${value}`]),
        ...args,
      ], options);
    } catch (error) {
      throw new Impossible((error as Error).message, { cause: error });
    }
  }
}

/** The mirror of Debian that this machine uses, if it uses one. */
async function mirror(): Promise<string> {
  const targets = await command("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI)",
    "Created-By: Packages",
    "Label: Debian",
  ]);
  return targets.split("\n").find((line) => line !== "") ?? MIRROR;
}

/** The numbers in names that are otherwise the same. */
function byVersion(one: string, other: string): number {
  const numbers = (name: string) => name.match(/\d+/g)!.map(Number);
  const [first, second] = [numbers(one), numbers(other)];
  const at = first.findIndex((number, i) => number !== second[i]);
  return at < 0 ? 0 : first[at]! - (second[at] ?? 0);
}

function readOrUndefined(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
