import { formatAddress, parseAddress } from "@hostmem/hostmem/bpf";
import { assertEquals } from "@std/assert";
import { load, rings } from "./count.ts";

const XDP_PASS = 2;
const TCP = 6;

/** A packet of IPv4 that has nothing but its headers, and zeros. */
function packet(from: string, protocol: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes[14 + 9] = protocol;
  bytes.set(parseAddress(from), 14 + 12);
  return bytes;
}

Deno.test("packets are counted by protocol, and all are passed", () => {
  using object = load();
  const { count } = object.programs;
  for (const size of [60, 100]) {
    const { returnValue } = count.run({ data: packet("192.0.2.1", TCP, size) });
    assertEquals(returnValue, XDP_PASS);
  }
  count.run({ data: new Uint8Array(60) }); // not of IPv4
  assertEquals([...object.maps.by_protocol.perCpu().sums()], [
    [TCP, { packets: 2n, bytes: 160n }],
  ]);
});

Deno.test("large packets are told, with who sent them", () => {
  using object = load({ constants: { large_from: 100 } });
  using large = rings.large(object);
  for (const size of [99, 100]) {
    object.programs.count.run({ data: packet("192.0.2.7", TCP, size) });
  }
  const told = Array.from(
    large,
    ({ from, bytes }) => [formatAddress(from), bytes],
  );
  assertEquals(told, [["192.0.2.7", 100]]);
});
