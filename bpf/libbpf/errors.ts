/** From a negative error number of libbpf to an error that helps. */

import { SystemError, type SystemErrorInit } from "../../errors.ts";
import { errnoEntry } from "../../ffi/errno/errno_table.ts";

/** `enum libbpf_errno` of `bpf/libbpf.h`: names and meanings, from 4000 on. */
const OWN: readonly (readonly [code: string, description: string])[] = [
  ["LIBELF", "libelf cannot read the file"],
  ["FORMAT", "the object's format is invalid"],
  ["KVERSION", "the object's version section is incorrect or missing"],
  ["ENDIAN", "the object is of another byte order"],
  ["INTERNAL", "internal error in libbpf"],
  ["RELOC", "a relocation failed"],
  ["LOAD", "a program could not be loaded, for an unknown reason"],
  ["VERIFY", "the kernel's verifier refused a program"],
  ["PROG2BIG", "a program is too big"],
  ["KVER", "the kernel's version is not the object's"],
  ["PROGTYPE", "the kernel does not support this type of program"],
  ["WRNGPID", "a netlink message is of another process"],
  ["INVSEQ", "a netlink message is out of sequence"],
  ["NLPARSE", "a netlink message cannot be parsed"],
];
const FIRST_OWN = 4000;

/**
 * Makes the parts of a {@linkcode SystemError} for a failed call to libbpf.
 *
 * @param errno The positive error number.
 * @param call The function: `"bpf_object__load"`.
 * @param hint Further words for the message; empty for none.
 */
export function libbpfErrorInit(
  errno: number,
  call: string,
  hint: string,
): SystemErrorInit {
  const own = OWN[errno - FIRST_OWN];
  const { code, description } = own === undefined
    ? errnoEntry(errno)
    : { code: `LIBBPF_ERRNO__${own[0]}`, description: own[1] };
  return {
    code,
    description,
    errno,
    syscall: call,
    hint: hint === "" ? undefined : hint,
  };
}

/**
 * Passes the result of a call to libbpf on, or throws the error that it is.
 *
 * @throws {SystemError} if the result is negative.
 */
export function checkLibbpf(result: number, call: string, hint = ""): number {
  if (result < 0) throw new SystemError(libbpfErrorInit(-result, call, hint));
  return result;
}
