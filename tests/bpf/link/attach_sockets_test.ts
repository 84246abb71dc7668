import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BpfMap, type BpfProgram } from "../../../bpf/mod.ts";
import {
  ClosedError,
  NotSupportedError,
  SystemError,
} from "../../../errors.ts";
import { sockmaps, testWith } from "../../_needs.ts";
import { eventually } from "../../_support.ts";
import { attachable, Counters } from "../_attach.ts";
import { objectFile } from "../_objects.ts";
import { descriptorOfConnection, Sockets } from "./_sockets.ts";

const socketTest = testWith(attachable);
const sockmapTest = testWith(attachable, sockmaps);

async function load(): Promise<Counters> {
  return new Counters(await objectFile("sockets"));
}

/** A connection: the end that libc made, and the end that Deno has. */
class Line implements AsyncDisposable {
  static async make(sockets: Sockets): Promise<Line> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const fd = sockets.tcp((listener.addr as Deno.NetAddr).port);
    return new Line(fd, await accepted);
  }

  private constructor(readonly fd: number, readonly other: Deno.TcpConn) {}

  /** Reads what arrives at Deno's end. */
  async read(): Promise<string> {
    const room = new Uint8Array(1000);
    const length = await this.other.read(room);
    return new TextDecoder().decode(room.subarray(0, length ?? 0));
  }

  async write(text: string): Promise<void> {
    await this.other.write(new TextEncoder().encode(text));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.other.close();
    return Promise.resolve();
  }
}

sockmapTest(
  "A program of a sockmap sees what its sockets send, those of Deno too, and may drop it",
  async () => {
    using counters = await load();
    using sockets = new Sockets();
    const map = counters.object.map("sockets");
    const see = counters.program("see_sent");
    {
      using link = see.attach({ kind: "sockmap", map });
      assertEquals(link.info.target, {
        kind: "sockmap",
        mapId: map.info.id,
        attachType: "sk_msg_verdict",
      });
      assertEquals(link.info.programId, see.info.id);
      await using line = await Line.make(sockets);
      map.updateSocket(0, line.fd);
      assertEquals(sockets.send(line.fd, "forty-two"), 9);
      assertEquals(await line.read(), "forty-two");
      assertEquals([counters.get("first"), counters.get("value")], [1, 9]);
      map.updateSocket(1, descriptorOfConnection(line.other));
      await line.write("seven");
      await eventually(() => sockets.receive(line.fd) === "seven");
      assertEquals([counters.get("first"), counters.get("value")], [2, 5]);
      // Sockets have the programs that the map had when they were stored.
      link.update(counters.program("drop_sent"));
      assertEquals(link.info.programId, counters.program("drop_sent").info.id);
      await using next = await Line.make(sockets);
      map.updateSocket(2, next.fd);
      assertEquals(sockets.send(next.fd, "nothing"), -1);
      assertEquals([counters.get("first"), counters.get("second")], [2, 1]);
      assertThrows(
        () => link.update(counters.program("send_on")),
        SystemError,
      );
      link.detach();
    }
    await using line = await Line.make(sockets);
    map.updateSocket(3, line.fd);
    assertEquals(sockets.send(line.fd, "unseen"), 6);
    assertEquals([counters.get("first"), counters.get("second")], [2, 1]);
  },
);

sockmapTest(
  "Programs of a sockmap send what a socket receives on by another, message by message",
  async () => {
    using counters = await load();
    using sockets = new Sockets();
    const map = counters.object.map("sockets");
    using _parser = counters.program("end_of_message")
      .attach({ kind: "sockmap", map });
    using _verdict = counters.program("send_on")
      .attach({ kind: "sockmap", map });
    await using line = await Line.make(sockets);
    await using next = await Line.make(sockets);
    map.updateSocket(0, line.fd);
    map.updateSocket(1, next.fd);
    for (const text of ["there", "and on"]) {
      await line.write(text);
      assertEquals(await next.read(), text);
    }
    const again = assertThrows(() => map.updateSocket(2, line.fd), SystemError);
    assertMatch(again.message, /EBUSY .*has programs of a map already/);
    assertEquals([counters.get("first"), counters.get("second")], [2, 2]);
    assertEquals(sockets.receive(line.fd), undefined);
    // The map lets go of what is closed.
    assert(map.lookup(0) !== undefined);
    sockets.close(line.fd);
    assertEquals(map.lookup(0), undefined);
  },
);

sockmapTest(
  "Attaching to a sockmap, and storing sockets, say what is wrong",
  async () => {
    using counters = await load();
    using sockets = new Sockets();
    const map = counters.object.map("by_name");
    const see = counters.program("see_sent");
    using array = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 1 });
    const refusals: [() => unknown, string, RegExp][] = [
      [
        () => see.attach({ kind: "sockmap", map: array }),
        "NotSupportedError",
        /to a map of type array: its type must be sockmap or sockhash/,
      ],
      [
        () => see.attach({ kind: "sockmap", map: see }),
        "TypeError",
        /Map must be a BpfMap: received a BpfProgram/,
      ],
      [
        () =>
          see.attach({ kind: "sockmap", map, attachType: "sk_skb_verdict" }),
        "NotSupportedError",
        /as sk_skb_verdict: pass attachType sk_msg_verdict/,
      ],
      [
        () => counters.program("keep_three").attach({ kind: "sockmap", map }),
        "NotSupportedError",
        /its type must be sk_skb or sk_msg/,
      ],
      [() => see.attach(), "NotSupportedError", /kind: "sockmap"/],
      [
        () => map.updateSocket(0, sockets.idle()),
        "SystemError",
        /E(INVAL|OPNOTSUPP) .*must be connected or listening/,
      ],
      [
        () => map.updateSocket(0, array.fd),
        "SystemError",
        /E(INVAL|OPNOTSUPP|NOTSOCK)/,
      ],
      [() => map.updateSocket(0, 0.5), "RangeError", /Descriptor/],
      [
        () => array.updateSocket(0, sockets.idle()),
        "NotSupportedError",
        /A map of type array holds no sockets/,
      ],
    ];
    for (const [act, name, message] of refusals) {
      const error = assertThrows(act, Error);
      assertEquals(error.name, name, error.message);
      assertMatch(error.message, message);
    }
    await using line = await Line.make(sockets);
    map.updateSocket(7, line.fd);
    using link = see.attach({ kind: "sockmap", map });
    map.updateSocket(7, line.fd);
    sockets.send(line.fd, "x");
    assertEquals(counters.get("first"), 1);
    link.close();
    assertThrows(() => link.info, ClosedError);
  },
);

/** A socket, and what it receives of a text that is sent to it. */
function receiverOf(sockets: Sockets) {
  const [receiver, port] = sockets.udp();
  const [sender] = sockets.udp();
  sockets.connect(sender, port);
  const passed = (text: string) => {
    sockets.send(sender, text);
    return sockets.receive(receiver);
  };
  return { receiver, passed };
}

socketTest(
  "A filter of a socket keeps what it says of each packet, until its link is closed",
  async () => {
    using counters = await load();
    using sockets = new Sockets();
    const keep = counters.program("keep_three");
    const { receiver, passed } = receiverOf(sockets);
    {
      using link = keep.attach({ kind: "socket_filter", socket: receiver });
      assertEquals(passed("forty"), "for");
      assertEquals(link.info, {
        type: undefined,
        typeNumber: 0,
        id: 0,
        programId: keep.info.id,
        target: { kind: "socket_filter" },
      });
      assertMatch(Deno.inspect(link), /^BpfLink \{ socket_filter \}$/);
      link.update(counters.program("drop_all"));
      assertEquals(passed("forty"), undefined);
      assertEquals([counters.get("first"), counters.get("second")], [1, 1]);
      assertThrows(
        () => link.update(counters.program("see_sent")),
        SystemError,
      );
      assertThrows(() => link.fd, NotSupportedError);
    }
    assertEquals(passed("forty"), "forty");
    const attach = (socket: number) =>
      assertThrows(
        () => keep.attach({ kind: "socket_filter", socket }),
        SystemError,
      ).message;
    assertMatch(attach(counters.map.fd), /ENOTSOCK .*must be of a socket/);
    assertMatch(attach(999_999), /EBADF/);
    assertThrows(() => keep.attach(), NotSupportedError, "socket_filter");
  },
);

socketTest(
  "A link to a socket leaves the filter of a later link to it",
  async () => {
    using counters = await load();
    using sockets = new Sockets();
    const { receiver, passed } = receiverOf(sockets);
    const to = { kind: "socket_filter", socket: receiver } as const;
    const first = counters.program("drop_all").attach(to);
    using second = counters.program("keep_three").attach(to);
    first.detach();
    assertEquals(passed("forty"), "for");
    first.close();
    assertEquals(passed("forty"), "for");
    second.close();
    assertEquals(passed("forty"), "forty");
  },
);

for (const name of ["choose_index", "choose_socket"]) {
  socketTest(
    `Program ${name} chooses among sockets that share a port, until its link is closed`,
    async () => {
      using counters = await load();
      using sockets = new Sockets();
      const [first, port] = sockets.udp();
      const [second] = sockets.udp(port);
      counters.object.map("group").updateSocket(1, second);
      const [sender] = sockets.udp();
      sockets.connect(sender, port);
      const program: BpfProgram = counters.program(name);
      {
        using link = program.attach({ kind: "reuseport", socket: first });
        for (let i = 0; i < 20; i++) {
          sockets.send(sender, `${i}`);
          assertEquals(sockets.receive(second), `${i}`);
        }
        assertEquals(counters.get("first"), 20);
        assertEquals(link.info.target, { kind: "reuseport" });
      }
      sockets.send(sender, "unseen");
      assertEquals(counters.get("first"), 20);
    },
  );
}
