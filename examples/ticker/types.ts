/**
 * The types of a market's feed and its page. `hostmem header` writes them in C:
 *
 * ```sh
 * hostmem header examples/ticker/types.ts#Trades -o trades.h
 * ```
 *
 * @module
 */

import { f64, HostLayout, struct, text, u32, u64 } from "@hostmem/hostmem";
import { SpscRing } from "@hostmem/hostmem/sync";

/** One trade. */
export const Trade = struct("Trade", {
  _: HostLayout,
  time: u64, // nanoseconds since 1970
  symbol: text(8),
  price: f64,
  size: u32,
});

/** The ring that the feed puts trades into. */
export const Trades = SpscRing(Trade, 4096);
