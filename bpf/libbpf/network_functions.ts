/**
 * The functions of libbpf that speak netlink: attaching by tc(8)'s filters, and
 * what is attached by XDP. They act in the network namespace of the thread.
 */

import {
  HostLayout,
  type Marked,
  type Pointer,
  pointer,
  sizeOf,
  struct,
  type Type,
  u32,
  u64,
  u8,
} from "../../layout/mod.ts";
import type { Symbols } from "../../ffi/libc/open_library.ts";
import { libbpf, openLibbpf } from "./functions.ts";
import { listening } from "./messages.ts";

/** `struct bpf_tc_hook` */
const TcHook = struct("bpf_tc_hook", {
  _: HostLayout,
  sz: u64,
  ifindex: u32,
  attach_point: u32,
  parent: u32,
});

/** `struct bpf_tc_opts` */
const TcOptions = struct("bpf_tc_opts", {
  _: HostLayout,
  sz: u64,
  prog_fd: u32,
  flags: u32,
  prog_id: u32,
  handle: u32,
  priority: u32,
});

/** `struct bpf_xdp_query_opts` of libbpf 1.1. */
const XdpQuery = struct("bpf_xdp_query_opts", {
  _: HostLayout,
  sz: u64,
  prog_id: u32,
  drv_prog_id: u32,
  hw_prog_id: u32,
  skb_prog_id: u32,
  attach_mode: u8,
});

const networkSymbols = {
  bpf_tc_hook_create: {
    parameters: [
      "buffer", // struct bpf_tc_hook *hook
    ],
    result: "i32", // int
  },
  bpf_tc_hook_destroy: {
    parameters: [
      "buffer", // struct bpf_tc_hook *hook
    ],
    result: "i32", // int
  },
  bpf_tc_attach: {
    parameters: [
      "buffer", // const struct bpf_tc_hook *hook
      "buffer", // struct bpf_tc_opts *opts
    ],
    result: "i32", // int
  },
  bpf_tc_detach: {
    parameters: [
      "buffer", // const struct bpf_tc_hook *hook
      "buffer", // const struct bpf_tc_opts *opts
    ],
    result: "i32", // int
  },
  bpf_tc_query: {
    parameters: [
      "buffer", // const struct bpf_tc_hook *hook
      "buffer", // struct bpf_tc_opts *opts
    ],
    result: "i32", // int
  },
  bpf_xdp_query: {
    parameters: [
      "i32", // int ifindex
      "i32", // int flags
      "buffer", // struct bpf_xdp_query_opts *opts
    ],
    result: "i32", // int
  },
} as const satisfies Deno.ForeignLibraryInterface;

let library: Symbols<typeof networkSymbols> | undefined;

function open(): Symbols<typeof networkSymbols> {
  // It checks the version, and keeps libbpf from printing.
  libbpf();
  return openLibbpf(networkSymbols);
}

/**
 * The functions that speak netlink, opened.
 *
 * @throws {NotSupportedError} if there is no libbpf.
 */
export function libbpfNetwork(): Symbols<typeof networkSymbols> {
  return library ??= open();
}

/** The result of a call, and the warnings that libbpf gave with it. */
export interface NetworkResult {
  /** The function that was called. */
  readonly call: string;
  /** 0, or the positive error number. */
  readonly errno: number;
  /** The warnings; empty if it is silent. */
  readonly warnings: string;
}

/** The way that packets go. */
export type Direction = "ingress" | "egress";

/** A place for a filter of tc(8). */
export interface FilterPlace {
  /** The index of the interface. */
  readonly interfaceIndex: number;
  /** The way that the packets go. */
  readonly direction: Direction;
  /** Its place among the filters; 0 for one that the kernel chooses. */
  readonly priority: number;
  /** Its number among filters of that priority; 0 likewise. */
  readonly handle: number;
}

/** The filter at a place. */
export interface FilterResult extends NetworkResult {
  /** The place, with what the kernel chose. */
  readonly place: FilterPlace;
  /** The id of the program. */
  readonly programId: number;
}

/** `bpf/libbpf.h` */
const BPF_TC_INGRESS = 1;
const BPF_TC_EGRESS = 2;
const BPF_TC_F_REPLACE = 1;

/** An option struct, whose first field is its size. */
class Options<T extends Type> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly fields: Pointer<T>;

  constructor(type: T & Marked<T>) {
    this.bytes = new Uint8Array(new ArrayBuffer(sizeOf(type)));
    this.fields = pointer<T>(type, this.bytes);
    (this.fields as { sz: bigint }).sz = BigInt(sizeOf(type));
  }
}

function hookOf(interfaceIndex: number, attachPoint: number) {
  const hook = new Options(TcHook);
  hook.fields.ifindex = interfaceIndex;
  hook.fields.attach_point = attachPoint;
  return hook.bytes;
}

function called(
  call: keyof typeof networkSymbols,
  make: (functions: Symbols<typeof networkSymbols>) => number,
): NetworkResult {
  const functions = libbpfNetwork();
  const { result, warnings } = listening(() => make(functions));
  return { call, errno: -result, warnings };
}

/** Makes the discipline `clsact`. */
export function createDiscipline(interfaceIndex: number): NetworkResult {
  const hook = hookOf(interfaceIndex, BPF_TC_INGRESS | BPF_TC_EGRESS);
  return called(
    "bpf_tc_hook_create",
    ({ bpf_tc_hook_create }) => bpf_tc_hook_create(hook),
  );
}

/** Removes the discipline `clsact`, with all of its filters. */
export function removeDiscipline(interfaceIndex: number): NetworkResult {
  const hook = hookOf(interfaceIndex, BPF_TC_INGRESS | BPF_TC_EGRESS);
  return called(
    "bpf_tc_hook_destroy",
    ({ bpf_tc_hook_destroy }) => bpf_tc_hook_destroy(hook),
  );
}

function onFilter(
  call: "bpf_tc_attach" | "bpf_tc_detach" | "bpf_tc_query",
  place: FilterPlace,
  program = 0,
  flags = 0,
): FilterResult {
  const { interfaceIndex, direction } = place;
  const isIngress = direction === "ingress";
  const hook = hookOf(
    interfaceIndex,
    isIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS,
  );
  const { bytes, fields } = new Options(TcOptions);
  fields.prog_fd = program;
  fields.flags = flags;
  fields.priority = place.priority;
  fields.handle = place.handle;
  const result = called(call, ({ [call]: make }) => make(hook, bytes));
  const { priority, handle, prog_id: programId } = fields;
  return { ...result, place: { ...place, priority, handle }, programId };
}

/**
 * Attaches by a filter.
 *
 * @param program Its descriptor.
 * @param replaces True to replace the filter that is there.
 */
export function attachFilter(
  place: FilterPlace,
  program: number,
  replaces: boolean,
): FilterResult {
  const flags = replaces ? BPF_TC_F_REPLACE : 0;
  return onFilter("bpf_tc_attach", place, program, flags);
}

/** Removes a filter. */
export function detachFilter(place: FilterPlace): NetworkResult {
  return onFilter("bpf_tc_detach", place);
}

/** Asks what a filter is. */
export function queryFilter(place: FilterPlace): FilterResult {
  return onFilter("bpf_tc_query", place);
}

/** The programs of an interface, by where they are run; 0 for none. */
export interface XdpResult extends NetworkResult {
  /** That of the network stack. */
  readonly generic: number;
  /** That of the driver. */
  readonly native: number;
  /** That of the device. */
  readonly offload: number;
}

/** Asks which programs an interface has by XDP. */
export function queryXdp(interfaceIndex: number): XdpResult {
  const { bytes, fields } = new Options(XdpQuery);
  const result = called(
    "bpf_xdp_query",
    ({ bpf_xdp_query }) => bpf_xdp_query(interfaceIndex, 0, bytes),
  );
  return {
    ...result,
    generic: fields.skb_prog_id,
    native: fields.drv_prog_id,
    offload: fields.hw_prog_id,
  };
}
