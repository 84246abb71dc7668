/** User-defined static tracepoints of programs and libraries. */

import { NotSupportedError } from "../../../../errors.ts";
import { cString, EACCES, ENOENT, EPERM } from "../../../../ffi/mod.ts";
import { type OptionNames, requireText } from "../../../../base/arguments.ts";
import {
  HostLayout,
  pointer,
  sizeOf,
  struct,
  u64,
} from "../../../../layout/mod.ts";
import { libbpfAttach } from "../../../libbpf/attach_functions.ts";
import { requireType } from "../../commands.ts";
import { attachByLibbpf, refusalError } from "../../libbpf_link.ts";
import {
  type AttachCookie,
  cookieOf,
  type TargetKind,
} from "../../target_kind.ts";
import { processOf } from "../event.ts";
import { programFile } from "./program_file.ts";
import { uprobePoint, uprobePrivilege } from "./uprobe.ts";
import { requireUsdtSpecs } from "./usdt_specs.ts";

/** A user-defined static tracepoint of a program or library, by libbpf. */
export interface AttachUsdt extends AttachCookie {
  /** The kind of target. */
  readonly kind: "usdt";
  /** The file, as for `uprobe`. */
  readonly path: string | URL;
  /** The provider: the first argument of `DTRACE_PROBE`. */
  readonly provider: string;
  /** The name: the second argument. */
  readonly name: string;
  /** The only process; by default all, also those yet to begin. */
  readonly pid?: number | undefined;
}

const options = {
  kind: true,
  path: true,
  provider: true,
  name: true,
  pid: true,
  cookie: true,
} as const satisfies OptionNames<AttachUsdt>;

/** `struct bpf_usdt_opts` of libbpf 1.1; later ones take what is missing for 0. */
const UsdtOptions = struct("bpf_usdt_opts", {
  _: HostLayout,
  sz: u64,
  cookie: u64,
});

/** Attaching to a static tracepoint of a program. */
export const usdt: TargetKind<AttachUsdt> = {
  options,
  attach(program, given) {
    requireType(program, uprobePoint);
    const provider = requireText("Provider", given.provider);
    const name = requireText("Name of a probe", given.name);
    const pid = processOf(given.pid);
    const cookie = cookieOf(given.cookie);
    const path = programFile(given.path);
    const { native, label } = program;
    if (native === undefined) {
      throw new NotSupportedError(
        `Cannot attach program ${label} to probe ${provider}:${name}: that takes libbpf, which knows programs of a BpfObject alone`,
      );
    }
    requireUsdtSpecs(native);
    const bytes = new Uint8Array(new ArrayBuffer(sizeOf(UsdtOptions)));
    const fields = pointer(UsdtOptions, bytes);
    fields.sz = BigInt(sizeOf(UsdtOptions));
    fields.cookie = cookie;
    const call = "bpf_program__attach_usdt";
    const { [call]: attach } = libbpfAttach();
    const [cPath, cProvider, cName] = [path, provider, name].map((text) =>
      cString(text) as Uint8Array<ArrayBuffer>
    );
    const causes: Readonly<Record<number, string>> = {
      [EPERM]: uprobePrivilege,
      [EACCES]: uprobePrivilege,
      [ENOENT]: `there is no probe ${provider}:${name} in "${path}"`,
    };
    return attachByLibbpf(
      native,
      () => attach(native.handle, pid, cPath!, cProvider!, cName!, bytes),
      (refusal) => refusalError(refusal, call, causes[refusal.errno]),
    );
  },
};
