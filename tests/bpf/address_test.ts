import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BpfMap,
  formatAddress,
  formatPrefixKey,
  parseAddress,
  parseIpv4,
  parsePrefix,
  prefixKey,
} from "../../bpf/mod.ts";
import { array, HostLayout, struct, u32, u8 } from "../../layout/mod.ts";
import { bpfTest } from "../_needs.ts";
import { Random } from "../_support.ts";

const libc = Deno.dlopen("libc.so.6", {
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  inet_ntop: {
    parameters: ["i32", "buffer", "buffer", "u32"],
    result: "pointer",
  },
}).symbols;
const AF_INET = 2;
const AF_INET6 = 10;

/** Returns what libc reads of a text; undefined where it reads none. */
function read(text: string): number[] | undefined {
  const isIpv6 = text.includes(":");
  const bytes = new Uint8Array(isIpv6 ? 16 : 4);
  const cText = new TextEncoder().encode(`${text}\0`);
  const family = isIpv6 ? AF_INET6 : AF_INET;
  return libc.inet_pton(family, cText, bytes) === 1 ? [...bytes] : undefined;
}

/** Returns what libc writes of bytes. */
function written(bytes: Uint8Array<ArrayBuffer>): string {
  const text = new Uint8Array(64);
  libc.inet_ntop(bytes.length === 4 ? AF_INET : AF_INET6, bytes, text, 64);
  return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
}

Deno.test("Addresses are written as inet_ntop(3) writes them, and read back", () => {
  const random = new Random();
  for (let i = 0; i < 3000; i++) {
    const bytes = random.bytes(random.pick([4, 16]));
    // Runs of zeros, and addresses of IPv4 in those of IPv6.
    for (let at = 0; at < bytes.length; at += 2) {
      if (random.int(3) > 0) bytes.fill(0, at, at + 2);
    }
    if (random.int(4) === 0) bytes.fill(0, 0, 10);
    if (random.int(4) === 0 && bytes.length > 4) bytes.fill(255, 10, 12);
    const text = formatAddress(bytes);
    assertEquals(text, written(bytes));
    assertEquals(parseAddress(text), bytes);
  }
});

Deno.test("Texts are addresses, or not, as inet_pton(3) has it", () => {
  const random = new Random();
  const texts = [
    ..."1.2.3.4 0.0.0.0 01.2.3.4 256.1.1.1 1.2.3 1.2.3.4.5 1..2.3 ::".split(
      " ",
    ),
    ...":: ::1 1:: ::: :1 1: 1::2::3 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7::".split(
      " ",
    ),
    ..."::2:3:4:5:6:7:8 1:2:3:4::5:6:7:8 12345::1 ::1.2.3.4".split(" "),
    ..."1.2.3.4:: ::1.2.3.4:5 1:2:3:4:5:6:1.2.3.4 g:: fe80::1%lo".split(" "),
    ..."::ffff:1.2.3.400 AB::cd 1:2:3:4:5:6:7:1.2.3.4 ::01.2.3.4".split(" "),
    "",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4\n",
    "0x1.2.3.4",
    "١.2.3.4",
    ...Array.from({ length: 3000 }, () =>
      Array.from(
        { length: 1 + random.int(12) },
        () => random.pick(["::", ":", ":", ".", "1", "ab", "255", "0", "f"]),
      ).join("")),
  ];
  for (const text of texts) {
    const expected = read(text);
    if (expected !== undefined) assertEquals([...parseAddress(text)], expected);
    else assertThrows(() => parseAddress(text), RangeError, "must be", text);
  }
});

Deno.test("An address of IPv4 is the number that be32 reads", () => {
  assertEquals(parseIpv4("192.0.2.1"), 0xc0000201);
  assertEquals(formatAddress(0xc0000201), "192.0.2.1");
  assertThrows(() => parseIpv4("::1"), RangeError, `received "::1"`);
  for (const address of [-1, 2 ** 32, 1.5, [1, 2, 3], [1, 2, 3, 256], []]) {
    assertThrows(() => formatAddress(address), RangeError);
  }
  assertThrows(
    () => formatAddress(new Uint8Array(99)),
    RangeError,
    "received 99",
  );
  for (const address of ["1234", null, {}, 1n]) {
    assertThrows(() => formatAddress(address as never), TypeError);
  }
  assertThrows(() => parseAddress(1 as never), TypeError);
});

Deno.test("Prefixes are read and written, and those that mean two things refused", () => {
  for (const text of ["0.0.0.0/0", "10.128.0.0/9", "::/0", "2001:db8::/33"]) {
    assertEquals(formatPrefixKey(prefixKey(text)), text);
  }
  assertEquals(formatPrefixKey(prefixKey("10.1.2.3")), "10.1.2.3/32");
  assertEquals(parsePrefix("fe80::1").length, 128);
  for (
    const text of [
      "10.1.2.3/8",
      "10.0.0.0/6",
      "::1/127",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/08",
      "10.0.0.0/-1",
      "10.0.0.0/8/8",
    ]
  ) assertThrows(() => prefixKey(text), RangeError, JSON.stringify(text));
  assertThrows(() => prefixKey("/8"), RangeError, `received ""`);
  const long = prefixKey("10.0.0.0");
  long[0] = 33;
  assertThrows(() => formatPrefixKey(long), RangeError, "received 33");
  assertThrows(() => formatPrefixKey([1, 2]), RangeError, "received 2");
});

const Key = struct("key", {
  _: HostLayout,
  length: u32,
  address: array(u8, 4),
});

bpfTest("The longest prefix of an address is found by such keys", () => {
  using map = BpfMap.create({
    type: "lpm_trie",
    keySize: 8,
    valueSize: 4,
    maxEntries: 8,
    flags: ["no_prealloc"],
  });
  const routes = ["0.0.0.0/0", "10.0.0.0/8", "10.64.0.0/10", "10.1.2.3/32"];
  for (const [index, text] of routes.entries()) {
    map.update(prefixKey(text), new Uint8Array([index, 0, 0, 0]));
  }
  const found = (text: string) => routes[map.lookup(prefixKey(text))![0]!];
  assertEquals(found("10.1.2.3"), "10.1.2.3/32");
  assertEquals(found("10.1.2.4"), "10.0.0.0/8");
  assertEquals(found("10.127.255.255"), "10.64.0.0/10");
  assertEquals(found("192.0.2.1"), "0.0.0.0/0");
  assertEquals(
    Array.from(map.keyBytes(), formatPrefixKey).sort(),
    routes.toSorted(),
  );
  const table = map.table({ keyType: Key, valueType: u32 });
  const { length, address } = parsePrefix("10.64.0.0/10");
  assertEquals(table.get({ length, address: [...address] }), 2);
  for (const key of table.keys()) {
    const text = `${formatAddress(key.address)}/${key.length}`;
    assert(routes.includes(text), text);
  }
});
