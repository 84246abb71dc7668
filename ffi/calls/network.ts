/**
 * Sockets and network namespaces. Each call gives its result or a negative error
 * number.
 */

import { resultOf, resultOfOne } from "../errno/errno.ts";
import { libcNetwork } from "../libc/functions.ts";
import { closeDescriptor } from "./descriptors.ts";

/** `linux/sched.h`: a namespace of the network. */
const CLONE_NEWNET = 0x4000_0000;

/** Moves this thread, and no other, into a network namespace (`setns(2)`). */
export function enterNetwork(fd: number): number {
  return resultOf(() => libcNetwork().setns(fd, CLONE_NEWNET));
}

/** `asm-generic/socket.h`: the options of all sockets. */
const SOL_SOCKET = 1;

/** Sets an option of a socket (`setsockopt(2)`), which is an `int`. */
export function setSocketOption(
  socket: number,
  option: number,
  value: number,
): number {
  const bytes = new Int32Array(new ArrayBuffer(4)).fill(value);
  return resultOf(() =>
    libcNetwork().setsockopt(socket, SOL_SOCKET, option, bytes, 4)
  );
}

/** `linux/socket.h`, `linux/netlink.h` */
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST_DUMP = 1 | 0x300;
/** `linux/rtnetlink.h` */
const RTM_NEWQDISC = 36;
const RTM_NEWTFILTER = 44;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;

/** `struct nlmsghdr` and `struct tcmsg`. */
const HEADER_SIZE = 16;
const MESSAGE_SIZE = HEADER_SIZE + 20;
/** The kernel writes no more than this at once (`NLMSG_GOODSIZE`, 32 KiB). */
const ROOM = 65536;

/** A queueing discipline or a filter of traffic control. */
export interface TrafficControl {
  /** The interface's index. */
  readonly interfaceIndex: number;
  /** Its handle, whose meaning is its kind's. */
  readonly handle: number;
  /** The class or discipline that it belongs to. */
  readonly parent: number;
  /** A filter's priority in the upper half, and its protocol in the lower. */
  readonly info: number;
  /** Its kind: `"clsact"`, `"bpf"`. */
  readonly kind: string;
  /** The options of its kind, as netlink attributes. */
  readonly options: Attributes;
}

/** The attributes of a netlink message, by their numbers. */
export type Attributes = ReadonlyMap<number, Uint8Array<ArrayBuffer>>;

/** Attributes, as far as they are whole. */
function attributesIn(bytes: Uint8Array<ArrayBuffer>): Attributes {
  const found = new Map<number, Uint8Array<ArrayBuffer>>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    // The two highest bits are flags (`NLA_TYPE_MASK`).
    const type = view.getUint16(at + 2, true) & 0x3fff;
    found.set(type, bytes.subarray(at + 4, at + length));
    at += length + 3 & ~3;
  }
  return found;
}

/**
 * The classes of the discipline `clsact`, to which filters belong
 * (`linux/pkt_sched.h`, `TC_H_CLSACT` and `TC_H_MIN_*`).
 */
export const FILTER_CLASS = {
  ingress: 0xffff_fff2,
  egress: 0xffff_fff3,
} as const;

/**
 * The disciplines of all interfaces, or the filters of a class of one, as the
 * kernel has them in this thread's network namespace (`NETLINK_ROUTE`); or the
 * negative reason.
 */
export function trafficControls(
  what: "disciplines" | { interfaceIndex: number; parent: number },
): TrafficControl[] | number {
  const { socket, send, recv } = libcNetwork();
  const type = what === "disciplines" ? RTM_NEWQDISC : RTM_NEWTFILTER;
  const request = new DataView(new ArrayBuffer(MESSAGE_SIZE));
  request.setUint32(0, MESSAGE_SIZE, true);
  request.setUint16(4, type + 2, true); // RTM_GETQDISC, RTM_GETTFILTER
  request.setUint16(6, NLM_F_REQUEST_DUMP, true);
  if (what !== "disciplines") {
    request.setInt32(HEADER_SIZE + 4, what.interfaceIndex, true);
    request.setUint32(HEADER_SIZE + 12, what.parent, true);
  }
  const fd = resultOfOne(() =>
    socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE)
  );
  if (fd < 0) return fd;
  try {
    const sent = resultOf(() => send(fd, request, BigInt(MESSAGE_SIZE), 0));
    if (sent < 0) return sent;
    const room = new Uint8Array(new ArrayBuffer(ROOM));
    const all: TrafficControl[] = [];
    for (;;) {
      const length = resultOf(() => recv(fd, room, BigInt(ROOM), 0));
      if (length <= 0) return length < 0 ? length : all;
      const end = readMessages(room.slice(0, length), type, all);
      if (end !== undefined) return end < 0 ? end : all;
    }
  } finally {
    closeDescriptor(fd);
  }
}

/** Reads messages: 0 or the negative reason at the end, undefined before. */
function readMessages(
  bytes: Uint8Array<ArrayBuffer>,
  type: number,
  into: TrafficControl[],
): number | undefined {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + HEADER_SIZE <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER_SIZE || at + length > bytes.length) break;
    const own = view.getUint16(at + 4, true);
    if (own === NLMSG_DONE) return 0;
    if (own === NLMSG_ERROR) return view.getInt32(at + HEADER_SIZE, true);
    if (own === type && length >= MESSAGE_SIZE) {
      const attributes = attributesIn(
        bytes.subarray(at + MESSAGE_SIZE, at + length),
      );
      const kind = attributes.get(TCA_KIND) ?? new Uint8Array();
      into.push({
        interfaceIndex: view.getInt32(at + HEADER_SIZE + 4, true),
        handle: view.getUint32(at + HEADER_SIZE + 8, true),
        parent: view.getUint32(at + HEADER_SIZE + 12, true),
        info: view.getUint32(at + HEADER_SIZE + 16, true),
        kind: new TextDecoder().decode(kind).replace(/\0.*$/, ""),
        options: attributesIn(attributes.get(TCA_OPTIONS) ?? new Uint8Array()),
      });
    }
    at += length + 3 & ~3;
  }
  return undefined;
}
