/** The marker by which a struct says that it is laid out as C lays it out. */

import { register } from "../model/types.ts";
import type { HostLayoutMarker } from "../static.ts";

/**
 * The marker of structs and unions that have the C layout of this host. The
 * marker has no size and is not a property; it may stand under any field name.
 * No pointer or view is made through a struct that lacks it, at any depth.
 *
 * @example Marking a struct
 * ```ts
 * import { HostLayout, sizeOf, struct, u32, u8 } from "@hostmem/hostmem";
 * import { assertEquals } from "@std/assert";
 *
 * const Point = struct("Point", { _: HostLayout, tag: u8, x: u32 });
 * assertEquals(sizeOf(Point), 8);
 * ```
 */
export const HostLayout: HostLayoutMarker = register<HostLayoutMarker>({
  kind: "marker",
  name: "HostLayout",
  size: 0,
  align: 1,
});
/** The type of the {@linkcode HostLayout} marker. */
export type HostLayout = HostLayoutMarker;
