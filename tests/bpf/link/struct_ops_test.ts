import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BpfLink, BpfMap, BpfObject } from "../../../bpf/mod.ts";
import {
  ClosedError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import { u64 } from "../../../layout/mod.ts";
import { structOps, structOpsLinks, testWith } from "../../_needs.ts";
import { eventually, run } from "../../_support.ts";
import { attachable } from "../_attach.ts";
import { objectFile } from "../_objects.ts";
import { Sockets } from "./_sockets.ts";

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

/** A connection over the loopback interface with a congestion control. */
class Connection implements Disposable {
  readonly #sockets = new Sockets();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #socket: number;

  constructor(control: string) {
    const { port } = this.#listener.addr as Deno.NetAddr;
    this.#socket = this.#sockets.tcp(port, control);
  }

  /** Sends a few bytes, whose acknowledgement calls the congestion control. */
  send(): void {
    assertEquals(this.#sockets.send(this.#socket, "text"), 4);
  }

  [Symbol.dispose](): void {
    this.#sockets[Symbol.dispose]();
    this.#listener.close();
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
      for (
        const use of [
          () => link.info,
          () => link.detach(),
          () => link.update(object.map("successor")),
        ]
      ) {
        const unfit = assertThrows(use, NotSupportedError);
        assertStringIncludes(unfit.message, 'without the flag "link"');
      }
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
        TypeError,
        "Map must be a BpfMap: received a BpfProgram",
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
    const { name, bytes } = await objectBytes();
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      const input = await new Response(Deno.stdin.readable).bytes();
      BpfObject.load(input).map("congestion").attach();
      console.log(Deno.readTextFileSync("${CONTROLS}"));
      `,
      { permissions: ["-A"], stdin: bytes },
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, name);
    assert(!available().includes(name));
  },
);
