/** Reads what pahole says of types, and compares layouts with it. */

import { aggregateOf, type AnyType } from "../../layout/model/types.ts";

/** A member as pahole prints it; offsets count from the outermost struct. */
export interface PaholeMember {
  readonly name: string;
  /** In bits. */
  readonly offset: number;
  /** In bytes; of a bit-field, in bits. */
  readonly size: number;
  readonly isBits: boolean;
  /** The members of a struct without a name, written out in place. */
  readonly members: readonly PaholeMember[] | undefined;
}

/** A struct or union as pahole prints it. */
export interface PaholeStruct {
  readonly kind: "struct" | "union";
  readonly name: string;
  /** In bytes; pahole does not tell that of a union. */
  readonly size: number | undefined;
  readonly members: readonly PaholeMember[];
}

/** Runs `pahole -F btf` on a file. */
export async function pahole(
  file: string,
  args: string[] = [],
): Promise<PaholeStruct[]> {
  const { stdout } = await new Deno.Command("pahole", {
    args: ["-F", "btf", ...args, file],
    stdin: "null",
    stderr: "null",
  }).output();
  return parsePahole(new TextDecoder().decode(stdout));
}

const PLACE = /\/\*\s*(\d+)(?::\s*(\d+))?\s+(\d+) \*\/\s*$/;

/** Reads what pahole printed. */
export function parsePahole(text: string): PaholeStruct[] {
  const structs: PaholeStruct[] = [];
  let stack: PaholeMember[][] = [];
  let head: RegExpExecArray | null = null;
  let size = 0; // An empty struct has no line that tells it.
  for (const line of text.split("\n")) {
    const begins = /^(struct|union) (\w+) \{$/.exec(line);
    if (begins !== null) {
      [head, stack, size] = [begins, [[]], 0];
      continue;
    }
    if (head === null) continue;
    if (line.startsWith("}")) {
      const [, kind, name] = head as unknown as [string, "struct", string];
      const told = kind === "struct" ? size : undefined;
      structs.push({ kind, name, size: told, members: stack[0]! });
      head = null;
      continue;
    }
    const trimmed = line.trim();
    if (/^(?:\w+ )*(?:struct|union|enum)(?: \w+)? \{$/.test(trimmed)) {
      stack.push([]);
      continue;
    }
    if (trimmed.startsWith("}")) {
      close(trimmed, stack);
      continue;
    }
    const sized = /^\/\* size: (\d+)/.exec(trimmed);
    if (sized !== null) {
      if (stack.length === 1) size = Number(sized[1]);
      continue;
    }
    const member = memberIn(trimmed, undefined);
    if (member !== undefined) stack.at(-1)!.push(member);
  }
  return structs;
}

/** The end of a struct in a struct: its members, or those of the one around. */
function close(line: string, stack: PaholeMember[][]): void {
  const members = stack.pop()!;
  const member = memberIn(line, members);
  if (member === undefined) return;
  if (member.name === "") stack.at(-1)!.push(...members);
  else stack.at(-1)!.push(member);
}

function memberIn(
  line: string,
  members: readonly PaholeMember[] | undefined,
): PaholeMember | undefined {
  const place = PLACE.exec(line);
  if (place === null || line.startsWith("/*")) return undefined;
  const declaration = line.slice(0, place.index)
    .replace(/__attribute__\(\(.*?\)\)(?=\s*;)/, "").trim().replace(/;$/, "");
  const width = /:(\d+)$/.exec(declaration);
  const name = nameIn(declaration.replace(/:\d+$/, "").trim());
  const [, byte, bit, size] = place;
  return {
    name,
    offset: Number(byte) * 8 + Number(bit ?? 0),
    size: width === null ? Number(size) : Number(width[1]),
    isBits: width !== null,
    members,
  };
}

/** Finds the name that a C declaration declares. */
function nameIn(declaration: string): string {
  const inner = /\(\s*(?:\*\s*|const\s+)+(\w+)[^()]*\)/.exec(declaration);
  if (inner !== null) return inner[1]!;
  return /(\w*)\s*(?:\[\d*\]\s*)*$/.exec(declaration)![1]!;
}

/** Lists where a layout differs from what pahole says, as texts. */
export function differences(
  type: AnyType,
  told: Pick<PaholeStruct, "size" | "members">,
  base = 0,
  path: string = type.name,
): string[] {
  if (type.kind !== "struct" && type.kind !== "union") {
    // An enumeration, or a pointer to a struct without a name.
    if (["enumeration", "bits", "uintptr"].includes(type.kind)) return [];
    return type.kind === "array"
      ? differences(type.element as AnyType, told, base, `${path}[]`)
      : [`${path}: ${type.kind} ${type.name}, pahole has a struct`];
  }
  const found: string[] = [];
  if (told.size !== undefined && told.size !== type.size) {
    found.push(`${path}: size ${type.size}, pahole has ${told.size}`);
  }
  const { members } = aggregateOf(type);
  const own = members.map((member) => {
    const isBits = member.bit !== undefined;
    const size = member.type.kind === "bits"
      ? member.type.width
      : member.type.size;
    const offset = base + (member.bit ?? member.offset * 8);
    return `${member.name} ${offset} ${size} ${isBits}`;
  });
  const theirs = told.members.map(({ name, offset, size, isBits }) =>
    `${name} ${offset} ${size} ${isBits}`
  );
  if (own.join() !== theirs.join()) {
    const index = own.findIndex((text, index) => text !== theirs[index]);
    found.push(
      `${path}: ${own.length} members, pahole has ${theirs.length}; at ${index}: ${
        own[index]
      }, pahole has ${theirs[index]}`,
    );
    return found;
  }
  told.members.forEach((member, index) => {
    if (member.members === undefined) return;
    const { name, type, offset } = members[index]!;
    const element = type.kind === "array" ? type.element : type;
    found.push(
      ...differences(
        type,
        { size: element.size, members: member.members },
        base + offset * 8,
        `${path}.${name}`,
      ),
    );
  });
  return found;
}

/** Counts the members, those written out in place too. */
export function countMembers(members: readonly PaholeMember[]): number {
  return members.reduce(
    (sum, { members: inner }) => sum + 1 + countMembers(inner ?? []),
    0,
  );
}
