/** Pieces of TypeScript. */

/** A property's name. */
export function propertyName(name: string): string {
  // Without the brackets it would be the object's prototype.
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** An access to a property. */
export function access(object: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name)
    ? `${object}.${name}`
    : `${object}[${JSON.stringify(name)}]`;
}

/** A doc comment of one line, which its text must not end. */
export function docLine(text: string): string {
  return `/** ${text.replaceAll("*/", "*\\/")} */\n`;
}

/** Text as code within a doc comment: of others, so without line ends. */
export function code(text: string): string {
  return `\`${text.replace(/[`\p{C}\p{Zl}\p{Zp}]/gu, "?")}\``;
}
