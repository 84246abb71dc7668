/** The map in which libbpf tells programs where the arguments of probes are. */

import { NotSupportedError } from "../../../../errors.ts";
import { cString } from "../../../../ffi/mod.ts";
import { libbpfAttach } from "../../../libbpf/attach_functions.ts";
import {
  libbpf,
  libbpfIsAtLeast,
  libbpfVersion,
} from "../../../libbpf/functions.ts";
import type { NativeProgram } from "../../../libbpf/program.ts";

/** Its name in `usdt.bpf.h`. */
const SPECS = "__bpf_usdt_specs";

/** The size of one of its values in bytes, as libbpf knows it before 1.7. */
const SPEC_SIZE = 208;

/**
 * Refuses a program that would silently read wrong arguments: libbpf 1.7 made the
 * values of the map longer, in its `usdt.bpf.h`, too.
 *
 * @throws {NotSupportedError} if the object was compiled with a later header than
 * this libbpf has.
 */
export function requireUsdtSpecs({ object, name }: NativeProgram): void {
  if (libbpfIsAtLeast(7)) return;
  const { bpf_object__find_map_by_name } = libbpfAttach();
  const map = bpf_object__find_map_by_name(
    object.handle,
    cString(SPECS) as Uint8Array<ArrayBuffer>,
  );
  // Without the map, libbpf says itself what the program lacks.
  if (map === 0n) return;
  const size = libbpf().bpf_map__value_size(map);
  if (size === SPEC_SIZE) return;
  throw new NotSupportedError(
    `Cannot attach program "${name}" to a USDT probe: its object was compiled with the usdt.bpf.h of another libbpf than this, ${libbpfVersion()}: a value of the map ${SPECS} must have ${SPEC_SIZE} bytes, and has ${size}`,
  );
}
