/**
 * Object files with mistakes: good ones with some of their bytes changed where
 * it hurts, or cut off.
 *
 * Run as a program, it loads so many of them: its arguments are a file, a seed,
 * the number of the first, and how many. It prints which it is at, so that it is
 * known which ended the process, and in the end how they fared.
 *
 * @module
 */

import { BpfObject } from "../../../bpf/mod.ts";
import { Random } from "../../_support.ts";

/** A stretch of bytes. */
type Stretch = readonly [from: number, size: number];

const SHT_NOBITS = 8;

/** The parts of an ELF file: its header, those of its sections, and each section. */
function partsOf(bytes: Uint8Array): Stretch[] {
  const view = new DataView(bytes.buffer);
  const headers = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const parts: Stretch[] = [[0, 64], [headers, count * 64]];
  for (let i = 1; i < count; i++) {
    const at = headers + i * 64;
    if (view.getUint32(at + 4, true) === SHT_NOBITS) continue;
    parts.push([
      Number(view.getBigUint64(at + 24, true)),
      Number(view.getBigUint64(at + 32, true)),
    ]);
  }
  return parts.filter(([, size]) => size > 0);
}

const WORDS = [0, 1, 0xffffffff, 0x7fffffff, 0x80000000];
const LONGS = [0n, 1n, 8n, -1n, -8n, 0x1_0000_0000n, 2n ** 63n];

function change(bytes: Uint8Array, parts: Stretch[], random: Random): void {
  const view = new DataView(bytes.buffer);
  const [from, size] = random.pick(parts);
  const at = from + random.int(size);
  const word = Math.min(at & ~3, bytes.length - 8);
  switch (random.int(5)) {
    case 0:
      bytes[at] = random.int(256);
      break;
    case 1:
      bytes[at]! ^= 1 << random.int(8);
      break;
    case 2:
      view.setUint32(word, random.pick([...WORDS, random.int(4096)]), true);
      break;
    case 3:
      view.setBigInt64(
        word,
        random.pick([...LONGS, BigInt(random.int(8192))]),
        true,
      );
      break;
    case 4: {
      const [other, room] = random.pick(parts);
      const source = other + random.int(room);
      bytes.copyWithin(at, source, source + random.int(32));
      break;
    }
  }
}

/** One with mistakes, which depend on the seed and nothing else. */
export function mutate(
  good: Uint8Array,
  random: Random,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(good);
  const parts = partsOf(good);
  for (let i = random.int(3); i >= 0; i--) change(bytes, parts, random);
  return random.int(16) === 0
    ? bytes.slice(0, random.int(bytes.length))
    : bytes;
}

if (import.meta.main) {
  const [file, ...numbers] = Deno.args;
  const [seed, first, count] = numbers.map(Number) as [number, number, number];
  const good = Deno.readFileSync(file!);
  const tally: Record<string, number> = {};
  const progress = new Uint8Array(16);
  for (let i = first; i < first + count; i++) {
    const bytes = mutate(good, new Random(BigInt(seed) << 32n | BigInt(i)));
    new TextEncoder().encodeInto(`\n${i} `.padEnd(16), progress);
    Deno.stderr.writeSync(progress);
    let fate = "loaded";
    try {
      using object = BpfObject.load(bytes);
      for (const variable of Object.values(object.variables)) variable.get();
    } catch (error) {
      fate = (error as Error).name;
    }
    tally[fate] = (tally[fate] ?? 0) + 1;
  }
  console.log(JSON.stringify(tally));
}
