/**
 * Sockets made by libc, whose descriptors are known.
 *
 * @module
 */

import { assert } from "@std/assert";

const AF_INET = 2;
const STREAM = 1;
const DATAGRAM = 2;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;
const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

function openLibc() {
  return Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    setsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "u32"],
      result: "i32",
    },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
    recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
}

/** `struct sockaddr_in` of 127.0.0.1. */
function loopback(port: number): DataView<ArrayBuffer> {
  const address = new DataView(new ArrayBuffer(16));
  address.setUint16(0, AF_INET, true);
  address.setUint16(2, port);
  address.setUint32(4, 0x7f00_0001);
  return address;
}

/** Sockets over the loopback interface, closed together. */
export class Sockets implements Disposable {
  readonly #library = openLibc();
  readonly #open: number[] = [];

  #socket(type: number): number {
    const fd = this.#library.symbols.socket(AF_INET, type, 0);
    assert(fd >= 0);
    this.#open.push(fd);
    return fd;
  }

  #set(fd: number, level: number, option: number, value: BufferSource): void {
    const { setsockopt } = this.#library.symbols;
    const size = value.byteLength;
    assert(setsockopt(fd, level, option, value, size) === 0);
  }

  /** A connection of TCP to a port, by a congestion control. */
  tcp(port: number, control?: string): number {
    const fd = this.#socket(STREAM);
    if (control !== undefined) {
      const name = new TextEncoder().encode(control);
      this.#set(fd, IPPROTO_TCP, TCP_CONGESTION, name);
    }
    this.connect(fd, port);
    return fd;
  }

  /** A socket of TCP that is not connected. */
  idle(): number {
    return this.#socket(STREAM);
  }

  /** A socket of UDP that is bound to a port, shared with others, or to any. */
  udp(port = 0): [fd: number, port: number] {
    const fd = this.#socket(DATAGRAM);
    this.#set(fd, SOL_SOCKET, SO_REUSEPORT, new Int32Array([1]));
    const { bind, getsockname } = this.#library.symbols;
    assert(bind(fd, loopback(port), 16) === 0);
    const address = loopback(0);
    assert(getsockname(fd, address, new Uint32Array([16])) === 0);
    return [fd, address.getUint16(2)];
  }

  connect(fd: number, port: number): void {
    assert(this.#library.symbols.connect(fd, loopback(port), 16) === 0);
  }

  /** Sends; tells how much was sent, -1 for nothing. */
  send(fd: number, text: string): number {
    const bytes = new TextEncoder().encode(text);
    const { send } = this.#library.symbols;
    return send(fd, bytes, BigInt(bytes.length), MSG_NOSIGNAL);
  }

  /** Reads what has been received and not yet read; undefined for nothing. */
  receive(fd: number): string | undefined {
    const room = new Uint8Array(1000);
    const { recv } = this.#library.symbols;
    const length = recv(fd, room, BigInt(room.length), MSG_DONTWAIT);
    return length < 0
      ? undefined
      : new TextDecoder().decode(room.subarray(0, length));
  }

  /** Closes one before the others. */
  close(fd: number): void {
    this.#open.splice(this.#open.indexOf(fd), 1);
    this.#library.symbols.close(fd);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open) this.#library.symbols.close(fd);
    this.#library.close();
  }
}

/**
 * The descriptor of a connection of Deno's, which it does not tell: that of the
 * socket with these two ports, as the kernel lists them.
 */
export function descriptorOfConnection(connection: Deno.TcpConn): number {
  const hex = ({ port }: Deno.NetAddr) =>
    port.toString(16).toUpperCase().padStart(4, "0");
  const [local, remote] = [connection.localAddr, connection.remoteAddr].map(
    hex,
  );
  const row = new RegExp(
    `^ *\\d+: \\w+:${local} \\w+:${remote} (?:\\S+ +){6}(\\d+)`,
    "m",
  );
  const inode = row.exec(Deno.readTextFileSync("/proc/self/net/tcp"))?.[1];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const link = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (link === `socket:[${inode}]`) return Number(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error("The connection has no descriptor");
}
