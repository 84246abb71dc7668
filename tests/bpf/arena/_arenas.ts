/**
 * Arenas, and BPF programs that use them.
 *
 * @module
 */

import { BpfMap, type CreateMapOptions } from "../../../bpf/mod.ts";
import { Btf } from "../../../btf/mod.ts";
import { arenas, type Test, testWith } from "../../_needs.ts";
import { Assembled } from "../_assembled.ts";
import type { Instruction } from "../_instructions.ts";

/** Declares a test that makes arenas. */
export const arenaTest: Test = testWith(arenas);

/** An arena of 16 pages, unless said otherwise. */
export function arenaMap(options: Partial<CreateMapOptions> = {}): BpfMap {
  return BpfMap.create({
    type: "arena",
    maxEntries: 16,
    flags: ["mmapable"],
    ...options,
  });
}

/** `r<target> = (address space 0) r<source>`: what programs follow. */
function castKern(target: number, source: number): Instruction {
  return [0xbf, target, source, 1, 1];
}

/** `r<target> = (address space 1) r<source>`: what processes follow. */
function castUser(target: number, source: number): Instruction {
  return [0xbf, target, source, 1, 1 << 16];
}

/** Makes a program one that uses an arena. */
function using(map: BpfMap): Instruction[] {
  return [
    [0x18, 2, 1, 0, map.fd], // r2 = the map
    [0x00, 0, 0, 0, 0],
  ];
}

const leave: Instruction[] = [
  [0xb7, 0, 0, 0, 0], // r0 = 0
  [0x95, 0, 0, 0, 0], // exit
];

/**
 * A program that makes a list of nodes `{ next, value }`, 64 bytes apart and
 * beginning at the address in word 0: values 10, 20 and so on.
 */
export function listProgram(map: BpfMap, nodes: number): Assembled {
  const instructions: Instruction[] = [
    ...using(map),
    [0x79, 6, 1, 0, 0], // r6 = word 0
  ];
  for (let i = 0; i < nodes; i++) {
    const last = i === nodes - 1;
    instructions.push(
      castKern(7, 6), // r7 = this node
      [0x7a, 7, 0, 8, (i + 1) * 10], // r7->value = …
      [0x07, 6, 0, 0, 64], // r6 += 64
      last ? [0xb7, 8, 0, 0, 0] : castUser(8, 6),
      [0x7b, 7, 8, 0, 0], // r7->next = r8
    );
  }
  return new Assembled([...instructions, ...leave]);
}

/** A program that adds 1 to the 64 bits at the address in word 0, atomically. */
export function countingProgram(map: BpfMap): Assembled {
  return new Assembled([
    ...using(map),
    [0x79, 6, 1, 0, 0], // r6 = word 0
    castKern(7, 6),
    [0xb7, 3, 0, 0, 1], // r3 = 1
    [0xdb, 7, 3, 0, 0x00], // lock *(u64 *)(r7 + 0) += r3
    ...leave,
  ]);
}

/** A program that stores in word 1, as it is, the address in word 0. */
export function unconvertedProgram(map: BpfMap): Assembled {
  return new Assembled([
    ...using(map),
    [0x79, 6, 1, 0, 0], // r6 = word 0
    castKern(7, 6),
    castKern(8, 6),
    [0x7b, 7, 8, 0, 0], // *r7 = r8
    ...leave,
  ]);
}

/**
 * A program that allocates as many pages as word 0 says, stores 4242 in the
 * first, and its address in word 1.
 */
export function allocatingProgram(map: BpfMap): Assembled {
  const { id } = Btf.kernel().find("bpf_arena_alloc_pages", "func")!;
  return new Assembled([
    [0xbf, 6, 1, 0, 0], // r6 = the context
    [0x79, 3, 6, 0, 0], // r3 = word 0
    [0x18, 1, 1, 0, map.fd], // r1 = the map
    [0x00, 0, 0, 0, 0],
    [0xb7, 2, 0, 0, 0], // r2 = any address
    [0xb7, 4, 0, 0, -1], // r4 = any node
    [0xb7, 5, 0, 0, 0], // r5 = no flags
    [0x85, 0, 2, 0, id], // r0 = bpf_arena_alloc_pages(…)
    castUser(7, 0),
    [0x7b, 6, 7, 8, 0], // word 1 = r7
    castKern(7, 7),
    [0x7a, 7, 0, 0, 4242], // *r7 = 4242
    ...leave,
  ]);
}

/** A program that frees the page at the address in word 0. */
export function freeingProgram(map: BpfMap): Assembled {
  const { id } = Btf.kernel().find("bpf_arena_free_pages", "func")!;
  return new Assembled([
    [0x79, 2, 1, 0, 0], // r2 = word 0
    [0x18, 1, 1, 0, map.fd], // r1 = the map
    [0x00, 0, 0, 0, 0],
    castKern(2, 2),
    [0xb7, 3, 0, 0, 1], // r3 = one page
    [0x85, 0, 2, 0, id], // bpf_arena_free_pages(…)
    ...leave,
  ]);
}
