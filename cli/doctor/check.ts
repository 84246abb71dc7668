/** The findings of the doctor, one for each thing that it checks. */

/**
 * The state of a thing: `ok` works, `limited` works not for everybody or not
 * wholly, `missing` does not work.
 */
export type State = "ok" | "limited" | "missing";

/** One thing that was looked at. */
export interface Finding {
  /** The name of the thing. */
  readonly name: string;
  /** The state. */
  readonly state: State;
  /** The finding, in a few words. */
  readonly found: string;
  /** The remedy; undefined where nothing is wrong. */
  readonly remedy?: string;
}

/** A finding about something that works. */
export function ok(name: string, found: string): Finding {
  return { name, state: "ok", found };
}

/** A finding about something that works not for everybody, or not wholly. */
export function limited(name: string, found: string, remedy: string): Finding {
  return { name, state: "limited", found, remedy };
}

/** A finding about something that does not work. */
export function missing(name: string, found: string, remedy: string): Finding {
  return { name, state: "missing", found, remedy };
}
