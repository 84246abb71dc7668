import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BpfLink, BpfMap, BpfObject } from "../../bpf/mod.ts";
import { ClosedError, NotSupportedError, SystemError } from "../../errors.ts";
import { u64 } from "../../layout/mod.ts";
import { structOps, structOpsLinks, testWith } from "../_needs.ts";
import { eventually, run } from "../_support.ts";
import { attachable } from "./_attach.ts";
import { objectFile } from "./_objects.ts";

const structOpsTest = testWith(attachable, structOps);
const linkTest = testWith(attachable, structOps, structOpsLinks);

/** An object with congestion controls of a name that nobody else has. */
async function objectBytes(): Promise<
  { name: string; bytes: Uint8Array<ArrayBuffer> }
> {
  const name = `hm_${crypto.randomUUID().slice(0, 8)}`;
  const bytes = await Deno.readFile(await objectFile("struct_ops"));
  const text = new TextDecoder("latin1").decode(bytes);
  for (const { index } of text.matchAll(/bpf_hostmem/g)) {
    new TextEncoder().encodeInto(name, bytes.subarray(index));
  }
  return { name, bytes };
}

async function load(
  options: Parameters<typeof BpfObject.load>[1] = {},
): Promise<{ object: BpfObject; name: string }> {
  const { name, bytes } = await objectBytes();
  return { object: BpfObject.load(bytes, options), name };
}

/** Those of the system. */
const CONTROLS = "/proc/sys/net/ipv4/tcp_available_congestion_control";

function available(): string[] {
  return Deno.readTextFileSync(CONTROLS).trim().split(" ");
}

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;

/** A connection over the loopback interface with a congestion control. */
class Connection implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    setsockopt: {
      parameters: ["i32", "i32", "i32", "buffer", "u32"],
      result: "i32",
    },
    connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
  });
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #socket: number;

  constructor(control: string) {
    const { socket, setsockopt, connect } = this.#libc.symbols;
    this.#socket = socket(AF_INET, SOCK_STREAM, 0);
    const name = new TextEncoder().encode(control);
    const size = name.length;
    assertEquals(
      setsockopt(this.#socket, IPPROTO_TCP, TCP_CONGESTION, name, size),
      0,
    );
    const { port } = this.#listener.addr as Deno.NetAddr;
    const address = new DataView(new ArrayBuffer(16));
    address.setUint16(0, AF_INET, true);
    address.setUint16(2, port);
    address.setUint32(4, 0x7f00_0001);
    assertEquals(connect(this.#socket, address, 16), 0);
  }

  /** Sends a few bytes, whose acknowledgement calls the congestion control. */
  send(): void {
    const { write } = this.#libc.symbols;
    assertEquals(write(this.#socket, new Uint8Array(100), 100n), 100n);
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#socket);
    this.#listener.close();
    this.#libc.close();
  }
}

const calls = (object: BpfObject, which: "first" | "second") =>
  object.variable(`${which}_calls`, u64).pointer().value;

structOpsTest(
  "BpfMap.attach() gives the kernel a congestion control, which a connection uses, until the link is closed",
  async () => {
    const { object, name } = await load();
    using _ = object;
    assert(!available().includes(name));
    {
      using link = object.map("congestion").attach();
      assert(available().includes(name));
      using connection = new Connection(name);
      connection.send();
      await eventually(() => calls(object, "first") > 0n);
      const taken = assertThrows(
        () => object.map("successor").attach(),
        SystemError,
      );
      assertMatch(taken.message, /EEXIST .*the kernel has one of this name/);
      // It is no link of the kernel's: that takes the flag.
      assertThrows(() => link.info, NotSupportedError);
      const unfit = assertThrows(
        () => link.update(object.map("successor")),
        NotSupportedError,
      );
      assertStringIncludes(unfit.message, 'made with the flag "link"');
    }
    assert(!available().includes(name));
    const map = object.map("congestion");
    assertMatch(
      assertThrows(() => map.attach(), SystemError).message,
      /EBUSY .*the map is attached, or was/,
    );
    // An object that is closed closes the links of its maps.
    object.map("successor").attach();
    assert(available().includes(name));
    object.close();
    assert(!available().includes(name));
    assertThrows(() => map.attach(), ClosedError);
  },
);

linkTest(
  'A map of struct_ops with the flag "link" has a link, which is updated under a connection',
  async () => {
    const { object, name } = await load({
      maps: {
        congestion: { flags: ["link"] },
        successor: { flags: ["link"] },
      },
    });
    using _ = object;
    const [first, second] = [object.map("congestion"), object.map("successor")];
    {
      using link = first.attach();
      assert(available().includes(name));
      assertEquals(link.info.target, {
        kind: "struct_ops",
        mapId: first.info.id,
      });
      assertEquals(link.info.type, "struct_ops");
      using connection = new Connection(name);
      connection.send();
      await eventually(() => calls(object, "first") > 0n);
      link.update(second, { old: first });
      assertEquals(link.info.target, {
        kind: "struct_ops",
        mapId: second.info.id,
      });
      assert(available().includes(name));
      using other = new Connection(name);
      other.send();
      await eventually(() => calls(object, "second") > 0n);
      const wrong = assertThrows(
        () => link.update(first, { old: first }),
        SystemError,
      );
      assertEquals(wrong.code, "EPERM");
      assertThrows(
        () => link.update(object.program("ssthresh")),
        SystemError,
        "EINVAL",
      );
      using opened = BpfLink.fromId(link.info.id);
      link.update(first);
      assertEquals(opened.info.target, {
        kind: "struct_ops",
        mapId: first.info.id,
      });
    }
    assert(!available().includes(name));
    // Once more, though its value is set.
    using again = first.attach();
    again.detach();
    assert(!available().includes(name));
  },
);

testWith(attachable)(
  "BpfMap.attach() refuses maps that are not of struct_ops, or of no object",
  () => {
    using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
    const refusal = assertThrows(() => map.attach(), NotSupportedError);
    assertMatch(
      refusal.message,
      /^Cannot attach map of type array: it must be of type struct_ops, and of a BpfObject/,
    );
    map.close();
    assertThrows(() => map.attach(), ClosedError);
  },
);

structOpsTest(
  "What is attached without a link goes with the program, whether it is closed or not",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      const input = await new Response(Deno.stdin.readable).bytes();
      BpfObject.load(input).map("congestion").attach();
      console.log(Deno.readTextFileSync("${CONTROLS}"));
      `,
      { permissions: ["-A"], stdin: (await objectBytes()).bytes },
    );
    assertEquals(code, 0, stderr);
    const added = stdout.trim().split(" ").filter((name) =>
      name.startsWith("hm_")
    );
    assert(added.length > 0);
    assertEquals(available().filter((name) => added.includes(name)), []);
  },
);
