/** Names of members as the layout language can have them. */

/**
 * Makes the names of the members of one struct usable and different: a dot
 * becomes `_`, an array index gets `_` before it, and of two of one name the
 * second ends in `_2`. C has none of these; sections of variables have: two
 * functions with a static variable of the same name.
 */
export class MemberNames {
  readonly #counts = new Map<string, number>();

  /** The name to use for the next member that is called this. */
  next(name: string): string {
    const plain = name.replaceAll(".", "_");
    const usable = /^\d+$/.test(plain) ? `_${plain}` : plain;
    let chosen = usable;
    while (this.#counts.has(chosen)) {
      const count = this.#counts.get(usable)! + 1;
      this.#counts.set(usable, count);
      chosen = `${usable}_${count}`;
    }
    this.#counts.set(chosen, 1);
    return chosen;
  }
}
