import { assertEquals } from "@std/assert";
import { isTampered } from "../../layout/tampering.ts";
import { run } from "../_support.ts";

Deno.test("Pointers are made by generated code in an ordinary program", () => {
  // Closures would do the same, many times slower, and nothing else would tell.
  assertEquals(isTampered(), false);
});

/** Replacements through which the text of a class could be changed. */
const replacements = {
  "a replaced Array.prototype.join":
    `Array.prototype.join = () => "return class {}";`,
  "a replaced String.prototype.split":
    `String.prototype.split = function () { return [String(this)]; };`,
  "a replaced JSON.stringify": `JSON.stringify = () => '"x"';`,
  "an accessor in place of Array.prototype.map":
    `{ const { map } = Array.prototype; Object.defineProperty(Array.prototype, "map", { get: () => map }); }`,
  "an accessor that hides behind Object.prototype":
    `{ const { map } = Array.prototype; Object.defineProperty(Array.prototype, "map", { get: () => map }); Object.prototype.value = map; }`,
  "an element of Array.prototype":
    `Object.defineProperty(Array.prototype, "3", { set() {}, configurable: true });`,
  "a replaced iterator of arrays":
    `{ const p = Object.getPrototypeOf([][Symbol.iterator]()); const { next } = p; p.next = function () { return next.call(this); }; }`,
};

for (const [what, source] of Object.entries(replacements)) {
  Deno.test(`No code is generated after ${what}`, async () => {
    const { stdout, stderr, code } = await run(`
      import { isTampered } from "./layout/tampering.ts";
      const log = console.log;
      ${source}
      const tampered = isTampered();
      log(tampered);
    `);
    assertEquals({ stdout, stderr, code }, {
      stdout: "true\n",
      stderr: "",
      code: 0,
    });
  });
}

Deno.test("Pointers made after a program replaced built-ins still work", async () => {
  const { stdout, stderr, code } = await run(`
    import { array, HostLayout, struct, u16, u32, view } from "./layout/mod.ts";
    const T = struct("T", { _: HostLayout, a: u32, b: array(u16, 2) });
    const seen = [];
    const { join } = Array.prototype;
    Array.prototype.join = function (...args) {
      seen[seen.length] = this;
      return join.apply(this, args);
    };
    const bytes = new Uint8Array([1, 0, 0, 0, 2, 0, 3, 0]);
    const t = view(T, bytes);
    console.log(t.a, t.b.at(1), seen.length);
  `);
  assertEquals({ stdout, stderr, code }, {
    stdout: "1 3 0\n",
    stderr: "",
    code: 0,
  });
});
