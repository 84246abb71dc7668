/** `hostmem doctor`: what this machine allows, and the remedy for what it does not. */

import type { Command } from "../command.ts";
import type { Finding, State } from "../doctor/check.ts";
import { featureFindings } from "../doctor/features.ts";
import { systemFindings } from "../doctor/system.ts";
import { toolFindings } from "../doctor/tools.ts";
import { type Output, printable, type StyleName } from "../output.ts";
import { version } from "../version.ts";

/** The sign before each finding, and its colour. */
const SIGNS: Readonly<Record<State, readonly [sign: string, StyleName]>> = {
  ok: ["✓", "green"],
  limited: ["!", "yellow"],
  missing: ["✗", "red"],
};

const REMEDY_INDENT = " ".repeat(6);
const ARROW = "→ ";

function* sectionLines(
  title: string,
  findings: readonly Finding[],
  output: Output,
): Generator<string> {
  yield output.style(title, "bold");
  const width = Math.max(...findings.map(({ name }) => name.length));
  const room = output.columns;
  for (const { name, state, found, remedy } of findings) {
    const [sign, style] = SIGNS[state];
    const indent = " ".repeat(width + 6);
    const [first, ...rest] = wrapped(printable(found), room - indent.length);
    yield `  ${output.style(sign, style)} ${name.padEnd(width)}  ${first}`;
    yield* rest.map((line) => indent + line);
    if (remedy !== undefined) {
      const width = room - REMEDY_INDENT.length - ARROW.length;
      yield* wrapped(remedy, width).map((line, index) => {
        const sign = index === 0 ? ARROW : " ".repeat(ARROW.length);
        return REMEDY_INDENT + output.style(sign + line, "dim");
      });
    }
  }
}

/** Words in lines of at most so many columns. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** The command. */
export const doctor: Command = {
  name: "doctor",
  parameters: "",
  summary: "Show what this machine allows, and how to get the rest",
  details:
    "Each check tries the thing on this kernel, and leaves nothing behind.",
  examples: ["doctor", "doctor --json"],
  options: {
    json: { type: "boolean", short: "j", help: "Write JSON" },
  },
  count: [0, 0],
  run(given, output) {
    const sections = {
      system: systemFindings(),
      tools: toolFindings(),
      features: featureFindings(),
    };
    if (given.is("json")) {
      return output.json({
        versions: { hostmem: version, ...Deno.version },
        ...sections,
      });
    }
    output.lines([
      `hostmem ${version}, Deno ${Deno.version.deno}`,
      "",
      ...sectionLines("System", sections.system, output),
      "",
      ...sectionLines("Tools", sections.tools, output),
      "",
      ...sectionLines("BPF", sections.features, output),
    ]);
  },
};
