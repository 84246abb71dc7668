/** Text for people and for pipes: widths, colours, what others wrote. */

const encoder = new TextEncoder();

/** A style of text, as SGR of ECMA-48 numbers it. */
const STYLES = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
} as const;

/** The name of a style. */
export type StyleName = keyof typeof STYLES;

/** The output of a command, and how wide and colourful it may be. */
export class Output {
  /** True where somebody watches: a terminal, not a pipe or file. */
  readonly isTerminal: boolean;
  /** True where escape sequences may colour the text. */
  readonly hasColor: boolean;

  /**
   * Asks the environment: a terminal has colours unless `NO_COLOR` is set
   * (no-color.org) or `TERM` is `dumb`; `FORCE_COLOR` gives them to pipes, too.
   */
  constructor() {
    this.isTerminal = Deno.stdout.isTerminal();
    this.hasColor = !isSet("NO_COLOR") &&
      (isSet("FORCE_COLOR") ||
        this.isTerminal && variable("TERM") !== "dumb");
  }

  /** The width of the terminal in columns; Infinity for pipes and files. */
  get columns(): number {
    return this.isTerminal
      ? Math.max(Deno.consoleSize().columns, 20)
      : Infinity;
  }

  /** The height of the terminal in rows; Infinity for pipes and files. */
  get rows(): number {
    return this.isTerminal ? Math.max(Deno.consoleSize().rows, 4) : Infinity;
  }

  /** Writes text as it is. */
  write(text: string): void {
    let bytes = encoder.encode(text);
    while (bytes.length > 0) {
      bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
    }
  }

  /** Writes lines, each with its end. */
  lines(lines: Iterable<string>): void {
    let text = "";
    for (const line of lines) text += `${line}\n`;
    if (text !== "") this.write(text);
  }

  /** Writes a value as JSON; bigints as decimal strings beyond 2^53. */
  json(value: unknown): void {
    this.write(`${toJson(value)}\n`);
  }

  /** The text in a style; as it is where there are no colours. */
  style(text: string, style: StyleName): string {
    return this.hasColor ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }
}

function variable(name: string): string | undefined {
  // A command that may not read the environment writes plain text.
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

function isSet(name: string): boolean {
  return (variable(name) ?? "") !== "";
}

/**
 * A value as JSON. A bigint is a number where a number holds it exactly, and a
 * decimal string where not; bytes are an array of hexadecimal strings, as
 * bpftool(8) writes them.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part === "bigint") {
      const number = Number(part);
      return Number.isSafeInteger(number) ? number : `${part}`;
    }
    if (part instanceof Uint8Array) {
      return Array.from(
        part,
        (byte) => `0x${byte.toString(16).padStart(2, "0")}`,
      );
    }
    if (ArrayBuffer.isView(part)) return Array.from(part as Uint8Array);
    return part;
  }, 2);
}

/**
 * Text that somebody else wrote, with control characters and other invisible
 * ones escaped, so that it cannot control the terminal.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

// East Asian wide and full-width characters, and emoji, take two columns.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
// deno-lint-ignore no-control-regex
const STYLING = /(\x1b\[[\d;]*m)/g;
const segmenter = new Intl.Segmenter();

/** The columns that text takes on a terminal. */
export function widthOf(text: string): number {
  const plain = text.replace(STYLING, "");
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of segmenter.segment(plain)) {
    width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

/** Text cut to a width, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let columns = 0;
  let isStyled = false;
  for (const part of text.split(STYLING)) {
    if (part.startsWith("\x1b")) {
      kept += part;
      isStyled = !part.endsWith("[0m");
      continue;
    }
    for (const { segment } of segmenter.segment(part)) {
      const own = widthOf(segment);
      if (columns + own > width - 1) {
        return `${kept}…${isStyled ? "\x1b[0m" : ""}`;
      }
      kept += segment;
      columns += own;
    }
  }
  return kept;
}
