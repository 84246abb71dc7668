import { assertEquals, assertStrictEquals } from "@std/assert";
import { BpfMap, BpfObject } from "../../../bpf/mod.ts";
import { bpfObjects, kernelBtf, setpriv, testWith } from "../../_needs.ts";
import { run } from "../../_support.ts";
import { objectFile } from "../_objects.ts";

testWith(bpfObjects, kernelBtf)(
  "The maps of a BpfObject take their types from the object's own BTF (needs clang and libbpf)",
  async () => {
    using object = BpfObject.load(await objectFile("maps"));
    for (const map of Object.values(object.maps)) {
      if (map.info.btfId !== 0) assertStrictEquals(map.btf, object.btf);
    }
  },
);

testWith(bpfObjects, kernelBtf)(
  "A map that an object reuses keeps the types of its own BTF (needs clang and libbpf)",
  async () => {
    const path = await objectFile("maps");
    using first = BpfObject.load(path);
    const [name, map] = Object.entries(first.maps)
      .find(([, { info }]) => info.type === "hash" && info.btfId !== 0)!;
    using second = BpfObject.load(path, { maps: { [name]: { reuse: map } } });
    const reused = second.map(name);
    assertEquals(reused.info.btfId, map.info.btfId);
    assertStrictEquals(reused.btf, first.btf);
    using opened = BpfMap.fromFd(map.fd);
    assertStrictEquals(opened.valueType, map.valueType);
  },
);

testWith(bpfObjects, kernelBtf, setpriv)(
  "The types of an object's maps need no CAP_SYS_ADMIN (needs clang, libbpf, setpriv and root)",
  async () => {
    const only = "-all,+bpf,+net_admin,+perfmon";
    const { code, stdout, stderr } = await run(
      `
      import { BpfObject } from "@hostmem/hostmem/bpf";
      using object = BpfObject.load(Deno.args[0]);
      const found = Object.values(object.maps)
        .filter(({ info }) => info.type === "hash" && info.btfId !== 0);
      for (const map of found) {
        console.log(map.keyType !== undefined, map.valueType !== undefined);
        [...map.entries()];
      }
    `,
      {
        permissions: ["-A"],
        args: [await objectFile("maps")],
        under: ["setpriv", `--bounding-set=${only}`, `--inh-caps=${only}`],
      },
    );
    assertEquals([code, stderr], [0, ""]);
    assertEquals(new Set(stdout.trimEnd().split("\n")), new Set(["true true"]));
  },
);
