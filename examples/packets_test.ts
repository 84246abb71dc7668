import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { networks, packetSockets, testWith } from "../tests/_needs.ts";
import { repository } from "../tests/_support.ts";

const example = fromFileUrl(new URL("packets.ts", import.meta.url));

/** More than the ring has frames. */
const COUNT = 600;

testWith(networks, packetSockets)(
  "packets.ts shows the packets of a network lap after lap, with --allow-ffi alone",
  async () => {
    const script = [
      "ip link set lo up",
      "while :; do echo hello >/dev/udp/127.0.0.1/9999; done 2>/dev/null &",
      '"$@"',
      "code=$?",
      "kill $!",
      "exit $code",
    ].join("\n");
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...["--net", "--pid", "--fork", "--kill-child", "bash", "-c", script],
        "bash",
        ...[Deno.execPath(), "run", "--no-lock", "--no-prompt"],
        ...["--allow-ffi", example, `${COUNT}`],
      ],
      cwd: repository,
      env: { NO_COLOR: "1" },
      signal: AbortSignal.timeout(60_000),
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const [head, ...rows] = new TextDecoder().decode(stdout).trimEnd()
      .split("\n");
    assertMatch(head!, /^TIME +BYTES PROTOCOL FROM +TO$/);
    assertEquals(rows.length, COUNT);
    const times = rows.map((row) => {
      // Six bytes over UDP, or the answer by ICMP that nobody is there.
      assertMatch(
        row,
        /^\d+\.\d{6} +(48 +17|76 +1) +127\.0\.0\.1 +127\.0\.0\.1$/,
      );
      return Number(row.split(" ")[0]);
    });
    assert(Math.abs(times[0]! * 1000 - Date.now()) < 60_000, `${times[0]}`);
    assert(rows.some((row) => / 17 /.test(row)));
  },
);
