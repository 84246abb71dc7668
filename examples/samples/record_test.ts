import { assertEquals } from "@std/assert";
import { numpy, testWith } from "../../tests/_needs.ts";
import { run } from "../../tests/_support.ts";

testWith(numpy)(
  "samples/record.ts finds by numpy the frequencies that it recorded",
  async () => {
    const example = new URL("record.ts", import.meta.url);
    const { code, stdout, stderr } = await run(example, {
      permissions: ["-A"],
    });
    assertEquals({ code, stderr }, { code: 0, stderr: "" }, stdout);
    assertEquals(
      stdout,
      "2000 samples until 1.999 s\n" +
        "channel 0: 50 Hz\nchannel 1: 120 Hz\nchannel 2: 3 Hz\nchannel 3: 440 Hz\n",
    );
  },
);
