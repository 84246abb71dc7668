/**
 * The common parts of the benches of programs that share memory: the types, the
 * peer in C, and the printing of a row.
 *
 * @module
 */

import {
  array,
  f64,
  HostLayout,
  type Pointer,
  struct,
  u32,
} from "../layout/mod.ts";
import type { Memory } from "../memory/mod.ts";
import { ByteRing, cHeader, SpscRing } from "../sync/mod.ts";
import { compileC, type TemporaryDirectory } from "../tests/_support.ts";

/** True if it is only to be shown that the benches run. */
export const quick: boolean = Deno.env.get("HOSTMEM_BENCH") === "quick";

const CAPACITY = 4096;

const Quote = struct("Quote", {
  _: HostLayout,
  id: u32,
  flags: u32,
  price: f64,
  sizes: array(f64, 6),
});
/** A ring of 64 bytes each, as C has it. */
export const Quotes = SpscRing(Quote, CAPACITY);

/** The same with single fields, as a typed array for each message is costly. */
export const Flat = struct("Flat", {
  _: HostLayout,
  id: u32,
  flags: u32,
  price: f64,
  size0: f64,
  size1: f64,
  size2: f64,
  size3: f64,
  size4: f64,
  size5: f64,
});
/** Fills one. */
export function fillFlat(quote: Pointer<typeof Flat>, id: number): void {
  quote.id = id;
  quote.flags = 1;
  quote.price = id;
  quote.size0 = 0;
  quote.size1 = 1;
  quote.size2 = 2;
  quote.size3 = 3;
  quote.size4 = 4;
  quote.size5 = 5;
}

/** The ring of them. */
export const Flats = SpscRing(Flat, CAPACITY);

/** A ring of messages of as many bytes. */
export const Lines = ByteRing(CAPACITY * 64);

/** The peer in C, compiled. */
export interface Peer {
  /** The path of it as a library. */
  readonly library: string;
  /** The path of it as a program. */
  readonly program: string;
}

/** Compiles `programs/sync_peer.c`. */
export async function compilePeer(
  directory: TemporaryDirectory,
): Promise<Peer> {
  const header = cHeader({ Quotes, Lines });
  await Deno.writeTextFile(directory.join("shared.h"), header);
  const source = new URL("programs/sync_peer.c", import.meta.url);
  const flags = ["-std=c11", "-O2", "-I", directory.path];
  const shared = [...flags, "-shared", "-fPIC"];
  return {
    library: await compileC(source, directory, shared),
    program: await compileC(source, directory, flags),
  };
}

/** Starts the peer, with memory as its standard input. */
export function startPeer(
  program: string,
  memory: Memory | undefined,
  ...args: string[]
): Deno.ChildProcess {
  const input = memory === undefined
    ? "/dev/zero"
    : `/proc/${Deno.pid}/fd/${memory.fd}`;
  return new Deno.Command("sh", {
    args: ["-c", `exec "$0" "$@" <> ${input}`, program, ...args],
    stdout: "piped",
  }).spawn();
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** Prints a row: the median of the rounds in nanoseconds, and the ratio. */
export function row(
  title: string,
  name: string,
  values: readonly number[],
  ratio: number,
  { bar }: { readonly bar?: number | undefined } = {},
): void {
  const verdict = bar === undefined
    ? ""
    : `  ≤ ${bar} ${ratio <= bar ? "ok" : "OVER"}`;
  console.log(
    `${title.padEnd(46)} ${name.padEnd(28)} ${
      median(values).toFixed(1).padStart(10)
    } ns  × ${ratio.toFixed(2)}${verdict}`,
  );
}
