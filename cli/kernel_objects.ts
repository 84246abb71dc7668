/** Facts about BPF objects that bpf(2) does not tell: pins, holders, names. */

import { BpfLink, BpfMap, BpfProgram } from "../bpf/mod.ts";

/** A kind of object that has ids. */
export type ObjectKind = "map" | "program" | "link";

/** A process that holds a descriptor of an object. */
export interface Holder {
  /** Its number. */
  readonly pid: number;
  /** The name of its command (`/proc/<pid>/comm`). */
  readonly comm: string;
}

/** Lists by the kind and id of an object. */
type ByObject<T> = ReadonlyMap<string, readonly T[]>;

/** The pins and holders of objects, at one moment. */
export class Whereabouts {
  readonly #pins: ByObject<string>;
  readonly #holders: ByObject<Holder>;

  /** Reads every mounted bpffs and `/proc`, as far as this process may. */
  constructor() {
    this.#holders = findHolders();
    this.#pins = findPins();
  }

  /** The paths that an object is pinned to. */
  pins(kind: ObjectKind, id: number): readonly string[] {
    return this.#pins.get(`${kind} ${id}`) ?? [];
  }

  /** The processes that hold an object, by ascending number. */
  holders(kind: ObjectKind, id: number): readonly Holder[] {
    return this.#holders.get(`${kind} ${id}`) ?? [];
  }
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** The file's text; undefined where it is gone or must not be read. */
export function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

/** The names in a directory; none where it is gone or must not be read. */
export function namesIn(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The directories that a file system of a type is mounted on, as `proc(5)`. */
export function mountsOf(type: string): string[] {
  const lines = (readText("/proc/self/mountinfo") ?? "").split("\n");
  return lines.flatMap((line) => {
    const [before, after] = line.split(" - ");
    if (after === undefined || after.split(" ")[0] !== type) return [];
    // Blanks and backslashes in paths are octal there.
    return [before!.split(" ")[4]!.replace(
      /\\([0-7]{3})/g,
      (_, digits) => String.fromCharCode(parseInt(digits, 8)),
    )];
  });
}

function findPins(): Map<string, string[]> {
  const pins = new Map<string, string[]>();
  for (const mount of new Set(mountsOf("bpf"))) walk(mount, pins);
  return pins;
}

function walk(directory: string, pins: Map<string, string[]>): void {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(directory)];
  } catch {
    return;
  }
  for (const { name, isDirectory } of entries) {
    const path = `${directory}/${name}`;
    if (isDirectory) walk(path, pins);
    else {
      const key = pinned(path);
      if (key !== undefined) append(pins, key, path);
    }
  }
}

/** The object that is pinned to a path, as kind and id. */
function pinned(path: string): string | undefined {
  // The kernel tells what a pin is only by opening it as that.
  const attempts = [
    ["map", () => BpfMap.open(path, { readOnly: true })],
    ["program", () => BpfProgram.open(path)],
    ["link", () => BpfLink.open(path)],
  ] as const;
  for (const [kind, open] of attempts) {
    try {
      using object = open();
      return `${kind} ${object.info.id}`;
    } catch {
      // Another kind, or nothing that this process may open.
    }
  }
  return undefined;
}

/** The lines of a descriptor's information that name an object, most telling first. */
const ID_LINES: readonly (readonly [line: string, ObjectKind])[] = [
  // The descriptor of a link names its program, too.
  ["link_id", "link"],
  ["map_id", "map"],
  ["prog_id", "program"],
];

/** Descriptors of BPF objects, as `/proc/<pid>/fd` names them. */
const BPF_DESCRIPTOR = /^anon_inode:\[?(bpf-map|bpf-prog|bpf[-_]link)/;

function findHolders(): Map<string, Holder[]> {
  const holders = new Map<string, Holder[]>();
  const pids = namesIn("/proc").filter((name) => /^\d+$/.test(name))
    .map(Number).sort((a, b) => a - b);
  for (const pid of pids) {
    const held = new Set(
      namesIn(`/proc/${pid}/fd`).flatMap((fd) => objectOf(pid, fd)),
    );
    if (held.size === 0) continue;
    const comm = readText(`/proc/${pid}/comm`)?.trimEnd() ?? "";
    for (const key of held) append(holders, key, { pid, comm });
  }
  return holders;
}

/** The object that a descriptor of a process is of, as a list of one or none. */
function objectOf(pid: number, fd: string): string[] {
  let target: string;
  try {
    target = Deno.readLinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return [];
  }
  if (!BPF_DESCRIPTOR.test(target)) return [];
  const fields = fieldsOf(readText(`/proc/${pid}/fdinfo/${fd}`) ?? "");
  for (const [line, kind] of ID_LINES) {
    const id = fields.get(line);
    if (id !== undefined) return [`${kind} ${id}`];
  }
  return [];
}

/** The lines `name: value` of a file in `/proc`. */
export function fieldsOf(text: string): Map<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^([\w.-]+):\s*(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value!] as const];
    }),
  );
}

/**
 * The fields that `/proc` has of a descriptor of this process; none where it
 * must not be read.
 */
export function descriptorFields(fd: number): Map<string, string> {
  return fieldsOf(readText(`/proc/self/fdinfo/${fd}`) ?? "");
}

/** The path of a control group by its number, below where cgroup2 is mounted. */
export function cgroupPath(id: bigint): string | undefined {
  if (id === 0n) return undefined;
  for (const mount of mountsOf("cgroup2")) {
    const path = findInode(mount, id);
    if (path !== undefined) return path;
  }
  return undefined;
}

function findInode(directory: string, inode: bigint): string | undefined {
  try {
    if (BigInt(Deno.statSync(directory).ino ?? 0) === inode) return directory;
    for (const { name, isDirectory } of Deno.readDirSync(directory)) {
      if (!isDirectory) continue;
      const found = findInode(`${directory}/${name}`, inode);
      if (found !== undefined) return found;
    }
  } catch {
    // It went away meanwhile, or must not be read.
  }
  return undefined;
}
