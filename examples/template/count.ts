// deno-lint-ignore-file
/**
 * Skeleton of `count.bpf.o`, written by `hostmem skeleton`: its maps, variables
 * and programs, with their names and types. Do not edit it: when the object file
 * changes, have it written anew.
 *
 * @module
 */

import {
  type AttachXdp,
  BpfObject,
  type LoadOptions,
  RingBuffer,
  type RingBufferOptions,
} from "@hostmem/hostmem/bpf";
import {
  type Be32,
  be32,
  HostLayout,
  struct,
  type StructType,
  type U32,
  u32,
  type U64,
  u64,
  type U8,
} from "@hostmem/hostmem";

/**
 * ```c
 * struct traffic {
 *   uint64_t                   packets;              //     0     8
 *   uint64_t                   bytes;                //     8     8
 *
 *   // size: 16, align: 8, members: 2
 * };
 * ```
 */
export const traffic: StructType<{
  _: HostLayout;
  packets: U64;
  bytes: U64;
}> = struct("traffic", {
  _: HostLayout,
  packets: u64,
  bytes: u64,
});

/**
 * ```c
 * struct large_packet {
 *   uint64_t                   time;                 //     0     8
 *   __be32                     from;                 //     8     4
 *   uint32_t                   bytes;                //    12     4
 *
 *   // size: 16, align: 8, members: 3
 * };
 * ```
 */
export const large_packet: StructType<{
  _: HostLayout;
  time: U64;
  from: Be32;
  bytes: U32;
}> = struct("large_packet", {
  _: HostLayout,
  time: u64,
  from: be32,
  bytes: u32,
});

/** The maps, variables and programs of `count.bpf.o`. */
export interface Shape {
  /** The maps, by name. */
  readonly maps: {
    /** `percpu_hash`, 256 entries. */
    readonly by_protocol: {
      readonly type: "percpu_hash";
      readonly key: U8;
      readonly value: typeof traffic;
    };
    /** `ringbuf`, 262144 bytes. */
    readonly large: { readonly type: "ringbuf" };
    /** The variables in `.rodata`. */
    readonly ".rodata": { readonly type: "array" };
  };
  /** The variables that can be changed. */
  readonly variables: Readonly<Record<never, never>>;
  /** The constants, which can be set when it is loaded. */
  readonly constants: {
    /** In `.rodata`. */
    readonly large_from: U32;
  };
  /** The targets that the programs can be attached to. */
  readonly programs: {
    /** `SEC("xdp")`. */
    readonly count: [target: AttachXdp];
  };
}

/**
 * Loads `count.bpf.o` into the kernel.
 *
 * @param options The settings to make before it is loaded.
 */
export function load(options: LoadOptions<Shape> = {}): BpfObject<Shape> {
  return BpfObject.load<Shape>(
    new URL("./count.bpf.o", import.meta.url),
    options,
  );
}

/** The records that its programs and this process exchange, by map. */
export const rings: {
  /** Reads the records of `large`. */
  readonly large: (
    object: BpfObject<Shape>,
    options?: RingBufferOptions,
  ) => RingBuffer<typeof large_packet>;
} = {
  large: (object, options) =>
    new RingBuffer(object.maps.large, large_packet, options),
};
