/**
 * Finds what two threads can see of each other's memory accesses, by trying all
 * orders that a processor allows.
 *
 * Both processors are multi-copy atomic: what one thread sees of another, every
 * other one sees as well. So each outcome is that of some single order of all
 * accesses, in which a thread's own keep the order that the processor promises,
 * and no other (Arm ARM, "The AArch64 memory model"; Intel SDM volume 3A, 9.2).
 *
 * @module
 */

/** The strength of an access. */
export type Strength =
  /** A plain load or store. */
  | "plain"
  /** A load that acquires (LDAR), or a store that releases (STLR). */
  | "ordered"
  /** A barrier for all accesses: MFENCE, DMB, a locked exchange. */
  | "full";

/** One access of a thread to a place. */
export interface Access {
  readonly kind: "load" | "store" | "fence";
  readonly place: string;
  readonly value?: number;
  readonly strength: Strength;
  /**
   * The value that must be there when it is done, in this course of events:
   * that which a load goes on from, or a store takes the place of, exclusively.
   */
  readonly expects?: number;
}

/** A load. */
export function load(place: string, strength: Strength = "plain"): Access {
  return { kind: "load", place, strength };
}

/** A store. */
export function store(
  place: string,
  value: number,
  strength: Strength = "plain",
): Access {
  return { kind: "store", place, value, strength };
}

/** A barrier. */
export const fence: Access = { kind: "fence", place: "", strength: "full" };

/** Tests whether a processor keeps the order of two accesses of one thread. */
export type Keeps = (first: Access, second: Access) => boolean;

const isFull = ({ strength }: Access): boolean => strength === "full";

/** x86-64: all but a store before a load of something else. */
export const x86: Keeps = (first, second) =>
  isFull(first) || isFull(second) || first.place === second.place ||
  !(first.kind === "store" && second.kind === "load");

/** aarch64: what acquires comes before, what releases comes after. */
export const aarch64: Keeps = (first, second) =>
  isFull(first) || isFull(second) || first.place === second.place ||
  (first.kind === "load" && first.strength === "ordered") ||
  (second.kind === "store" && second.strength === "ordered") ||
  (first.strength === "ordered" && second.strength === "ordered");

/** The values that the loads of one thread saw, in the order of its program. */
export type Seen = readonly number[];

/**
 * Runs two threads in every order there is, and tells what the loads of each
 * saw. All places hold `initial` at first, or 0.
 *
 * @returns The number of orders that there were.
 */
export function explore(
  threads: readonly [readonly Access[], readonly Access[]],
  keeps: Keeps,
  initial: Readonly<Record<string, number>>,
  visit: (first: Seen, second: Seen) => void,
): number {
  const accesses = threads.flatMap((thread, owner) =>
    thread.map((access, index) => ({ access, owner, index }))
  );
  const before = accesses.map((one) =>
    accesses.flatMap((other, position) =>
      other.owner === one.owner && other.index < one.index &&
        keeps(other.access, one.access)
        ? [position]
        : []
    )
  );
  const done = accesses.map(() => false);
  const memory = new Map(Object.entries(initial));
  const seen: number[][] = threads.map((thread) => thread.map(() => 0));
  const loads = threads.map((thread) =>
    thread.flatMap((access, index) => access.kind === "load" ? [index] : [])
  );
  let orders = 0;

  const step = (left: number): void => {
    if (left === 0) {
      orders++;
      const [first, second] = loads.map((indices, owner) =>
        indices.map((index) => seen[owner]![index]!)
      );
      visit(first!, second!);
      return;
    }
    accesses.forEach(({ access, owner, index }, position) => {
      if (done[position] || before[position]!.some((other) => !done[other])) {
        return;
      }
      const was = memory.get(access.place) ?? 0;
      if (access.expects !== undefined && access.expects !== was) return;
      done[position] = true;
      if (access.kind === "load") seen[owner]![index] = was;
      if (access.kind === "store") memory.set(access.place, access.value!);
      step(left - 1);
      if (access.kind === "store") memory.set(access.place, was);
      done[position] = false;
    });
  };
  step(accesses.length);
  return orders;
}
