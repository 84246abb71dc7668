/** Many functions at once: by one link, or by a link of each. */

import { SystemError } from "../../../../errors.ts";
import { requireFlag } from "../../../../base/arguments.ts";
import { show } from "../../../../base/show.ts";
import { EINVAL } from "../../../../ffi/mod.ts";
import type { Descriptor } from "../../../../ffi/descriptor.ts";
import { Attachment, type Holder } from "../../../kernel_object.ts";
import { createLink, type LinkRequest, mayBeUnknown } from "../../commands.ts";
import type { UsedProgram } from "../../../program/used_program.ts";
import { isForMany, loadedFor } from "../../loaded_for.ts";
import { cookieOf } from "../../target_kind.ts";

/**
 * Requires that one way of naming the functions is given.
 *
 * @throws {TypeError} if none is, or several.
 */
export function requireOneWay(ways: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(ways);
  const chosen = names.filter((name) => ways[name] !== undefined);
  if (chosen.length === 1) return;
  throw new TypeError(
    `There must be one of the options ${names.slice(0, -1).join(", ")} and ${
      names.at(-1)
    }: received ${chosen.join(" and ") || "none"}`,
  );
}

/**
 * A copy of a list that options give; undefined where they give none.
 *
 * @throws {TypeError} if it is no array.
 */
export function listOf<T>(
  name: string,
  value: readonly T[] | undefined,
): readonly T[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return [...value];
  throw new TypeError(
    `Option ${name} must be an array: received ${show(value)}`,
  );
}

/**
 * The cookies of functions; empty for none.
 *
 * @param count The number of functions; undefined of a pattern.
 * @throws {RangeError} unless there is one for each.
 */
export function cookiesOf(
  cookies: readonly bigint[] | undefined,
  count: number | undefined,
): readonly bigint[] {
  const all = listOf("cookies", cookies)?.map(cookieOf);
  if (all === undefined) return [];
  if (all.length === count) return all;
  throw new RangeError(
    `There must be a cookie for each of the functions or offsets that are given: received ${all.length} cookies and ${
      count === undefined ? "a pattern" : `${count} functions`
    }`,
  );
}

/**
 * The moments at which a program is run: where functions return, or in a session
 * where they begin and where they return; else where they begin. A program that
 * was loaded for sessions is run in one, unless options say otherwise.
 *
 * @throws {TypeError} if options exclude each other.
 */
export function momentsOf(
  program: UsedProgram,
  given: {
    readonly return?: boolean | undefined;
    readonly session?: boolean | undefined;
  },
): { readonly returns: boolean; readonly session: boolean } {
  const returns = requireFlag("return", given.return);
  const session = given.session === undefined
    ? !returns && isForSessions(program)
    : requireFlag("session", given.session);
  if (returns && session) {
    throw new TypeError("Options return and session exclude each other");
  }
  return { returns, session };
}

function isForSessions(program: UsedProgram): boolean {
  const loaded = loadedFor(program);
  return loaded === "trace_kprobe_session" || loaded === "trace_uprobe_session";
}

/** Numbers as the kernel takes an array of them. */
export function packed(
  numbers: readonly bigint[],
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BigUint64Array.from(numbers).buffer);
}

/** A link of many functions, to be made. */
export interface ManyRequest extends LinkRequest {
  readonly program: UsedProgram;
}

/**
 * Makes one link, or, where there can be none, a link of each place.
 *
 * @param request The one link.
 * @param session True for a session, which nothing but one link can be of.
 * @param attach Makes the link of a place.
 */
export function attachToMany<Place>(
  request: ManyRequest,
  session: boolean,
  places: readonly Place[],
  attach: (place: Place, i: number) => Descriptor,
): Holder {
  if (session) return createLink(request);
  try {
    return createLink(request);
  } catch (error) {
    if (!mayBeUnknown(error)) throw error;
    return attachEach(request.program, error, places, attach);
  }
}

/** @param refusal The error that came for one link to all. */
function attachEach<Place>(
  program: UsedProgram,
  refusal: unknown,
  places: readonly Place[],
  attach: (place: Place, i: number) => Descriptor,
): Holder {
  try {
    return attachOneByOne(places, attach);
  } catch (error) {
    // Since Linux 6.6 a program that was loaded for one link has no other.
    const isUnlike = error instanceof SystemError && error.errno === EINVAL &&
      isForMany(program);
    throw isUnlike ? refusal : error;
  }
}

/** Makes a link of each place, or none. */
function attachOneByOne<Place>(
  places: readonly Place[],
  attach: (place: Place, i: number) => Descriptor,
): Holder {
  using links = new DisposableStack();
  for (const [i, place] of places.entries()) {
    links.adopt(attach(place, i), (link) => link.close());
  }
  return new ManyLinks(links.move());
}

/** Links that are closed together. */
class ManyLinks extends Attachment {
  override readonly whyUnlinked = "it is a link of each function";
  readonly #links: DisposableStack;

  constructor(links: DisposableStack) {
    super();
    this.#links = links;
  }

  override get fd(): number {
    return -1;
  }

  override close(): void {
    this.#links.dispose();
  }
}
