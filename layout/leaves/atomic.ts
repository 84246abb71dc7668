/** Values that are read and written by `Atomics`. */

import { part } from "../../base/specialise.ts";
import {
  type Lane,
  laneIndex,
  laneView,
  type RawAccess,
  type RawLoad,
  type RawStore,
  type Reach,
} from "../region/lanes.ts";
import { closed, type Region } from "../region/region.ts";
import { LaneLeaf } from "./leaf.ts";

/** The typed arrays that `Atomics` takes, as one that stands for all. */
export type AtomicLane = Int32Array;

type View = (region: Region) => AtomicLane;
type Index = (offset: number) => number;
type Closed = (region: Region) => never;

function loadAtomic(view: View, index: Index, closed: Closed): RawLoad {
  return (r, o) => {
    if (r.u8[o] === undefined) closed(r);
    return Atomics.load(view(r), index(o));
  };
}

function storeAtomic(view: View, index: Index, closed: Closed): RawStore {
  return (r, o, a) => {
    if (r.u8[o] === undefined) closed(r);
    Atomics.store(view(r), index(o), a);
  };
}

function atomicAccess(lane: Lane, reach: Reach): RawAccess {
  const view = laneView<AtomicLane>(lane);
  const index = laneIndex(lane, reach !== "shift");
  return {
    load: part(loadAtomic, view, index, closed),
    store: part(storeAtomic, view, index, closed),
  };
}

/** `_Atomic T`, as one value among others: in a snapshot, say. */
export function atomicLeaf(base: LaneLeaf): LaneLeaf {
  const { base: name, suffix } = base.declarator;
  return new LaneLeaf({
    ...base.conversion,
    isNative: false,
    declarator: { base: `_Atomic ${name}`, suffix },
  }, atomicAccess);
}
