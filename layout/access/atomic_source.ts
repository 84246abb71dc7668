/** Generated classes of atomics. */

import { classSource, type Source } from "./class_text.ts";
import { LANE_SIZE } from "../region/lanes.ts";
import type { Scope } from "../leaves/leaf_source.ts";
import { laneOf } from "../leaves/leaf_type.ts";
import type { Style } from "./plan.ts";
import { refusesSource } from "./store_source.ts";
import type { AtomicType } from "../types.ts";

/** The class of an atomic. */
export function atomicSource(
  type: AtomicType,
  style: Style,
  wide: boolean,
  scope: Scope,
): Source {
  const lane = laneOf(type);
  const size = LANE_SIZE[lane];
  const isBool = type.base.kind === "bool";
  const checked = (name: string) =>
    `if (${refusesSource(type, name, scope)}) ${scope.use("refuseValue")}(${
      scope.constant(type)
    }, ${name}, this.#p);\n`;
  const index = size === 1
    ? "o"
    : wide
    ? `o / ${size}`
    : `o >> ${Math.log2(size)}`;
  const operation = (
    name: string,
    parameters: string[],
    result: boolean,
  ): string => {
    const call = `${scope.use(name)}(r.${lane}, ${
      [index, ...parameters.map((name) => isBool ? `+${name}` : name)].join(
        ", ",
      )
    })`;
    const value = isBool ? `${call} !== 0` : call;
    // The values are checked before the memory: a check can run no code of the
    // caller's, so the memory cannot close in between.
    return `${name}(${parameters.join(", ")}) {\n${
      parameters.map(checked).join("")
    }const r = this.#v, o = this.#o;\nif (r.u8[o] === undefined) ${
      scope.use("closed")
    }();\n${result ? `return ${value};` : `${call};`}\n}`;
  };
  const body = [operation("load", [], true)];
  if (style.writable) {
    body.push(operation("store", ["a"], false));
    if (!isBool) {
      for (const name of ["add", "sub", "and", "or", "xor"]) {
        body.push(operation(name, ["a"], true));
      }
    }
    body.push(operation("exchange", ["a"], true));
    body.push(
      isBool
        ? `compareExchange(a, b) {\n${checked("a")}${checked("b")}return ${
          scope.use("compareExchangeBool")
        }(this.#v, this.#o, a, b);\n}`
        : operation("compareExchange", ["a", "b"], true),
    );
    if (type.base.kind === "i32" || type.base.kind === "i64") {
      const call = `this.#v, "${lane}", ${index.replaceAll("o", "this.#o")}`;
      body.push(
        `wait(a, timeout) {\n${checked("a")}return ${
          scope.use("waitOn")
        }(${call}, a, timeout);\n}`,
        `notify(count) {\nreturn ${scope.use("notifyOn")}(${call}, count);\n}`,
      );
    }
  }
  return classSource(["region", "offset", "path"], body, scope);
}
