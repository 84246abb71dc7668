/**
 * Shows the IPv4 packets that arrive, from the ring that the kernel's packet
 * sockets share with a process, packet(7): the kernel writes a packet into a
 * frame and sets its status, this reads it in place and gives the frame back.
 * Nothing is copied, and no BPF is involved.
 *
 * ```sh
 * sudo npx -y deno@2.9.6 run --allow-ffi examples/packets.ts [number of packets]
 * ```
 *
 * Needs root or CAP_NET_RAW. For a network of some other machine this is a
 * sniffer: ask its owner.
 *
 * @module
 */

import {
  array,
  atomic,
  be16,
  bits,
  bytes,
  HostLayout,
  Memory,
  struct,
  u16,
  u32,
  u8,
} from "@hostmem/hostmem";

/** `struct tpacket2_hdr` of linux/if_packet.h, at the beginning of a frame. */
const Frame = struct("frame", {
  _: HostLayout,
  status: atomic(u32),
  /** The length of the packet in bytes. */
  length: u32,
  /** The bytes of it that are in the frame. */
  captured: u32,
  /** The offset in the frame of what the network card received. */
  link: u16,
  /** The offset in the frame of the packet itself. */
  network: u16,
  seconds: u32,
  nanoseconds: u32,
}, { size: 2048 });

/** `struct iphdr` of linux/ip.h. */
const Ipv4 = struct("ipv4", {
  _: HostLayout,
  headerWords: bits(u8, 4),
  version: bits(u8, 4),
  service: u8,
  length: be16,
  id: be16,
  fragment: be16,
  hops: u8,
  protocol: u8,
  checksum: be16,
  source: bytes(4),
  destination: bytes(4),
});

// linux/if_packet.h, linux/if_ether.h and sys/socket.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_VERSION = 10;
const TPACKET_V2 = 1;
const ETH_P_IP = 0x0800;
const TP_STATUS_KERNEL = 0;
const TP_STATUS_USER = 1;
const POLLIN = 1;

const BLOCK_SIZE = 65536;
const BLOCKS = 16;
const RING_SIZE = BLOCK_SIZE * BLOCKS;
const FRAMES = RING_SIZE / Frame.size;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  poll: {
    parameters: ["buffer", "u64", "i32"],
    result: "i32",
    nonblocking: true,
  },
  close: { parameters: ["i32"], result: "i32" },
});

function setOption(socket: number, option: number, value: Uint32Array): void {
  const bytes = new Uint8Array(value.slice().buffer);
  const { byteLength } = bytes;
  if (libc.setsockopt(socket, SOL_PACKET, option, bytes, byteLength) !== 0) {
    throw new Error(`The socket refuses option ${option}`);
  }
}

/** A socket of IPv4 packets, with a ring to be mapped. */
function openSocket(): number {
  // The protocol is in network byte order.
  const protocol = ETH_P_IP >> 8 | (ETH_P_IP & 0xff) << 8;
  const socket = libc.socket(AF_PACKET, SOCK_RAW, protocol);
  if (socket < 0) throw new Error("Packet sockets need root or CAP_NET_RAW");
  setOption(socket, PACKET_VERSION, new Uint32Array([TPACKET_V2]));
  setOption(
    socket,
    PACKET_RX_RING,
    new Uint32Array([BLOCK_SIZE, BLOCKS, Frame.size, FRAMES]),
  );
  return socket;
}

const socket = openSocket();
using memory = Memory.map(socket, RING_SIZE);
const ring = memory.pointer(array(Frame, FRAMES));
/** struct pollfd: the descriptor, and the events to wait for. */
const poll = new Uint32Array([socket, POLLIN]);

const most = Number(Deno.args[0] ?? Infinity);
console.log("TIME               BYTES PROTOCOL FROM            TO");
for (let count = 0; count < most; count++) {
  const index = count % FRAMES;
  const frame = ring.at(index);
  // The kernel sets the status last, once the rest of the frame is there.
  while ((frame.status.load() & TP_STATUS_USER) === 0) {
    await libc.poll(new Uint8Array(poll.buffer), 1n, -1);
  }
  const { seconds, nanoseconds, length, network } = frame;
  const packet = memory.view(Ipv4, index * Frame.size + network);
  console.log(
    `${seconds}.${`${nanoseconds}`.padStart(9, "0").slice(0, 6)}`.padEnd(18),
    `${length}`.padEnd(5),
    `${packet.protocol}`.padEnd(8),
    packet.source.join(".").padEnd(15),
    packet.destination.join("."),
  );
  frame.status.store(TP_STATUS_KERNEL);
}
memory.close();
libc.close(socket);
