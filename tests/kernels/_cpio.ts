/**
 * Archives as the kernel unpacks them into its first file system: cpio in the
 * "newc" format, see Documentation/driver-api/early-userspace/buffer-format.rst.
 *
 * @module
 */

const DIRECTORY = 0o040000;
const FILE = 0o100000;
const SYMBOLIC_LINK = 0o120000;
const encoder = new TextEncoder();

/** An archive that is written from begin to end. */
export class Cpio implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #names = new Set<string>();

  /** Makes the file, or empties it. */
  constructor(path: string) {
    this.#file = Deno.openSync(path, {
      write: true,
      create: true,
      truncate: true,
    });
  }

  /** Adds a directory, and those that it lies in. */
  directory(name: string): void {
    if (name === "" || this.#names.has(name)) return;
    this.#add(name, DIRECTORY | 0o755, new Uint8Array());
  }

  /** Adds a file. */
  file(name: string, content: Uint8Array | string, mode: number): void {
    const bytes = typeof content === "string"
      ? encoder.encode(content)
      : content;
    this.#add(name, FILE | (mode & 0o7777), bytes);
  }

  /** Adds a symbolic link. */
  link(name: string, target: string): void {
    this.#add(name, SYMBOLIC_LINK | 0o777, encoder.encode(target));
  }

  /**
   * Adds all that lies in a folder of this machine, as `name`, but for what
   * `wanted` refuses: it is given paths inside of the folder, and of a directory
   * before what is in it.
   */
  tree(
    folder: string,
    name: string,
    wanted: (path: string) => boolean = () => true,
    rename: (path: string) => string = (path) => path,
  ): void {
    const walk = (inside: string) => {
      for (const entry of Deno.readDirSync(`${folder}/${inside}`)) {
        const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
        if (!wanted(path)) continue;
        const source = `${folder}/${path}`;
        const place = [name, rename(path)].filter((part) => part !== "")
          .join("/");
        if (entry.isDirectory) {
          this.directory(place);
          walk(path);
        } else if (entry.isSymlink) {
          this.link(place, Deno.readLinkSync(source));
        } else if (entry.isFile) {
          const { mode } = Deno.statSync(source);
          this.file(place, Deno.readFileSync(source), mode ?? 0o644);
        }
      }
    };
    walk("");
  }

  /** Writes the end of the archive. */
  [Symbol.dispose](): void {
    this.#write("TRAILER!!!", 0, new Uint8Array());
    this.#file.close();
  }

  #add(name: string, mode: number, content: Uint8Array): void {
    if (this.#names.has(name)) return;
    this.directory(name.split("/").slice(0, -1).join("/"));
    this.#names.add(name);
    this.#write(name, mode, content);
  }

  #write(name: string, mode: number, content: Uint8Array): void {
    const path = encoder.encode(`${name}\0`);
    const fields = [
      this.#names.size, // inode: one each
      mode,
      0, // user
      0, // group
      1, // links
      0, // time of change
      content.length,
      0, // device: major, minor
      0,
      0, // device that it is: major, minor
      0,
      path.length,
      0, // checksum, which this format has not
    ];
    const header = encoder.encode(
      `070701${
        fields.map((field) => field.toString(16).padStart(8, "0")).join("")
      }`,
    );
    this.#put(header);
    this.#put(path);
    this.#pad(header.length + path.length);
    this.#put(content);
    this.#pad(content.length);
  }

  /** Zeros up to a multiple of four bytes. */
  #pad(length: number): void {
    this.#put(new Uint8Array(-length & 3));
  }

  #put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(bytes.subarray(at));
    }
  }
}
