import type { Holder } from "../kernel_object.ts";
import { BpfLink } from "./link.ts";

/**
 * The links that `attach` made and nobody has closed. A link in here is never
 * collected, so that no program is detached by the garbage collector, at some
 * moment that nobody chose.
 */
const attached = new Set<BpfLink>();

/**
 * Makes the link of a new attachment, and keeps it until it is closed.
 *
 * @param links Those of the program or map, of which it is one until then.
 * @param LinkClass The class of link that it shall be.
 */
export function keep(
  holder: Holder,
  links: Set<BpfLink>,
  LinkClass: typeof BpfLink = BpfLink,
): BpfLink {
  const link: BpfLink = new LinkClass(holder, undefined, () => {
    attached.delete(link);
    links.delete(link);
  });
  attached.add(link);
  links.add(link);
  return link;
}
