/**
 * Programs that share memory: waiting for each other.
 *
 * @module
 */

import "../ffi/require_deno.ts";

export {
  notify,
  wait,
  waitAsync,
  type WaitAsyncOptions,
  type WaitOptions,
  type WaitResult,
} from "./wait.ts";
