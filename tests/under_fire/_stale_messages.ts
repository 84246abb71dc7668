/**
 * Stale access by structured clones, and by messages in flight.
 *
 * @module
 */

import { afterClose, type Bytes, meanwhile } from "./_stale_flight.ts";
import { type Case, TYPE_ERROR } from "./_stale_scene.ts";

const NOT_CLONED = "DataCloneError";

function echoOf(port: MessagePort | Worker): Promise<unknown> {
  return new Promise((resolve) => {
    port.onmessage = ({ data }: MessageEvent) => resolve(data);
  });
}

/** Answers what it got, and reads it no sooner than it is told to. */
const answerer = `
  let bytes;
  onmessage = ({ data }) => {
    if (bytes === undefined) bytes = data;
    else postMessage([bytes.length, bytes[0], bytes[4095]]);
  };`;

/** The cases by name. */
export const messageCases: Record<string, Case> = {
  "structuredClone()": [
    afterClose((bytes) => structuredClone(bytes)[0]),
    NOT_CLONED,
    "0",
  ],
  "structuredClone() that transfers": [
    meanwhile((_, { buffer }) =>
      Promise.resolve(structuredClone(buffer, { transfer: [buffer] }))
    ),
    TYPE_ERROR,
    NOT_CLONED,
  ],
  "structuredClone() of the WebAssembly.Memory": [
    meanwhile(
      (_, { memory }) =>
        Promise.resolve(
          new Uint8Array(structuredClone(memory.webAssembly).buffer),
        ),
      (bytes) => bytes[0],
    ),
    NOT_CLONED,
    "0",
  ],
  "a message in flight to a port": [
    async (scene) => {
      const { port1, port2 } = new MessageChannel();
      port1.postMessage(scene.bytes);
      scene.close();
      const bytes = await echoOf(port2) as Bytes;
      port1.close();
      return bytes[0];
    },
    "90",
    "0",
  ],
  "a message that transfers": [
    meanwhile((_, { buffer }) => {
      const { port1 } = new MessageChannel();
      try {
        port1.postMessage(buffer, [buffer]);
      } finally {
        port1.close();
      }
      return Promise.resolve();
    }),
    TYPE_ERROR,
    NOT_CLONED,
  ],
  "a message in flight to a Worker": [
    async (scene) => {
      const url = `data:application/javascript,${encodeURIComponent(answerer)}`;
      const worker = new Worker(url, { type: "module" });
      worker.postMessage(scene.bytes);
      scene.close();
      worker.postMessage("read");
      const answer = await echoOf(worker);
      worker.terminate();
      return answer;
    },
    "[ 4096, 90, 90 ]",
    "[ 4096, 0, 0 ]",
  ],
  "a message in flight by a BroadcastChannel": [
    async (scene) => {
      const from = new BroadcastChannel("stale");
      const to = new BroadcastChannel("stale");
      const message = new Promise<MessageEvent>((resolve) =>
        to.onmessage = resolve
      );
      from.postMessage(scene.bytes);
      scene.close();
      const { data } = await message;
      from.close();
      to.close();
      return data[0];
    },
    "90",
    "0",
  ],
};
