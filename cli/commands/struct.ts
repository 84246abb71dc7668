/** `hostmem struct`: a struct as C declares it, with offsets, sizes and holes. */

import type { Btf, BtfMember, BtfStruct } from "../../btf/mod.ts";
import type { Command } from "../command.ts";
import { printable } from "../output.ts";
import { btfOf, MODULE_OPTION } from "../sources.ts";

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
function placeText(
  btf: Btf,
  member: BtfMember,
  { start, end }: Extent,
): string {
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

const INDENT = "    ";
const COMMENT_COLUMN = 56;

function* memberLines(
  btf: Btf,
  struct: BtfStruct,
  base: number,
  indent: string,
): Generator<string> {
  let end = base;
  for (const member of struct.members) {
    const extent = extentOf(btf, member, base);
    if (struct.kind === "struct") {
      yield* holeLines(end, extent.start, indent, "hole");
    }
    end = Math.max(end, extent.end);
    const place = `/* ${placeText(btf, member, extent)} */`;
    const inner = unnamedStruct(btf, member);
    if (inner === undefined) {
      const bits = member.bitSize === undefined ? "" : `:${member.bitSize}`;
      const text = `${btf.declare(member.type, member.name)}${bits};`;
      yield `${(indent + text).padEnd(COMMENT_COLUMN)} ${place}`;
    } else {
      yield `${indent}${inner.kind} {`;
      yield* memberLines(btf, inner, extent.start, indent + INDENT);
      const close = `${indent}}${member.name === "" ? "" : " "}${member.name};`;
      yield `${close.padEnd(COMMENT_COLUMN)} ${place}`;
    }
  }
  if (struct.kind === "struct") {
    yield* holeLines(end, base + struct.size * 8, indent, "padding");
  }
}

/** A comment on what lies between two members. */
function* holeLines(
  from: number,
  to: number,
  indent: string,
  what: "hole" | "padding",
): Generator<string> {
  if (to <= from) return;
  const bits = Math.min((8 - from % 8) % 8, to - from);
  const bytes = Math.floor((to - from - bits) / 8);
  const missing = [
    ...bits > 0 ? [`${bits} bits`] : [],
    ...bytes > 0 ? [`${bytes} bytes`] : [],
  ].join(" and ");
  yield `${indent}/* ${missing} ${what} */`;
}

/** A struct or union as C declares it, as lines. */
function* structLines(btf: Btf, struct: BtfStruct): Generator<string> {
  const { size, align } = btf.layout(struct.id);
  yield `${struct.kind} ${struct.name} {`;
  yield* memberLines(btf, struct, 0, INDENT);
  yield "";
  yield `${INDENT}/* size: ${size}, align: ${align}, members: ${struct.members.length} */`;
  yield "};";
}

/** An enumeration as C declares it, as lines. */
function* enumLines(
  { name, size, members }: {
    readonly name: string;
    readonly size: number;
    readonly members: readonly {
      readonly name: string;
      readonly value: number | bigint;
    }[];
  },
): Generator<string> {
  yield `enum ${name} {`;
  for (const member of members) {
    yield `${INDENT}${member.name} = ${member.value},`;
  }
  yield "";
  yield `${INDENT}/* size: ${size}, members: ${members.length} */`;
  yield "};";
}

/** Every type of a name that C declares with braces, as lines. */
function* declarationLines(btf: Btf, name: string): Generator<string> {
  for (const type of btf.findAll(name)) {
    switch (type.kind) {
      case "struct":
      case "union":
        yield* structLines(btf, type);
        break;
      case "enum":
      case "enum64":
        yield* enumLines(type);
        break;
      case "typedef":
        yield `typedef ${btf.declare(type.type, type.name)};`;
    }
  }
}

/** The command. */
export const struct: Command = {
  name: "struct",
  parameters: "<name> [file]",
  summary: "Print a struct, union, enumeration or typedef as C declares it",
  details:
    "Each member has its offset and size in bytes beside it, as pahole(1) shows it.\n" +
    "The file is BTF, or an ELF file that has it: an object of clang -target bpf -g,\n" +
    "a program of gcc -gbtf or one that pahole -J was run on. Without a file,\n" +
    "the type is one of the running kernel.",
  examples: [
    "struct task_struct",
    "struct nf_conn --module nf_conntrack",
    "struct config ./server",
  ],
  options: { module: MODULE_OPTION },
  count: [1, 2],
  run(given, output) {
    const [name, file] = given.names;
    const btf = btfOf(file, given);
    const lines = [...declarationLines(btf, name!)];
    if (lines.length === 0) {
      throw new RangeError(
        `There is no struct, union, enumeration or typedef named ${
          JSON.stringify(name)
        }`,
      );
    }
    output.lines(lines.map(printable));
  },
};
