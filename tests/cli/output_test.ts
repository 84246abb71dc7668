import { assert, assertEquals } from "@std/assert";
import { cut, printable, toJson, widthOf } from "../../cli/output.ts";
import { tableLines } from "../../cli/table.ts";

const plain = (columns: number) => ({
  columns,
  style: (text: string) => text,
});

Deno.test("A table aligns text to the left and numbers to the right", () => {
  assertEquals(
    tableLines({
      titles: ["id", "name", "bytes"],
      rows: [["7", "a", "8 B"], ["12", "long name", "4096 B"]],
    }, plain(Infinity)),
    [
      "id  name        bytes",
      " 7  a             8 B",
      "12  long name  4096 B",
    ],
  );
});

Deno.test("A table fits the terminal, and says where text is missing", () => {
  const table = {
    titles: ["id", "path", "name"],
    rows: [["1", "/sys/fs/bpf/a/very/long/path", "flows"]],
  };
  for (let columns = 16; columns < 50; columns++) {
    for (const line of tableLines(table, plain(columns))) {
      assert(widthOf(line) <= columns, `${columns}: ${line}`);
    }
  }
  assertEquals(
    tableLines(table, plain(26)),
    [
      "id  path             name",
      " 1  /sys/fs/bpf/a/…  flows",
    ],
  );
});

Deno.test("A table that does not fit leaves out first what is empty, and does not name it", () => {
  const table = {
    titles: ["id", "pinned", "name"],
    rows: [["1", "", "a name of some length"], ["2", "", ""]],
  };
  assertEquals(tableLines(table, plain(25)), [
    "id  name",
    " 1  a name of some length",
    " 2",
  ]);
  assertEquals(tableLines(table, plain(33))[0], "id  pinned  name");
  assertEquals(tableLines({ ...table, rows: [] }, plain(12))[0], "id  pinned");
});

Deno.test("A table leaves out whole columns before it cuts a number", () => {
  const table = {
    titles: ["id", "name", "bytes", "held by"],
    rows: [["406580", "perf_event_array", "1143232 B", "deno(1966)"]],
  };
  assertEquals(tableLines(table, plain(30)), [
    "    id  name          bytes",
    "406580  perf_ev…  1143232 B",
    "(too narrow for held by)",
  ]);
  for (let columns = 8; columns < 60; columns++) {
    const lines = tableLines(table, plain(columns));
    for (const line of lines) assert(widthOf(line) <= columns, line);
    assert(!lines[1]!.includes("11432…"), lines[1]);
  }
});

Deno.test("Wide characters and emoji take two columns, combining ones none", () => {
  assertEquals(widthOf("漢字"), 4);
  assertEquals(widthOf("e\u0301"), 1);
  assertEquals(widthOf("\x1b[31mred\x1b[0m"), 3);
  assertEquals(cut("漢字漢字", 5), "漢字…");
  assertEquals(cut("\x1b[31mcoloured\x1b[0m", 5), "\x1b[31mcolo…\x1b[0m");
});

Deno.test("What others wrote has no control character left", () => {
  assertEquals(
    printable("a\x1b[2Jb\u202ec\u2028d\u{e0001}"),
    "a\\u{1b}[2Jb\\u{202e}c\\u{2028}d\\u{e0001}",
  );
  assertEquals(printable("Grüße, 漢字"), "Grüße, 漢字");
});

Deno.test("JSON has bigints as numbers where they are exact, and else as text", () => {
  assertEquals(
    JSON.parse(toJson({
      small: 7n,
      large: 2n ** 63n,
      bytes: new Uint8Array([0, 255]),
      words: new Uint16Array([1, 2]),
    })),
    {
      small: 7,
      large: "9223372036854775808",
      bytes: ["0x00", "0xff"],
      words: [1, 2],
    },
  );
});
