/** Makes data of the words of a type. */

import { BtfError } from "../../errors.ts";
import { countIn, flagIn, KIND, kindIn, type TypeTable } from "./type_table.ts";
import type {
  BtfFuncProto,
  BtfInt,
  BtfLinkage,
  BtfMember,
  BtfStruct,
  BtfType,
} from "../types.ts";

const VOID: BtfType = Object.freeze({ kind: "void", id: 0, name: "" });

/**
 * A type as data.
 *
 * @param tables The table to look in.
 * @param id The id of a type, which exists.
 * @throws {BtfError} if it names types or names that do not exist.
 */
export function decode(tables: TypeTable, id: number): BtfType {
  if (id === 0) return VOID;
  const table = tables.ownerOf(id);
  const at = table.startOf(id);
  const info = table.word(at + 1);
  const name = table.nameAt(at);
  switch (kindIn(info)) {
    case KIND.int:
      return decodeInt(table, at, id, name);
    case KIND.ptr:
      return { kind: "ptr", id, name, type: table.idAt(at + 2) };
    case KIND.array:
      return {
        kind: "array",
        id,
        name,
        element: table.idAt(at + 3),
        index: table.idAt(at + 4),
        length: table.word(at + 5),
      };
    case KIND.struct:
      return decodeStruct("struct", table, at, id, name);
    case KIND.union:
      return decodeStruct("union", table, at, id, name);
    case KIND.enum:
      return {
        kind: "enum",
        id,
        name,
        size: table.word(at + 2),
        signed: flagIn(info),
        members: list(at + 3, 2, countIn(info), (member) => ({
          name: table.nameAt(member),
          value: flagIn(info)
            ? table.word(member + 1) | 0
            : table.word(member + 1),
        })),
      };
    case KIND.enum64:
      return {
        kind: "enum64",
        id,
        name,
        size: table.word(at + 2),
        signed: flagIn(info),
        members: list(at + 3, 3, countIn(info), (member) => ({
          name: table.nameAt(member),
          value: wide(
            table.word(member + 1),
            table.word(member + 2),
            flagIn(info),
          ),
        })),
      };
    case KIND.fwd:
      return { kind: "fwd", id, name, union: flagIn(info) };
    case KIND.typedef:
      return { kind: "typedef", id, name, type: table.idAt(at + 2) };
    case KIND.volatile:
      return { kind: "volatile", id, name, type: table.idAt(at + 2) };
    case KIND.const:
      return { kind: "const", id, name, type: table.idAt(at + 2) };
    case KIND.restrict:
      return { kind: "restrict", id, name, type: table.idAt(at + 2) };
    case KIND.type_tag:
      return { kind: "type_tag", id, name, type: table.idAt(at + 2) };
    case KIND.func:
      return {
        kind: "func",
        id,
        name,
        type: table.idAt(at + 2),
        linkage: linkageOf(countIn(info)),
      };
    case KIND.func_proto:
      return decodePrototype(table, at, id, name);
    case KIND.var:
      return {
        kind: "var",
        id,
        name,
        type: table.idAt(at + 2),
        linkage: linkageOf(table.word(at + 3)),
      };
    case KIND.datasec:
      return {
        kind: "datasec",
        id,
        name,
        size: table.word(at + 2),
        variables: list(at + 3, 3, countIn(info), (variable) => ({
          type: table.idAt(variable),
          offset: table.word(variable + 1),
          size: table.word(variable + 2),
        })),
      };
    case KIND.float:
      return { kind: "float", id, name, size: table.word(at + 2) };
    case KIND.decl_tag:
      return {
        kind: "decl_tag",
        id,
        name,
        type: table.idAt(at + 2),
        component: table.word(at + 3) | 0,
      };
    default:
      // The table was made of known kinds alone.
      throw new BtfError(
        `Type ${id} is of an unknown kind`,
        table.offsetOf(at + 1),
      );
  }
}

/** Reads entries that lie so many words apart. */
function list<T>(
  start: number,
  stride: number,
  count: number,
  read: (at: number) => T,
): T[] {
  return Array.from(
    { length: count },
    (_, index) => read(start + index * stride),
  );
}

function decodeInt(
  table: TypeTable,
  at: number,
  id: number,
  name: string,
): BtfInt {
  const word = table.word(at + 3);
  return {
    kind: "int",
    id,
    name,
    size: table.word(at + 2),
    signed: (word & 1 << 24) !== 0,
    char: (word & 2 << 24) !== 0,
    bool: (word & 4 << 24) !== 0,
    bits: word & 0xff,
    bitOffset: word >>> 16 & 0xff,
  };
}

function decodeStruct(
  kind: "struct" | "union",
  table: TypeTable,
  at: number,
  id: number,
  name: string,
): BtfStruct {
  const info = table.word(at + 1);
  // With the flag set, the upper eight bits of an offset are a width.
  const hasWidths = flagIn(info);
  return {
    kind,
    id,
    name,
    size: table.word(at + 2),
    members: list(at + 3, 3, countIn(info), (member): BtfMember => {
      const place = table.word(member + 2);
      const width = hasWidths ? place >>> 24 : 0;
      return {
        name: table.nameAt(member),
        type: table.idAt(member + 1),
        bitOffset: hasWidths ? place & 0xffffff : place,
        bitSize: width === 0 ? undefined : width,
      };
    }),
  };
}

function decodePrototype(
  table: TypeTable,
  at: number,
  id: number,
  name: string,
): BtfFuncProto {
  const parameters = list(
    at + 3,
    2,
    countIn(table.word(at + 1)),
    (parameter) => ({
      name: table.nameAt(parameter),
      type: table.idAt(parameter + 1),
    }),
  );
  // A last parameter of no name and no type stands for `...`.
  const last = parameters.at(-1);
  const variadic = last?.type === 0 && last.name === "";
  if (variadic) parameters.pop();
  return {
    kind: "func_proto",
    id,
    name,
    result: table.idAt(at + 2),
    parameters,
    variadic,
  };
}

function linkageOf(number: number): BtfLinkage | undefined {
  return (["static", "global", "extern"] as const)[number];
}

function wide(low: number, high: number, signed: boolean): bigint {
  const value = BigInt(high) << 32n | BigInt(low);
  return signed ? BigInt.asIntN(64, value) : value;
}
