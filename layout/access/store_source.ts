/**
 * The generated code that checks and stores one leaf.
 *
 * The index is computed through the check: a value that does not fit adds what
 * cannot be added. That costs nothing in a hot loop, where a `throw` of our own,
 * inline or in a helper, was measured at four times the bare store. What went
 * wrong is worked out afterwards, out of line.
 */

import { bitPlaceOf } from "../leaves/bits.ts";
import { type Lane, LANE_SIZE } from "../region/lanes.ts";
import { type Base, indexOf, type Scope, sum } from "../leaves/leaf_source.ts";
import { laneOf, type LeafType, type Slot } from "../leaves/leaf_type.ts";

/**
 * The condition under which a value `a` fits an integer or a float. With `a` on
 * the left it takes three bytecodes less, and every one counts for inlining.
 */
function accepts(type: LeafType, scope: Scope): string {
  switch (type.kind) {
    case "bool":
      return `typeof a === "boolean"`;
    case "u8":
      return `a === (a & 255)`;
    case "i8":
      return within(-128, 127);
    case "u16":
    case "be16":
      return `a === (a & 65535)`;
    case "i16":
      return within(-32768, 32767);
    case "u32":
    case "be32":
      return `a === a >>> 0`;
    case "i32":
      return `a === (a | 0)`;
    case "f32":
    case "f64":
      return `typeof a === "number"`;
    case "u64":
    case "be64":
    case "uintptr":
      return `${scope.use("asUintN")}(64, a) === a`;
    case "i64":
      return `${scope.use("asIntN")}(64, a) === a`;
    case "safe":
      return type.base.kind === "u64"
        ? `${scope.use("isSafeInteger")}(a) && a >= 0`
        : `${scope.use("isSafeInteger")}(a)`;
    case "enumeration":
    case "atomic":
      return accepts(type.base, scope);
    case "bits":
      return acceptsBits(type.base, type.width, scope);
    case "text":
      throw new TypeError("Text is not checked by an expression");
  }
}

/** Twice as fast as shifting there and back: the optimiser knows ranges. */
function within(least: number, most: number): string {
  return `a === (a | 0) && a >= ${least} && a <= ${most}`;
}

function acceptsBits(base: LeafType, width: number, scope: Scope): string {
  const lane = laneOf(base as Exclude<LeafType, { kind: "text" }>);
  if (base.kind === "bool") return `typeof a === "boolean"`;
  if (lane === "u64") return `${scope.use("asUintN")}(${width}, a) === a`;
  if (lane === "i64") return `${scope.use("asIntN")}(${width}, a) === a`;
  if (lane.startsWith("i")) {
    return width === 32
      ? `a === (a | 0)`
      : within(-(2 ** (width - 1)), 2 ** (width - 1) - 1);
  }
  return width === 32 ? `a === a >>> 0` : `a === (a & ${2 ** width - 1})`;
}

/** What is stored in a lane for a value `a` that fits. */
function encoded(type: LeafType, scope: Scope): string {
  switch (type.kind) {
    case "bool":
      return "+a";
    case "be16":
      return `${scope.use("swap16")}(a)`;
    case "be32":
      return `${scope.use("swap32")}(a)`;
    case "be64":
      return `${scope.use("swap64")}(a)`;
    case "safe":
      return `${scope.use("safeToScratch")}(a)`;
    default:
      return "a";
  }
}

/** Whether a leaf is stored by one access that needs no bigint to be checked. */
function isQuick(slot: Slot): boolean {
  const { type } = slot;
  return slot.aligned && type.kind !== "text" && type.kind !== "bits" &&
    (type.kind === "f64" || LANE_SIZE[laneOf(type)] < 8);
}

/** The statements of a property's setter, with its value in `a`. */
export function setterSource(slot: Slot, base: Base, scope: Scope): string {
  if (isQuick(slot)) return quickSource(slot, base, scope);
  return `try {\n${setSource(slot, base, scope)}\n} catch (e) {\n${
    scope.use("refuse")
  }(e, ${scope.constant(slot)}, a);\n}`;
}

/**
 * A store without a `try`: what does not fit picks a poison, an object that
 * throws why when it is added. So the setter stays small enough for sixteen of
 * them to be inlined into one function, where with the `try` it is seven; the
 * two functions that it calls are so small that they always are.
 */
function quickSource(slot: Slot, base: Base, scope: Scope): string {
  const type = slot.type as Exclude<LeafType, { kind: "text" }>;
  const lane = laneOf(type);
  const at = sum(base.offset, slot.offset);
  const checked = `${check(type, scope)}(${at}, a, ${poison(slot, scope)})`;
  return `${put(lane, base, scope)}(${base.region}.${lane}, ${checked}, ${
    encoded(type, scope)
  });`;
}

/** Names the function that gives an offset back where a value fits a type. */
function check(type: LeafType, scope: Scope): string {
  const kind = type.kind === "enumeration" ? type.base.kind : type.kind;
  const name = `check_${kind}`;
  scope.prelude.add(`let last;`);
  const fits = kind === "bool" || kind === "f32" || kind === "f64"
    ? accepts(type, scope)
    : `typeof a === "number" && ${accepts(type, scope)}`;
  scope.prelude.add(
    `const ${name} = (k, a, p) => k + (${fits} ? 0 : (last = a, p));`,
  );
  return name;
}

/** Names the object that throws why a value cannot be stored in a field. */
function poison(slot: Slot, scope: Scope): string {
  const field = scope.constant(slot);
  const name = `p${field.slice(1)}`;
  scope.prelude.add(
    `const take = () => {\nconst value = last;\nlast = undefined;\nreturn value;\n};`,
  );
  scope.prelude.add(
    `const ${name} = ${scope.use("poison")}(${field}, take);`,
  );
  return name;
}

/** Names the function that stores a value in a lane. */
function put(lane: Lane, base: Base, scope: Scope): string {
  const name = `put_${lane}`;
  const index = indexOf("k", LANE_SIZE[lane], base.wide);
  scope.prelude.add(
    `const ${name} = (v, k, a) => {\nconst i = ${index};\nif (v[i] === undefined) ${
      scope.use("closed")
    }();\nv[i] = a;\n};`,
  );
  return name;
}

/**
 * Statements that check a value `a` and store it as a leaf. They throw anything
 * where it cannot be: whoever catches that works out why.
 *
 * @param position An expression for the leaf's offset within the base; where it
 * is not given, the slot's own.
 * @param condition What must hold besides: an index within bounds.
 */
export function setSource(
  slot: Slot,
  base: Base,
  scope: Scope,
  element?: { readonly position: string; readonly condition: string },
): string {
  const { type } = slot;
  const place = type.kind === "bits" ? bitPlaceOf(slot) : undefined;
  const lane = place === undefined
    ? type.kind === "text" ? undefined : laneOf(type)
    : place.lane;
  const at = place?.offset ?? slot.offset;
  const position = element === undefined ? `${at}` : sum(element.position, at);
  const condition = element === undefined ? "" : `${element.condition} && `;
  const bad = scope.use("bad");

  if (lane === undefined) {
    // Text and scattered bits: rare enough to go through the library.
    const where = element === undefined
      ? base.offset
      : `${base.offset} + (${element.condition} ? ${element.position} : ${bad})`;
    return `${scope.use("checkedStore")}(${
      scope.constant(slot)
    }, ${base.region}, ${where}, a);`;
  }
  const chosen = `${base.offset} + (${condition}${
    accepts(type, scope)
  } ? ${position} : ${bad})`;
  if (!slot.aligned && place === undefined) {
    return `${scope.use("storeUnaligned")}.${lane}(${base.region}, ${chosen}, ${
      encoded(type, scope)
    });`;
  }
  const size = LANE_SIZE[lane];
  const closed = scope.use("closed");
  const value = place === undefined
    ? encoded(type, scope)
    : mergedSource(slot, "v[k]", scope);
  if (size === 8 && place === undefined) {
    // Reading the lane itself would make a bigint only to look at it.
    return `const r = ${base.region}, k = ${chosen};
if (r.u8[k] === undefined) ${closed}();
r.${lane}[${indexOf("k", 8, base.wide)}] = ${value};`;
  }
  return `const v = ${base.region}.${lane}, k = ${
    size === 1
      ? chosen
      : base.wide
      ? `(${chosen}) / ${size}`
      : `${chosen} >> ${Math.log2(size)}`
  };
if (v[k] === undefined) ${closed}();
v[k] = ${value};`;
}

/** A bit-field's unit with the bits of `a` put into it. */
function mergedSource(slot: Slot, unit: string, scope: Scope): string {
  const { shift, width, wide } = bitPlaceOf(slot);
  if (wide) {
    const bits = (1n << BigInt(width)) - 1n << BigInt(shift);
    const others = BigInt.asUintN(64, ~bits);
    return `${unit} & ${others}n | ${
      scope.use("asUintN")
    }(${width}, a) << ${shift}n`;
  }
  const bits = width === 32 ? -1 : 2 ** width - 1;
  return `${unit} & ${~(bits << shift)} | (a & ${bits}) << ${shift}`;
}

/** A condition that is true where `name` cannot be stored as this type. */
export function refusesSource(
  type: LeafType,
  name: string,
  scope: Scope,
): string {
  const lane = laneOf(type as Exclude<LeafType, { kind: "text" }>);
  const base = type.kind === "atomic" ? type.base : type;
  const kind = base.kind === "bool"
    ? "boolean"
    : LANE_SIZE[lane] === 8 && lane !== "f64"
    ? "bigint"
    : "number";
  const fits = accepts(type, scope).replaceAll(/\ba\b/g, name);
  return kind === "boolean"
    ? `typeof ${name} !== "boolean"`
    : `typeof ${name} !== "${kind}" || !(${fits})`;
}
