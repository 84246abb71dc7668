/**
 * A service that echoes UDP datagrams to port 7 (RFC 862), and that the kernel's
 * network never sees: the packets are turned around in the memory that the
 * driver received them into, and that it sends them from.
 *
 * ```sh
 * sudo npx -y deno@2.9.6 run -A examples/xdp_echo/echo.ts eth0
 * ```
 *
 * Needs root, clang and the headers and library of libbpf (Debian: `clang
 * libbpf-dev`). Only the first queue of the interface is served.
 *
 * @module
 */

import {
  assign,
  be16,
  bytes,
  HostLayout,
  snapshot,
  struct,
} from "@hostmem/hostmem";
import { BpfObject } from "@hostmem/hostmem/bpf";
import { compileBpf } from "../_compile_bpf.ts";
import { XdpSocket } from "./xdp_socket.ts";

/** Ethernet, IPv4 without options, and UDP: what redirect.bpf.c lets through. */
const Datagram = struct("datagram", {
  _: HostLayout,
  destinationMac: bytes(6),
  sourceMac: bytes(6),
  etherType: be16,
  ipv4: bytes(12),
  source: bytes(4),
  destination: bytes(4),
  sourcePort: be16,
  destinationPort: be16,
  length: be16,
  checksum: be16,
});

const [name] = Deno.args;
if (name === undefined) throw new Error("Which interface?");
using object = BpfObject.load(
  await compileBpf(new URL("redirect.bpf.c", import.meta.url)),
);
using socket = new XdpSocket(name);
object.map("sockets").updateSocket(0, socket.fd);
using _link = object.program("redirect").attach({
  kind: "xdp",
  interface: name,
});
console.log(`Echoing what comes to port 7 of ${name}`);

while (true) {
  const { memory, received, send, sent } = socket;
  received.consume((i) => {
    const { offset, length } = received.entries.at(i);
    const datagram = memory.pointer(Datagram, Number(offset));
    const came = snapshot(datagram);
    // IPv4's checksum is a sum of what changes places: it stays right. That of
    // UDP may be left to the network card: 0 is none, as RFC 768 allows.
    assign(datagram, {
      destinationMac: came.sourceMac,
      sourceMac: came.destinationMac,
      source: came.destination,
      destination: came.source,
      sourcePort: came.destinationPort,
      destinationPort: came.sourcePort,
      checksum: 0,
    });
    send.produce((j) => assign(send.entries.at(j), { offset, length }));
  });
  socket.kick();
  sent.consume((i) => socket.give(sent.entries[i]!));
  await socket.wait();
}
