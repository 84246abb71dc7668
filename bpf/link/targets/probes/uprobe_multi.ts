/** Many functions of a program or library at once. */

import { NotSupportedError, SystemError } from "../../../../errors.ts";
import {
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  systemError,
} from "../../../../ffi/mod.ts";
import {
  type OptionNames,
  requireFlag,
  requireOffset,
  requireText,
} from "../../../../base/arguments.ts";
import { show } from "../../../../base/show.ts";
import { Block } from "../../../../ffi/block.ts";
import type { Descriptor } from "../../../../ffi/descriptor.ts";
import { SIZE } from "../../../../ffi/bpf/attributes.ts";
import { Attachment, type Holder } from "../../../kernel_object.ts";
import type { UsedProgram } from "../../../program/used_program.ts";
import { type AttachPoint, createLink, requireType } from "../../commands.ts";
import { cookieOf, type TargetKind } from "../../target_kind.ts";
import { functionOffsets, matchingOffsets } from "./elf_symbols.ts";
import { processOf } from "../event.ts";
import { programFile } from "./program_file.ts";
import { attachAt } from "./uprobe.ts";

/**
 * Many functions of a program or library at once. Where the kernel has links of
 * many functions (Linux 6.6) and the program was loaded for one
 * (`SEC("uprobe.multi")`), that is one link; else as many links as functions, which
 * are closed together.
 */
export interface AttachUprobeMulti {
  /** Tells it from the others. */
  readonly kind: "uprobe_multi";
  /** The file, as for `uprobe`. */
  readonly path: string | URL;
  /** The names of the functions, as for `uprobe`. */
  readonly functions?: readonly string[] | undefined;
  /**
   * A pattern that their names match, in place of `functions`: `"pthread_*"`. `*`
   * stands for any text, `?` for one character.
   */
  readonly pattern?: string | undefined;
  /** Their offsets in the file, in bytes, in place of `functions`. */
  readonly offsets?: readonly number[] | undefined;
  /** A cookie for each of `functions` or `offsets`, in their order. */
  readonly cookies?: readonly bigint[] | undefined;
  /** The only process; by default all, also those yet to begin. */
  readonly pid?: number | undefined;
  /** True for where they return, in place of where they begin. */
  readonly return?: boolean | undefined;
}

const options = {
  kind: true,
  path: true,
  functions: true,
  pattern: true,
  offsets: true,
  cookies: true,
  pid: true,
  return: true,
} as const satisfies OptionNames<AttachUprobeMulti>;

const point: AttachPoint = {
  name: "many functions of a program",
  since: [6, 6],
  types: ["kprobe"],
  capability: "CAP_PERFMON",
  causes: {},
};

/** `linux/bpf.h` */
const BPF_F_UPROBE_MULTI_RETURN = 1;

/** Places in a file to be probed. */
interface Places {
  readonly path: string;
  readonly offsets: readonly number[];
  /** One for each place; empty for none. */
  readonly cookies: readonly bigint[];
  readonly returns: boolean;
  readonly pid: number;
}

/** Attaching to many functions of a program. */
export const uprobeMulti: TargetKind<AttachUprobeMulti> = {
  options,
  attach(program, given) {
    requireType(program, point);
    const pid = processOf(given.pid);
    const returns = requireFlag("return", given.return);
    const { functions, pattern, offsets, cookies } = given;
    const ways = { functions, pattern, offsets };
    const chosen = Object.entries(ways).filter(([, way]) => way !== undefined);
    if (chosen.length !== 1) {
      throw new TypeError(
        `There must be one of the options functions, pattern and offsets: received ${
          chosen.map(([name]) => name).join(" and ") || "none"
        }`,
      );
    }
    const names = functions?.map((name) => requireText("Function", name));
    offsets?.forEach(requireOffset);
    const given64 = (cookies ?? []).map(cookieOf);
    const path = programFile(given.path);
    const found = names !== undefined
      ? functionOffsets(path, names)
      : offsets !== undefined
      ? [...offsets]
      : matchingOffsets(path, requireText("Pattern", pattern));
    if (found.length === 0) {
      throw systemError(
        ENOENT,
        "symbol look-up",
        `there is no function in "${path}" that matches ${
          show(pattern ?? functions ?? offsets)
        }`,
      );
    }
    if (
      cookies !== undefined &&
      (pattern !== undefined || cookies.length !== found.length)
    ) {
      throw new RangeError(
        `There must be a cookie for each of the functions or offsets that are given: received ${cookies.length} cookies and ${
          pattern !== undefined ? "a pattern" : `${found.length} functions`
        }`,
      );
    }
    const places = { path, offsets: found, cookies: given64, returns, pid };
    return attachAtOnce(program, places) ?? attachOneByOne(program, places);
  },
};

/** Makes one link of all places; undefined where there can be none. */
function attachAtOnce(
  program: UsedProgram,
  { path, offsets, cookies, returns, pid }: Places,
): Descriptor | undefined {
  const file = Block.of(new TextEncoder().encode(`${path}\0`));
  const numbers = Block.of(
    new Uint8Array(BigUint64Array.from(offsets.map(BigInt)).buffer),
  );
  const cookieBlock = Block.of(
    new Uint8Array(BigUint64Array.from(cookies).buffer),
  );
  try {
    return createLink({
      program,
      point,
      target: 0,
      attachType: "trace_uprobe_multi",
      size: SIZE.linkCreateUprobeMulti,
      fill: ({ uprobeMulti }) => {
        uprobeMulti.path = file.address;
        uprobeMulti.offsets = numbers.address;
        uprobeMulti.cookies = cookies.length === 0 ? 0n : cookieBlock.address;
        uprobeMulti.count = offsets.length;
        uprobeMulti.flags = returns ? BPF_F_UPROBE_MULTI_RETURN : 0;
        uprobeMulti.pid = Math.max(pid, 0);
      },
    });
  } catch (error) {
    if (error instanceof NotSupportedError) return undefined;
    // The program was not loaded for it, or the kernel does not know it.
    const isRefused = error instanceof SystemError &&
      (error.errno === EINVAL || error.errno === EOPNOTSUPP);
    if (!isRefused) throw error;
    return undefined;
  }
}

/** Makes a link of each place, or none. */
function attachOneByOne(
  program: UsedProgram,
  { path, offsets, cookies, returns, pid }: Places,
): Holder {
  using links = new DisposableStack();
  for (const [i, offset] of offsets.entries()) {
    const cookie = cookies[i] ?? 0n;
    const place = { path, offset, returns, pid, cookie };
    links.adopt(attachAt(program, place), (link) => link.close());
  }
  return new ManyLinks(links.move());
}

/** Links that are closed together. */
class ManyLinks extends Attachment {
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
