import type { Holder } from "../kernel_object.ts";
import { BpfIterator } from "./iterator.ts";
import { BpfLink } from "./link.ts";
import { RawLinkInfo } from "./type.ts";

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
 */
export function keep(holder: Holder, links: Set<BpfLink>): BpfLink {
  const LinkClass = isIterator(holder) ? BpfIterator : BpfLink;
  const link: BpfLink = new LinkClass(holder, undefined, () => {
    attached.delete(link);
    links.delete(link);
  });
  attached.add(link);
  links.add(link);
  return link;
}

function isIterator({ fd }: Holder): boolean {
  return fd >= 0 && new RawLinkInfo(fd, "the new link").type === "iter";
}
