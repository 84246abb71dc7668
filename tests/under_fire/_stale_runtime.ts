/**
 * Stale access by the APIs of the runtime, also while they are at work.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { closeSync, openSync, read as nodeRead } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { cString, libc, Pipe } from "./_native.ts";
import { afterClose, type Bytes, meanwhile } from "./_stale_flight.ts";
import { type Case, type Scene, TYPE_ERROR } from "./_stale_scene.ts";

/** Sums what a buffered body holds: 90 each where it was copied in time. */
async function sumOf(body: Response | Blob): Promise<number> {
  const bytes = new Uint8Array(await body.arrayBuffer());
  return bytes.reduce((sum, byte) => sum + byte, 0);
}

const COPIED = `${4096 * 0x5a}`;

const hello = cString("hello");

/** Reads from a pipe, into which something is written after the close. */
async function readInFlight(
  scene: Scene,
  read: (path: string, bytes: Bytes) => Promise<number | null>,
): Promise<unknown> {
  using ends = new Pipe();
  const promise = read(`/proc/self/fd/${ends.read}`, scene.bytes as Bytes);
  await new Promise((resolve) => setTimeout(resolve, 5));
  scene.close();
  libc.write(ends.write, hello, BigInt(hello.length));
  return [await promise, scene.bytes[0]];
}

function zero(): Deno.FsFile {
  return Deno.openSync("/dev/zero");
}

/** The cases by name. */
export const runtimeCases: Record<string, Case> = {
  "TextDecoder": [
    afterClose((bytes) => new TextDecoder().decode(bytes).length),
    "0",
    "4096",
  ],
  "TextDecoder with options that close": [
    (scene) =>
      new TextDecoder().decode(scene.bytes as Bytes, {
        get stream() {
          return scene.closing(false);
        },
      }).charCodeAt(0),
    "NaN",
    "0",
  ],
  "TextEncoder.encodeInto()": [
    afterClose((bytes) => new TextEncoder().encodeInto("hello", bytes).written),
    "0",
    "5",
  ],
  "TextEncoder.encodeInto() of text that closes": [
    (scene) => {
      const text = { toString: () => scene.closing("hello") };
      return new TextEncoder().encodeInto(
        text as unknown as string,
        scene.bytes as Bytes,
      ).written;
    },
    "0",
    "5",
  ],
  "crypto.getRandomValues()": [
    afterClose((bytes) => crypto.getRandomValues(bytes).length),
    "0",
    "4096",
  ],
  "crypto.subtle.digest() in flight": [
    meanwhile(
      (bytes) => crypto.subtle.digest("SHA-1", bytes),
      (digest) => new Uint8Array(digest)[0],
    ),
    "188",
    TYPE_ERROR,
  ],
  "crypto.subtle.digest()": [
    afterClose(async (bytes) =>
      new Uint8Array(await crypto.subtle.digest("SHA-1", bytes))[0]
    ),
    "218",
    TYPE_ERROR,
  ],
  "crypto.subtle.importKey() in flight": [
    meanwhile(
      (bytes) =>
        crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]),
      (key) => key.type,
    ),
    "secret",
  ],
  "a hash of node:crypto": [
    afterClose((bytes) => createHash("sha1").update(bytes).digest()[0]),
    "218",
    "28",
  ],
  "gzipSync() of node:zlib": [
    afterClose((bytes) => gunzipSync(gzipSync(bytes)).length),
    "0",
    "4096",
  ],
  "a CompressionStream in flight": [
    async (scene) => {
      const stream = new CompressionStream("gzip");
      const compressed = new Response(stream.readable).bytes();
      compressed.catch(() => {});
      const writer = stream.writable.getWriter();
      const written = writer.write(scene.bytes as Bytes);
      scene.close();
      await written;
      await writer.close();
      const bytes = gunzipSync(await compressed);
      return [bytes.length, bytes[0]];
    },
    "[ 0, undefined ]",
    TYPE_ERROR,
  ],
  "a Response from before": [
    meanwhile((bytes) => Promise.resolve(new Response(bytes)), sumOf),
    COPIED,
    TYPE_ERROR,
  ],
  "a Response from after": [
    afterClose((bytes) => sumOf(new Response(bytes))),
    TYPE_ERROR,
  ],
  "a Blob from before": [
    meanwhile((bytes) => Promise.resolve(new Blob([bytes])), sumOf),
    COPIED,
    TYPE_ERROR,
  ],
  "a Blob from after": [
    afterClose((bytes) => sumOf(new Blob([bytes]))),
    TYPE_ERROR,
  ],
  "a Request in flight": [
    meanwhile(
      (body) =>
        new Request("http://localhost", { method: "POST", body }).bytes(),
      (bytes) => bytes[0],
    ),
    "90",
    TYPE_ERROR,
  ],
  "a read into a stale array": [
    afterClose((bytes) => {
      using file = zero();
      return file.readSync(bytes);
    }),
    "0",
    "4096",
  ],
  "a read in flight": [
    (scene) =>
      readInFlight(scene, async (path, bytes) => {
        using file = Deno.openSync(path);
        return await file.read(bytes);
      }),
    "[ 6, undefined ]",
    "[ 6, 104 ]",
  ],
  "a read of node:fs in flight": [
    (scene) =>
      readInFlight(scene, (path, bytes) => {
        const fd = openSync(path, "r");
        return new Promise((resolve, reject) =>
          nodeRead(fd, bytes, 0, 16, null, (error, count) => {
            closeSync(fd);
            if (error) reject(error);
            else resolve(count);
          })
        );
      }),
    "[ 6, undefined ]",
    "[ 6, 104 ]",
  ],
  "a read of a stream that takes the buffer": [
    async (scene) => {
      const file = zero();
      const reader = file.readable.getReader({ mode: "byob" });
      try {
        return await reader.read(scene.bytes as Bytes);
      } finally {
        scene.close();
        await reader.cancel();
      }
    },
    TYPE_ERROR,
  ],
  "a write of a stale array": [
    afterClose((bytes) => {
      using file = Deno.openSync("/dev/null", { write: true });
      return file.writeSync(bytes);
    }),
    "0",
    "4096",
  ],
  "a write in flight": [
    async (scene) => {
      const path = Deno.makeTempFileSync();
      const promise = Deno.writeFile(path, scene.bytes as Bytes);
      scene.close();
      await promise;
      const bytes = Deno.readFileSync(path);
      Deno.removeSync(path);
      return [0, 0x5a].includes(bytes[0] ?? 0);
    },
    "true",
  ],
  "a Buffer of node from before": [
    (scene) => {
      const buffer = Buffer.from(scene.buffer);
      scene.close();
      buffer[0] = 1;
      return [buffer.length, buffer[0], buffer.readUInt8(1)];
    },
    "RangeError",
    "[ 131072, 1, 0 ]",
  ],
  "a Buffer's write": [
    (scene) => {
      const buffer = Buffer.from(scene.buffer);
      scene.close();
      return buffer.writeUInt32LE(1, 0);
    },
    "RangeError",
    "4",
  ],
  "Buffer.concat()": [
    afterClose((bytes) => Buffer.concat([bytes, bytes]).length),
    TYPE_ERROR,
    "8192",
  ],
  "Deno.inspect()": [
    afterClose((bytes) => Deno.inspect(bytes).slice(0, 16)),
    "Uint8Array(0) []",
    "Uint8Array(4096)",
  ],
  "a ReadableStream of stale bytes": [
    async (scene) => {
      const stream = new ReadableStream({
        type: "bytes",
        start(controller) {
          try {
            controller.enqueue(scene.bytes as Bytes);
          } finally {
            scene.close();
          }
          controller.close();
        },
      });
      return (await new Response(stream).bytes())[0];
    },
    TYPE_ERROR,
    TYPE_ERROR,
  ],
  "atob() of stale text": [
    afterClose((bytes) => btoa(String.fromCharCode(...bytes.subarray(0, 3)))),
    TYPE_ERROR,
    "AAAA",
  ],
};
