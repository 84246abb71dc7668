// deno-lint-ignore-file camelcase
/** The kernel's code of a program, beside what bpftool says of it. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { BpfMap, BpfObject } from "../../../bpf/mod.ts";
import { NotSupportedError } from "../../../errors.ts";
import { bpfMaps, bpfObjects, command, root, testWith } from "../../_needs.ts";
import { TemporaryDirectory } from "../../_support.ts";
import { objectFile } from "../_objects.ts";

const bpftool = command("bpftool");

/** An instruction as bpftool writes it; the first of a line has the line. */
interface Dumped {
  readonly src?: string;
  readonly line_num?: number;
  readonly line_col?: number;
}

function run(...args: string[]): string {
  const { stdout, success } = new Deno.Command("bpftool", { args })
    .outputSync();
  assert(success, args.join(" "));
  return new TextDecoder().decode(stdout);
}

testWith(bpfObjects, root, bpftool)(
  "BpfProgram.code() gives the instructions of bpftool, and where they lie",
  async () => {
    using object = BpfObject.load(await objectFile("maps"));
    using directory = new TemporaryDirectory();
    const { enter } = object.programs;
    const { instructions, machineCode, functions, lines } = enter!.code();
    const id = `${enter!.info.id}`;

    const file = directory.join("instructions");
    run("prog", "dump", "xlated", "id", id, "file", file);
    const bytes = Deno.readFileSync(file);
    const view = new DataView(bytes.buffer);
    assertEquals(instructions.length, bytes.length / 8);
    instructions.forEach(({ code, target, source, offset, immediate }, i) => {
      assertEquals(
        [code, target | source << 4, offset, immediate],
        [
          view.getUint8(i * 8),
          view.getUint8(i * 8 + 1),
          view.getInt16(i * 8 + 2, true),
          view.getInt32(i * 8 + 4, true),
        ],
      );
    });
    assertEquals(machineCode.length, enter!.info.jitedSize);
    const symbols = Deno.readTextFileSync("/proc/kallsyms");
    const symbol = new RegExp(
      `^(\\w+) . bpf_prog_${enter!.info.tag}_enter`,
      "m",
    );
    const [, address] = symbol.exec(symbols) ?? [];
    if (address !== undefined) {
      assertEquals(functions[0]!.address, BigInt(`0x${address}`));
    }

    // It has a function of its own, which is not inlined.
    assertEquals(functions.map(({ name }) => name), ["enter", "lookup"]);
    const parts = functions.flatMap(({ machineCode }) => [...machineCode]);
    assertEquals(parts, [...machineCode]);
    const [, { instruction }] = functions as [unknown, typeof functions[0]];
    assertEquals(instructions[instruction]!.line!.instruction, instruction);

    const source = Deno.readTextFileSync(
      new URL("../programs/maps.bpf.c", import.meta.url),
    ).split("\n");
    const told = lines.filter(({ line }) => line > 0);
    assert(told.length > 5);
    for (const { line, text, file } of told) {
      if (file.endsWith("maps.bpf.c")) assertEquals(text, source[line - 1]);
    }
    const dumped: Dumped[] = JSON.parse(
      run("--json", "prog", "dump", "xlated", "id", id, "linum"),
    );
    assertEquals(
      lines.map(({ line, column, text }) => [line, column, text.trim()]),
      dumped.filter(({ src }) => src !== undefined).map((
        { line_num: line = 0, line_col: column = 0, src },
      ) => [line, column, src]),
    );
    const addresses = lines.map(({ address }) => address);
    assertEquals(
      addresses.includes(functions[0]!.address),
      machineCode.length > 0,
    );
    if (machineCode.length === 0) return;
    functions.forEach(({ instruction, address, machineCode }, i) => {
      const next = functions[i + 1]?.instruction ?? instructions.length;
      const own = lines.filter((line) =>
        line.instruction >= instruction && line.instruction < next
      );
      assertEquals(own[0]!.address, address);
      const end = address! + BigInt(machineCode.length);
      assert(own.every((line) => line.address! >= address!));
      assert(own.every((line) => line.address! < end));
    });
  },
);

testWith(bpfObjects, root, bpftool)(
  "memlock and frozen are what bpftool says of maps and programs",
  async () => {
    using object = BpfObject.load(await objectFile("streams"));
    const { prints } = object.programs;
    const program = JSON.parse(
      run("--json", "prog", "show", "id", `${prints!.info.id}`),
    );
    assertEquals(prints!.memlock, program.bytes_memlock);
    using map = BpfMap.create({ type: "array", valueSize: 8, maxEntries: 9 });
    assertEquals(map.frozen, false);
    map.freeze();
    const told = JSON.parse(
      run("--json", "map", "show", "id", `${map.info.id}`),
    );
    assertEquals([map.memlock, map.frozen], [
      told.bytes_memlock,
      told.frozen === 1,
    ]);
    assertEquals(map.frozen, true);
  },
);

testWith(bpfMaps, bpfObjects)(
  "BpfProgram.readStream() takes what a program has printed",
  async () => {
    using object = BpfObject.load(await objectFile("streams"));
    const { prints } = object.programs;
    assertThrows(
      () => prints!.readStream("out" as "stdout"),
      TypeError,
      'must be "stdout" or "stderr"',
    );
    // Below 0 where this kernel has no such function, or no memory for it.
    const hasPrinted = prints!.run().returnValue >= 0;
    try {
      const text = prints!.readStream("stdout");
      assertEquals(text, hasPrinted ? "the answer is 42\n" : "");
      assertEquals(prints!.readStream("stdout"), "");
      assertEquals(prints!.readStream("stderr"), "");
    } catch (error) {
      assert(error instanceof NotSupportedError && !hasPrinted, `${error}`);
    }
  },
);
