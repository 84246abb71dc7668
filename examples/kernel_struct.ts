/**
 * Prints a struct or union of the running kernel by its name, much as pahole
 * does: each member with its offset and size in bytes, and the holes. No debug
 * information is needed, nor a header: the kernel describes itself.
 *
 * ```sh
 * npx -y deno@2.9.6 run --allow-ffi --allow-read=/sys/kernel/btf/vmlinux examples/kernel_struct.ts sock_common
 * ```
 *
 * @module
 */

import { Btf, type BtfMember, type BtfStruct } from "@hostmem/hostmem/btf";

/** A place in a struct, in bits from its beginning. */
interface Extent {
  readonly start: number;
  readonly end: number;
}

function extentOf(btf: Btf, member: BtfMember, base: number): Extent {
  const start = base + member.bitOffset;
  const size = member.bitSize ?? btf.layout(member.type).size * 8;
  return { start, end: start + size };
}

/** `offset size`, or for a bit-field `byte: bit size`, as pahole counts them. */
function place(btf: Btf, member: BtfMember, { start, end }: Extent): string {
  const unit = btf.layout(member.type).size;
  if (member.bitSize === undefined) {
    return `${pad(start / 8)} ${pad((end - start) / 8)}`;
  }
  const bit = start % (unit * 8);
  const offset = pad((start - bit) / 8);
  return `${offset}:${String(bit).padStart(2)} ${String(unit).padStart(2)}`;
}

function pad(value: number): string {
  return String(value).padStart(5);
}

/** The struct that a member is, where it has no name and is written out here. */
function unnamedStruct(btf: Btf, member: BtfMember): BtfStruct | undefined {
  const type = btf.type(member.type);
  const isStruct = type.kind === "struct" || type.kind === "union";
  return isStruct && type.name === "" ? type : undefined;
}

function* members(
  btf: Btf,
  struct: BtfStruct,
  base: number,
  indent: string,
): Generator<string> {
  let end = base;
  for (const member of struct.members) {
    const extent = extentOf(btf, member, base);
    if (struct.kind === "struct") yield* hole(end, extent.start, indent);
    end = Math.max(end, extent.end);

    const where = `/* ${place(btf, member, extent)} */`;
    const inner = unnamedStruct(btf, member);
    if (inner === undefined) {
      const bits = member.bitSize === undefined ? "" : `:${member.bitSize}`;
      const text = `${btf.declare(member.type, member.name)}${bits};`;
      yield `${(indent + text).padEnd(56)} ${where}`;
    } else {
      yield `${indent}${inner.kind} {`;
      yield* members(btf, inner, extent.start, `${indent}    `);
      const close = `${indent}}${member.name === "" ? "" : " "}${member.name};`;
      yield `${close.padEnd(56)} ${where}`;
    }
  }
  if (struct.kind === "struct") {
    yield* hole(end, base + struct.size * 8, indent, "padding");
  }
}

/** What lies between two members. */
function* hole(
  from: number,
  to: number,
  indent: string,
  what = "hole",
): Generator<string> {
  if (to <= from) return;
  const bits = (8 - from % 8) % 8;
  const missing = to - from <= bits
    ? `${to - from} bits`
    : [bits && `${bits} bits`, `${(to - from - bits) / 8 | 0} bytes`]
      .filter(Boolean).join(" and ");
  yield `${indent}/* ${missing} ${what} */`;
}

function print(btf: Btf, struct: BtfStruct): void {
  const { size, align } = btf.layout(struct.id);
  console.log(`${struct.kind} ${struct.name} {`);
  for (const line of members(btf, struct, 0, "    ")) console.log(line);
  console.log(
    `\n    /* size: ${size}, align: ${align}, members: ${struct.members.length} */\n};`,
  );
}

const [name] = Deno.args;
if (name === undefined) {
  console.error("Which struct? Pass its name, such as list_head");
  Deno.exit(2);
}
const btf = Btf.kernel();
// Several drivers may have a struct of the same name.
const found = [...btf.findAll(name, "struct"), ...btf.findAll(name, "union")];
for (const struct of found) print(btf, struct);
if (found.length === 0) {
  console.error(`This kernel has no struct or union named ${name}`);
  Deno.exit(1);
}
