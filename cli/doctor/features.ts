/** What the kernel does for this process, asked by trying. */

import { BpfMap, type CreateMapOptions } from "../../bpf/mod.ts";
import { Memory, pageSize } from "../../mod.ts";
import { type Finding, missing, ok } from "./check.ts";

/** The reason of a refusal, and the remedy where the error knows one. */
function refused(name: string, error: unknown): Finding {
  const { message, hint } = error as Error & { hint?: string };
  const reason = hint === undefined
    ? message
    : message.replace(`: ${hint}`, "").replace(` (${hint})`, "");
  return missing(
    name,
    reason,
    hint ?? "this kernel, or the privileges of this process, do not allow it",
  );
}

function attempt(name: string, works: string, act: () => void): Finding {
  try {
    act();
    return ok(name, works);
  } catch (error) {
    return refused(name, error);
  }
}

function canMake(name: string, options: CreateMapOptions): Finding {
  return attempt(name, "can be made", () => BpfMap.create(options).close());
}

/** Memory, maps and rings. */
export function featureFindings(): Finding[] {
  const page = pageSize();
  return [
    attempt("shared memory", "a memfd, mapped", () => {
      using memory = Memory.create(page);
      memory.writeAt(new Uint8Array(1), 0);
    }),
    canMake("maps", { type: "array", keySize: 4, valueSize: 8, maxEntries: 1 }),
    attempt("maps as memory", "mapped, read and written", () => {
      using map = BpfMap.create({
        type: "array",
        valueSize: 8,
        maxEntries: 1,
        flags: ["mmapable"],
      });
      using memory = map.memory();
      memory.writeAt(new Uint8Array(1), 0);
    }),
    canMake("ring buffers", { type: "ringbuf", maxEntries: page }),
    canMake("user ring buffers", { type: "user_ringbuf", maxEntries: page }),
    canMake("arenas", {
      type: "arena",
      maxEntries: 1,
      flags: ["mmapable"],
    }),
  ];
}
