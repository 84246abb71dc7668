import config from "../deno.json" with { type: "json" };

/** The version of this package. */
export const version: string = config.version;

/** What generated code imports this package by. */
export const defaultImport: string = `jsr:@hostmem/hostmem@^${version}`;
