import config from "../deno.json" with { type: "json" };

/** The version of this package. */
export const version: string = config.version;

/** The specifier by which generated code imports this package. */
export const defaultImport: string = `jsr:@hostmem/hostmem@^${version}`;
