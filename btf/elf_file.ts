/**
 * BTF in files: by itself, or in the section `.BTF` of an ELF file (elf(5)), as
 * clang writes it for BPF, `gcc -gbtf` for any program, and `pahole -J` adds it.
 */

import { BtfError } from "../errors.ts";
import { hex } from "../base/hex.ts";
import { show } from "../base/show.ts";

const ELF_MAGIC = 0x464c_457f; // "\x7fELF"
const BTF_MAGIC = 0xeb9f;
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SHT_NOBITS = 8;
/** `linux/elf.h`: this number of sections, or this index, stands elsewhere. */
const SHN_XINDEX = 0xffff;

/** A section header, as far as it matters here. */
interface Section {
  /** The offset of its name in the names of sections, in bytes. */
  readonly nameAt: number;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/**
 * The BTF of a file.
 *
 * @throws {BtfError} if the file has none.
 * @throws {Deno.errors.NotFound} and the other errors of opening a file.
 */
export function btfBytesOf(path: string | URL): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  const size = file.statSync().size;
  const head = read(file, path, 0, Math.min(HEADER_SIZE, size));
  const view = new DataView(head.buffer);
  if (size >= 4 && view.getUint32(0, true) === ELF_MAGIC) {
    return sectionBytes(file, path, head);
  }
  if (size >= 2 && view.getUint16(0, true) === BTF_MAGIC) {
    return read(file, path, 0, size);
  }
  throw new BtfError(
    `${show(`${path}`)} must be BTF or an ELF file: its first bytes are ${
      hex(head.subarray(0, 4))
    }`,
  );
}

/** Exactly so many bytes of a file. */
function read(
  file: Deno.FsFile,
  path: string | URL,
  offset: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const { size } = file.statSync();
  if (!(offset + length <= size)) {
    throw new BtfError(
      `${show(`${path}`)} is not whole: bytes ${offset} to ${
        offset + length
      } are wanted, and it has ${size}`,
    );
  }
  const bytes = new Uint8Array(length);
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let done = 0; done < length;) {
    const count = file.readSync(bytes.subarray(done));
    if (count === null) {
      throw new BtfError(`${show(`${path}`)} was cut while it was read`);
    }
    done += count;
  }
  return bytes;
}

function sectionBytes(
  file: Deno.FsFile,
  path: string | URL,
  head: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const sections = readSections(file, path, head);
  const view = new DataView(head.buffer);
  const index = view.getUint16(62, true);
  const names = sections[index === SHN_XINDEX ? sections[0]!.link : index];
  if (names === undefined) throw noBtf(path);
  const text = read(file, path, names.offset, names.size);
  const wanted = new TextEncoder().encode(".BTF\0");
  const found = sections.find(({ nameAt, type }) =>
    type !== SHT_NOBITS &&
    wanted.every((byte, at) => text[nameAt + at] === byte)
  );
  if (found === undefined || found.size === 0) throw noBtf(path);
  return read(file, path, found.offset, found.size);
}

function readSections(
  file: Deno.FsFile,
  path: string | URL,
  head: Uint8Array<ArrayBuffer>,
): Section[] {
  const CLASS_64 = 2;
  const LITTLE_ENDIAN = 1;
  if (
    head.length < HEADER_SIZE || head[4] !== CLASS_64 ||
    head[5] !== LITTLE_ENDIAN
  ) {
    throw new BtfError(
      `${
        show(`${path}`)
      } must be an ELF file of 64 bits in little-endian byte order`,
    );
  }
  const view = new DataView(head.buffer);
  const offset = Number(view.getBigUint64(40, true));
  if (offset === 0) throw noBtf(path);
  const headers = (count: number) => {
    const bytes = read(file, path, offset, count * SECTION_HEADER_SIZE);
    return Array.from({ length: count }, (_, index) => {
      const at = new DataView(bytes.buffer, index * SECTION_HEADER_SIZE);
      return {
        nameAt: at.getUint32(0, true),
        type: at.getUint32(4, true),
        offset: Number(at.getBigUint64(24, true)),
        size: Number(at.getBigUint64(32, true)),
        link: at.getUint32(40, true),
      };
    });
  };
  const count = view.getUint16(60, true);
  // A file with very many sections has their number in the first one's size.
  return headers(count === 0 ? headers(1)[0]!.size : count);
}

function noBtf(path: string | URL): BtfError {
  return new BtfError(
    `${
      show(`${path}`)
    } has no section .BTF: compile it with "clang -target bpf -g" or "gcc -gbtf", or add it with "pahole -J"`,
  );
}
