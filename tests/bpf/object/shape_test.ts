import { assertEquals, assertThrows } from "@std/assert";
import type { U32, U64 } from "../../../mod.ts";
import type {
  AttachIterator,
  AttachRawTracepoint,
  AttachXdp,
  BpfIterator,
  BpfLink,
  LoadOptions,
  ObjectShape,
} from "../../../bpf/mod.ts";
import { BpfObject } from "../../../bpf/mod.ts";
import { objectTest } from "../../_needs.ts";
import { objectFile } from "../_objects.ts";

/** Checks that two types are one; the type checker is the one who checks. */
function same<A, B>(
  ..._: (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2)
    ? []
    : [never]
): void {}

interface Shape {
  readonly maps: {
    readonly counts: { type: "hash"; key: U32; value: U64 };
    readonly cpus: { type: "percpu_array"; key: U32; value: U64 };
  };
  readonly variables: { readonly hits: U64 };
  readonly constants: { readonly limit: U32 };
  readonly programs: {
    readonly count: [target?: AttachRawTracepoint];
    readonly filter: [target: AttachXdp];
    readonly tasks: [target?: AttachIterator];
    readonly probe: [];
    readonly call: [target: never];
    readonly unloaded?: [target: AttachXdp];
  };
}

/** It is never called: what it says is for the type checker. */
export function typed(object: BpfObject<Shape>, any: BpfObject): void {
  const { counts, cpus } = object.maps;
  const count = counts.table().get(1);
  same<typeof count, bigint | undefined>();
  const parts = cpus.perCpu().get(1);
  same<typeof parts, bigint[] | undefined>();
  for (const [key, value] of counts) {
    same<[typeof key, typeof value], [number, bigint]>();
  }
  for (const [, value] of cpus) same<typeof value, bigint[]>();
  // @ts-expect-error: the values are bigints
  counts.table().set(1, 1);
  // @ts-expect-error: there is no such map
  void object.maps.count;

  object.variables.hits.pointer().value += 1n;
  object.variables.hits.set(1n);
  same<ReturnType<typeof object.variables.limit.get>, number>();
  // @ts-expect-error: a constant cannot be changed
  object.variables.limit.set(1);
  // @ts-expect-error: a constant cannot be pointed to
  object.variables.limit.pointer();
  // @ts-expect-error: there is no such variable
  void object.variables.limits;

  same<ReturnType<typeof object.programs.count.attach>, BpfLink>();
  object.programs.count.attach();
  object.programs.count.attach({ kind: "raw_tracepoint", name: "sys_exit" });
  // @ts-expect-error: it is not a program for packets
  object.programs.count.attach({ kind: "xdp", interface: "lo" });
  // @ts-expect-error: its section names no interface
  object.programs.filter.attach();
  object.programs.filter.attach({ kind: "xdp", interface: "lo" });
  // @ts-expect-error: there is no such option
  object.programs.filter.attach({ kind: "xdp", interface: "lo", name: "" });
  const tasks: BpfIterator = object.programs.tasks.attach();
  const thread: BpfIterator = object.programs.tasks.attach({
    kind: "iterator",
    tid: 1,
  });
  const probe: BpfLink = object.programs.probe.attach();
  // @ts-expect-error: nothing but its section says where to
  object.programs.probe.attach({ kind: "xdp", interface: "lo" });
  // @ts-expect-error: it cannot be attached
  object.programs.call.attach();
  // @ts-expect-error: it is loaded only if asked for
  object.programs.unloaded.run();
  object.programs.unloaded?.attach({ kind: "xdp", interface: "lo" });
  void [tasks, thread, probe];

  // Whoever takes any object takes this one.
  const one: BpfObject = object;
  const shaped: ObjectShape = {} as Shape;
  void [one, shaped];

  // Without a shape any name may be there, and none needs to.
  same<typeof any.maps.counts, (typeof any.maps)[string] | undefined>();
  // @ts-expect-error: there may be none
  any.variables.hits.get();
  const other: BpfIterator | undefined = any.programs.tasks?.attach({
    kind: "iterator",
  });
  void other;
}

/** It is never called, either. */
export function options(): LoadOptions<Shape>[] {
  return [
    { constants: { limit: 1 }, variables: { hits: 1n } },
    {
      maps: { counts: { maxEntries: 8 } },
      programs: { unloaded: { load: true } },
    },
    // @ts-expect-error: there is no such constant
    { constants: { limits: 1 } },
    // @ts-expect-error: it is a number
    { constants: { limit: "1" } },
    // @ts-expect-error: it is a constant
    { variables: { limit: 1 } },
    // @ts-expect-error: there is no such map
    { maps: { hits: { maxEntries: 8 } } },
    // @ts-expect-error: there is no such program
    { programs: { loaded: { load: true } } },
  ];
}

objectTest(
  "BpfObject.load() of a shape loads what it loads without",
  async () => {
    const file = await objectFile("constants");
    using object = BpfObject.load<{
      maps: { table: { type: "hash"; key: U32; value: U64 } };
      constants: { rounds: U32 };
      programs: { fine: [target: never] };
    }>(file, { constants: { rounds: 3 }, maps: { table: { maxEntries: 4 } } });
    assertEquals(object.variables.rounds.get(), 3);
    object.maps.table.table().set(1, 2n);
    assertEquals([...object.maps.table], [[1, 2n]]);
    assertEquals(object.maps.table.info.maxEntries, 4);
    assertEquals(
      object.programs.fine.run({ data: new Uint8Array(14) }).returnValue,
      0,
    );
  },
);

objectTest(
  "a shape that names what is not there is told so at run time",
  async () => {
    const file = await objectFile("constants");
    assertThrows(
      () =>
        BpfObject.load<{ constants: { absent: U32 } }>(file, {
          constants: { absent: 3 },
        }),
      RangeError,
      "absent",
    );
  },
);
