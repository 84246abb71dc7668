/** The network interfaces that programs are attached to. */

import { interfaceIndex, interfaceName } from "../../../../ffi/mod.ts";
import { requireU32 } from "../../../../base/arguments.ts";
import { show } from "../../../../base/show.ts";
import type { AttachType } from "../../attach_type.ts";
import { type OtherNetns, withinNetns } from "./within.ts";

/** An interface of the network. */
export interface InterfaceTarget {
  /** The kind of target. */
  readonly kind: "xdp" | "tcx" | "netkit";
  /** Its index. 0 once it is removed. */
  readonly interfaceIndex: number;
  /** The way that packets go; undefined for XDP. */
  readonly attachType: AttachType | undefined;
}

/**
 * The index of an interface.
 *
 * @throws {TypeError | RangeError} if it is neither a name nor an index.
 * @throws {SystemError} if there is none so named.
 */
function indexOf(value: unknown): number {
  if (typeof value === "number") return requireU32("Interface", value, 1);
  if (typeof value === "string") return interfaceIndex(value);
  throw new TypeError(
    `Interface must be a name or an index: received ${show(value)}`,
  );
}

/**
 * Calls a function with the index of the interface that options name, in the network
 * namespace that they name.
 */
export function withInterface<R>(
  given: OtherNetns & { readonly interface: string | number },
  use: (index: number) => R,
): R {
  return withinNetns(given, () => use(indexOf(given.interface)));
}

/** Says that there is no interface of an index; undefined if there is one. */
export function absenceOf(index: number): string | undefined {
  return interfaceName(index) === undefined
    ? `there is no interface of index ${index} in this network namespace`
    : undefined;
}

/** The name of an interface for messages, with its index. */
export function interfaceText(index: number): string {
  if (index === 0) return "an interface that is gone";
  const name = interfaceName(index);
  return name === undefined ? `interface ${index}` : `${name} (${index})`;
}

/** The way that packets go. @throws {TypeError} if it is neither. */
export function requireDirection(direction: unknown): "ingress" | "egress" {
  if (direction === "ingress" || direction === "egress") return direction;
  throw new TypeError(
    `Direction must be "ingress" or "egress": received ${show(direction)}`,
  );
}

/** An interface of a pair. @throws {TypeError} if it is neither. */
export function requireSide(side: unknown): "primary" | "peer" {
  if (side === "primary" || side === "peer") return side;
  throw new TypeError(
    `Side must be "primary" or "peer": received ${show(side)}`,
  );
}
