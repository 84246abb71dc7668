/** The text between a test's file and its name. */
export const SEPARATOR = ": ";
