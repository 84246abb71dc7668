/**
 * A pair of connected interfaces, one of them in a network namespace of its own,
 * for programs that are run in one already, by {@linkcode isolated}.
 *
 * @module
 */

/** A command under which a program has network and mounts for itself. */
export const isolated: string[] = ["unshare", "--net", "--mount"];

/** Runs a command. @throws {Error} with what it said, if it fails. */
export function sh(...command: string[]): string {
  const [name, ...args] = command;
  const { success, stdout, stderr } = new Deno.Command(name!, { args })
    .outputSync();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`${command.join(" ")}: ${decoder.decode(stderr)}`);
  }
  return decoder.decode(stdout);
}

/** `here`, 10.9.0.1, and `there`, 10.9.0.2, each knowing the other. */
export class Pair implements Disposable {
  readonly #holder: Deno.ChildProcess;

  private constructor(holder: Deno.ChildProcess) {
    this.#holder = holder;
  }

  /** Makes them. */
  static async make(): Promise<Pair> {
    // Whatever becomes of this process, the other namespace goes with it.
    const holder = new Deno.Command("unshare", {
      args: [
        "--net",
        "setpriv",
        "--pdeathsig",
        "KILL",
        "sh",
        "-c",
        "echo ready; exec sleep 600",
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const pair = new Pair(holder);
    const peer = `${holder.pid}`;
    sh("ip", "link", "set", "lo", "up");
    sh(..."ip link add here type veth peer name there netns".split(" "), peer);
    pair.#setUp((...command) => sh(...command), "here", 1);
    pair.#setUp((...command) => pair.there(...command), "there", 2);
    const mac = (text: string) => /link\/ether (\S+)/.exec(text)![1]!;
    const here = mac(sh("ip", "link", "show", "here"));
    const there = mac(pair.there("ip", "link", "show", "there"));
    sh(..."ip neigh replace 10.9.0.2 dev here lladdr".split(" "), there);
    pair.there(
      ..."ip neigh replace 10.9.0.1 dev there lladdr".split(" "),
      here,
    );
    return pair;
  }

  #setUp(
    run: (...command: string[]) => string,
    name: string,
    number: number,
  ): void {
    run("ip", "address", "add", `10.9.0.${number}/24`, "dev", name);
    run("ip", "link", "set", name, "up");
  }

  /** A process in the other namespace. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Runs a command in the other namespace. */
  there(...command: string[]): string {
    return sh(
      "nsenter",
      `--net=/proc/${this.#holder.pid}/ns/net`,
      ...command,
    );
  }

  /** Sends so many datagrams to 10.9.0.1, one packet each. */
  send(count: number, port = 9999): void {
    this.there("bash", "-c", sending(count, "10.9.0.1", port));
  }

  /** The same beside this process: ends when all are sent. */
  async sendBeside(count: number, port = 9999): Promise<void> {
    const { success } = await new Deno.Command("nsenter", {
      args: [
        `--net=/proc/${this.#holder.pid}/ns/net`,
        "bash",
        "-c",
        sending(count, "10.9.0.1", port),
      ],
    }).output();
    if (!success) throw new Error("Sending failed");
  }

  [Symbol.dispose](): void {
    this.#holder.kill("SIGKILL");
  }
}

function sending(count: number, address: string, port: number): string {
  // A socket for each: one that is told that nobody listens skips a datagram.
  const target = `/dev/udp/${address}/${port}`;
  return `for ((i = 0; i < ${count}; i++)); do echo >${target}; done`;
}
