/**
 * A socket of XDP, AF_XDP: the network driver writes packets into memory of this
 * process, and sends them from there, past the rest of the kernel's network.
 *
 * The memory is divided into frames. Four rings say whose each of them is: by
 * `fill` the kernel gets frames to receive into, `received` gives back those that
 * hold a packet, by `send` the kernel gets packets to send, and `sent` gives
 * their frames back. Source: the kernel's Documentation/networking/af_xdp.rst,
 * and linux/if_xdp.h.
 */

import {
  array,
  type ArrayType,
  atomic,
  type AtomicType,
  bytes,
  decode,
  encode,
  HostLayout,
  i16,
  i32,
  Memory,
  pageSize,
  type Pointer,
  struct,
  type Type,
  u16,
  type U32,
  u32,
  u64,
  type Value,
} from "@hostmem/hostmem";

/** The size of a frame in bytes. */
const FRAME_SIZE = 2048;
/** The number of frames, and of entries of each ring: none is ever too small. */
const FRAMES = 256;

/** A packet in the memory. */
const Packet = struct("xdp_desc", {
  _: HostLayout,
  /** The offset in the memory, in bytes. */
  offset: u64,
  /** The length in bytes. */
  length: u32,
  options: u32,
});

const MemoryRequest = struct("xdp_umem_reg", {
  _: HostLayout,
  address: u64,
  length: u64,
  frameSize: u32,
  headroom: u32,
  flags: u32,
  metadataLength: u32,
});

/** The places in a ring, in bytes. */
const RingOffsets = struct("xdp_ring_offset", {
  _: HostLayout,
  producer: u64,
  consumer: u64,
  entries: u64,
  flags: u64,
});

/** The places in all rings. */
const Offsets = struct("xdp_mmap_offsets", {
  _: HostLayout,
  received: RingOffsets,
  send: RingOffsets,
  fill: RingOffsets,
  sent: RingOffsets,
});

const Address = struct("sockaddr_xdp", {
  _: HostLayout,
  family: u16,
  flags: u16,
  interface: u32,
  queue: u32,
  sharedMemory: u32,
});

const PollRequest = struct("pollfd", {
  _: HostLayout,
  fd: i32,
  events: i16,
  found: i16,
});

// sys/socket.h, poll.h, linux/if_xdp.h
const AF_XDP = 44;
const SOCK_RAW = 3;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const SOL_XDP = 283;
const XDP_MMAP_OFFSETS = 1;
const XDP_UMEM_REG = 4;

const XDP_RX_RING = 2;
const XDP_TX_RING = 3;
const XDP_UMEM_FILL_RING = 5;
const XDP_UMEM_COMPLETION_RING = 6;
const XDP_PGOFF_RX_RING = 0;
const XDP_PGOFF_TX_RING = 0x80000000;
const XDP_UMEM_PGOFF_FILL_RING = 0x100000000;
const XDP_UMEM_PGOFF_COMPLETION_RING = 0x180000000;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  sendto: {
    parameters: ["i32", "pointer", "usize", "i32", "pointer", "u32"],
    result: "isize",
  },
  poll: {
    parameters: ["buffer", "u64", "i32"],
    result: "i32",
    nonblocking: true,
  },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  close: { parameters: ["i32"], result: "i32" },
});

function check(result: number, call: string): number {
  if (result < 0) throw new Error(`${call} failed`);
  return result;
}

function setOption(
  socket: number,
  option: number,
  value: Uint8Array<ArrayBuffer>,
): void {
  check(
    libc.setsockopt(socket, SOL_XDP, option, value, value.length),
    `Option ${option} of the socket`,
  );
}

function offsetsOf(socket: number): Value<typeof Offsets> {
  const offsets = new Uint8Array(Offsets.size);
  const length = encode(u32, Offsets.size);
  check(
    libc.getsockopt(socket, SOL_XDP, XDP_MMAP_OFFSETS, offsets, length),
    "XDP_MMAP_OFFSETS",
  );
  return decode(Offsets, offsets);
}

/** One end of a ring: the kernel has the other. */
class Ring<T extends Type> implements Disposable {
  /** Its entries. */
  readonly entries: Pointer<ArrayType<T>>;
  readonly #memory: Memory;
  readonly #producer: Pointer<AtomicType<U32>>;
  readonly #consumer: Pointer<AtomicType<U32>>;

  constructor(
    socket: number,
    page: number,
    Entry: T,
    { producer, consumer, entries }: Value<typeof RingOffsets>,
  ) {
    const used = Number(entries) + FRAMES * Entry.size;
    const size = Math.ceil(used / pageSize()) * pageSize();
    this.#memory = Memory.map(socket, size, { offset: page });
    const counter = atomic(u32);
    this.#producer = this.#memory.pointer(counter, Number(producer));
    this.#consumer = this.#memory.pointer(counter, Number(consumer));
    this.entries = this.#memory.pointer(array(Entry, FRAMES), Number(entries));
  }

  /** True if the other end has taken all entries. */
  get isEmpty(): boolean {
    return this.#producer.load() === this.#consumer.load();
  }

  /** Calls back with the index of each entry that the kernel has given. */
  consume(callback: (index: number) => void): void {
    const end = this.#producer.load();
    let at = this.#consumer.load();
    for (; at !== end; at = (at + 1) >>> 0) callback(at % FRAMES);
    this.#consumer.store(at);
  }

  /** Gives the kernel an entry, once the callback has filled it. */
  produce(callback: (index: number) => void): void {
    const at = this.#producer.load();
    callback(at % FRAMES);
    this.#producer.store((at + 1) >>> 0);
  }

  [Symbol.dispose](): void {
    this.#memory.close();
  }
}

/** A socket that receives from, and sends to, one queue of an interface. */
export class XdpSocket implements Disposable {
  /** The packets, each in a frame of its own. */
  readonly memory: Memory;
  /** The packets that came. */
  readonly received: Ring<typeof Packet>;
  /** The packets to send; the next {@linkcode kick} has the kernel look. */
  readonly send: Ring<typeof Packet>;
  /** The offsets of frames to receive into. */
  readonly fill: Ring<typeof u64>;
  /** The offsets of packets that are on their way. */
  readonly sent: Ring<typeof u64>;
  /** Its descriptor, for a map of type `xskmap`. */
  readonly fd: number;
  readonly #open: DisposableStack;

  constructor(name: string, queue = 0) {
    using open = new DisposableStack();
    const fd = check(libc.socket(AF_XDP, SOCK_RAW, 0), "socket");
    open.defer(() => libc.close(fd));
    const memory = open.use(Memory.create(FRAMES * FRAME_SIZE));
    const all = memory.pointer(bytes(memory.size)).value;
    setOption(
      fd,
      XDP_UMEM_REG,
      encode(MemoryRequest, {
        address: Deno.UnsafePointer.value(Deno.UnsafePointer.of(all)),
        length: BigInt(memory.size),
        frameSize: FRAME_SIZE,
      }),
    );
    for (
      const ring of [
        XDP_RX_RING,
        XDP_TX_RING,
        XDP_UMEM_FILL_RING,
        XDP_UMEM_COMPLETION_RING,
      ]
    ) setOption(fd, ring, encode(u32, FRAMES));
    const offsets = offsetsOf(fd);
    const ring = <T extends Type>(
      page: number,
      Entry: T,
      within: Value<typeof RingOffsets>,
    ) => open.use(new Ring(fd, page, Entry, within));
    this.fd = fd;
    this.memory = memory;
    this.received = ring(XDP_PGOFF_RX_RING, Packet, offsets.received);
    this.send = ring(XDP_PGOFF_TX_RING, Packet, offsets.send);
    this.fill = ring(XDP_UMEM_PGOFF_FILL_RING, u64, offsets.fill);
    this.sent = ring(XDP_UMEM_PGOFF_COMPLETION_RING, u64, offsets.sent);
    for (let i = 0; i < FRAMES; i++) this.give(BigInt(i * FRAME_SIZE));
    const address = encode(Address, {
      family: AF_XDP,
      interface: libc.if_nametoindex(new TextEncoder().encode(`${name}\0`)),
      queue,
    });
    check(libc.bind(fd, address, address.length), `bind to ${name}`);
    this.#open = open.move();
  }

  /** Gives the frame at an offset to the kernel, to receive into. */
  give(offset: bigint): void {
    this.fill.produce((i) => this.fill.entries[i] = offset);
  }

  /** Has the kernel send what is in the ring, of which it takes some at a time. */
  kick(): void {
    for (let i = 0; i < FRAMES && !this.send.isEmpty; i++) {
      libc.sendto(this.fd, null, 0n, MSG_DONTWAIT, null, 0);
    }
  }

  /** Waits until a packet has come. */
  async wait(): Promise<void> {
    const poll = encode(PollRequest, { fd: this.fd, events: POLLIN });
    check(await libc.poll(poll, 1n, -1), "poll");
    const { found } = decode(PollRequest, poll);
    if ((found & POLLIN) === 0) throw new Error("The interface is gone");
  }

  /** Closes the socket; from then on the kernel writes no frame. */
  [Symbol.dispose](): void {
    this.#open.dispose();
  }
}
