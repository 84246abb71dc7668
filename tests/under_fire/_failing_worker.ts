/// <reference lib="deno.worker" />
/** A Worker that makes calls that fail, see `_failing_calls.ts`. @module */

import { failAll, type Order } from "./_failing_calls.ts";

onmessage = ({ data }: MessageEvent<Order>) => postMessage(failAll(data));
