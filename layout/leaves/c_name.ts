/**
 * A name as it can stand in a C declaration. What C could not have is quoted: a
 * name from somebody else's file must not reach a terminal as it is.
 */
export function cName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

/** The declaration of a pointer without what it declares: `struct x *`. */
export function cDeclaration(text: string): string {
  return /^[\w\s*()[\],.:<>~&]*$/.test(text) && !/[\n\r\t\v\f]/.test(text)
    ? text
    : JSON.stringify(text);
}
