import { assertEquals } from "@std/assert";
import { isolated } from "../../tests/bpf/_network.ts";
import {
  bpfObjects,
  clang,
  networks,
  testWith,
  xdpSockets,
} from "../../tests/_needs.ts";
import { run } from "../../tests/_support.ts";

/** More than the memory has frames. */
const COUNT = 1000;
const BURST = 200;

testWith(clang, bpfObjects, networks, xdpSockets)(
  "xdp_echo/echo.ts sends back what comes, each frame many times",
  async () => {
    const { code, stdout, stderr } = await run(
      `
      import { Pair } from "./tests/bpf/_network.ts";
      using pair = await Pair.make();
      const server = new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-lock", "-A", "examples/xdp_echo/echo.ts", "here"],
        stdout: "piped",
      }).spawn();
      const output = server.stdout.getReader();
      const { value } = await output.read();
      console.log(new TextDecoder().decode(value).trim());
      try {
        console.log(pair.there(
          Deno.execPath(),
          "eval",
          "--no-lock",
          "--unstable-net",
          \`
          const socket = Deno.listenDatagram({ transport: "udp", hostname: "10.9.0.2", port: 0 });
          const to = { transport: "udp", hostname: "10.9.0.1", port: 7 };
          let same = 0;
          const encoder = new TextEncoder(), decoder = new TextDecoder();
          for (let i = 0; i < ${COUNT}; i++) {
            const text = "datagram " + i;
            await socket.send(encoder.encode(text), to);
            const [bytes, from] = await socket.receive();
            if (decoder.decode(bytes) === text && from.port === 7) same++;
          }
          // Many at once, of which the kernel sends some at a time.
          for (let i = 0; i < ${BURST}; i++) await socket.send(encoder.encode("burst"), to);
          for (let i = 0; i < ${BURST}; i++) {
            if (decoder.decode((await socket.receive())[0]) === "burst") same++;
          }
          console.log(same);
          \`,
        ).trim());
      } finally {
        server.kill();
        await output.cancel();
        await server.status;
      }
      `,
      { permissions: ["-A"], under: isolated },
    );
    assertEquals(code, 0, stderr);
    assertEquals(
      stdout,
      `Echoing what comes to port 7 of here\n${COUNT + BURST}\n`,
    );
  },
);
