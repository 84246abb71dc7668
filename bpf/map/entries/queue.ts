/** Queues and stacks. */

import { NotSupportedError } from "../../../errors.ts";
import type { Type, Value } from "../../../layout/mod.ts";
import {
  type OptionNames,
  requireFlag,
  requireOptions,
} from "../../../base/arguments.ts";
import { codecOf, ReadBlock } from "./codec.ts";
import { lookup, take, update } from "./commands.ts";
import { ownCopy } from "./copies.ts";
import { valueLength } from "./layout.ts";
import type { OpenMap } from "../info.ts";
import type { Storable } from "./table.ts";

/** The queue or stack of a map with values of this type. */
export type QueueOf<V extends Type> = MapQueue<Value<V>, Storable<V>>;

/** Options of {@linkcode MapQueue.push}. */
export interface PushOptions {
  /** True if the oldest value makes way where there is no room. */
  readonly evict?: boolean | undefined;
}

/**
 * A map of type `"queue"` or `"stack"`, with values as plain data. All methods
 * throw ClosedError once the map is closed, and SystemError with the kernel's
 * reason, as in bpf(2).
 *
 * @typeParam V The plain data of a value.
 * @typeParam VI The values that can be given for a value.
 */
export interface MapQueue<V, VI = V> {
  /**
   * Adds a value. E2BIG where there is no room, unless the oldest may go.
   *
   * @throws {TypeError | RangeError} if it is not of its type, or does not fit.
   */
  push(value: VI, options?: PushOptions): void;
  /**
   * Takes the next value out: of a queue the oldest, of a stack the newest;
   * undefined where there is none.
   */
  pop(): V | undefined;
  /** The next value, which stays; undefined where there is none. */
  peek(): V | undefined;
  /** Takes values out until there are none. Values that were not given stay. */
  drain(): Generator<V, void>;
}

const pushOptions: OptionNames<PushOptions> = { evict: true };

/** `linux/bpf.h`: of queues and stacks, to make room. */
const BPF_EXIST = 2n;

const noKey = new Uint8Array(0);

/**
 * The queue or stack that a map is.
 *
 * @param type The type of values; bytes where it is undefined.
 * @throws {NotSupportedError} if the map is of another type.
 * @throws {InvalidTypeError} if the type cannot be used, or has another size.
 */
export function queueOf(
  map: OpenMap,
  type: Type | undefined,
): MapQueue<unknown> {
  const { info } = map;
  if (info.type !== "queue" && info.type !== "stack") {
    throw new NotSupportedError(
      `A map of type ${
        info.type ?? info.typeNumber
      } is neither a queue nor a stack: use ${
        info.type === "bloom_filter" ? "filter()" : "table()"
      }`,
    );
  }
  const size = valueLength(info);
  const codec = codecOf(type, "values", size, size);
  const block = new ReadBlock(size);

  function read(bytes: Uint8Array<ArrayBuffer> | undefined): unknown {
    if (bytes === undefined) return undefined;
    block.put(bytes);
    return codec.read(block.region, 0, ownCopy);
  }

  function pop(): unknown {
    return read(take(map.fd, info, noKey));
  }

  return {
    pop,
    push(value, options = {}) {
      requireOptions(options, pushOptions);
      const evict = requireFlag("evict", options.evict);
      const bytes = codec.write(value);
      update(map.fd, info, noKey, bytes, evict ? BPF_EXIST : 0n);
    },
    peek: () => read(lookup(map.fd, info, noKey)),
    *drain() {
      for (let value = pop(); value !== undefined; value = pop()) yield value;
    },
  };
}
