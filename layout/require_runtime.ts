/**
 * Says what is needed of a runtime before anything else is evaluated: the newest
 * of what the layout language uses stands for the rest.
 */

if (!("detached" in ArrayBuffer.prototype)) {
  throw new Error(
    "hostmem's layout language needs a runtime with ArrayBuffer.prototype.detached, such as Deno 2.2, Node 22 or Bun 1.4, or later",
  );
}
