/**
 * The core of the tests, for `deno task versions`: layout, memory, maps, rings,
 * and an object loaded and attached. Together they show each part of Deno that
 * this package uses, in a minute.
 *
 * @module
 */

import { preload } from "../../bpf/mod.ts";

// Before Deno 2.9 the first test would be blamed for it.
preload();

await import("../layout/kinds_test.ts");
await import("../memory/create_test.ts");
await import("../bpf/map/elements_test.ts");
await import("../bpf/ring/ring_buffer_test.ts");
await import("./_object.ts");
await import("../../examples/quickstart_test.ts");
