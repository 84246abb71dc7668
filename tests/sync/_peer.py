"""Reads what is in a file, prints it, and writes other values."""

import json
import mmap
import sys

if len(sys.argv) <= 2:
    # As if it were not installed.
    sys.modules["numpy"] = None

import types_of_test as t

with open(sys.argv[1], "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)
it = t.Everything.from_buffer(memory)
print(json.dumps({
    "flag": it.flag,
    "color": it.color,
    "name": it.name.decode(),
    "title": bytes(it.title).decode("utf-16-le").rstrip("\0"),
    "low": it.low,
    "minus": str(it.minus),
    "shade": it.shade,
    "priv": it.priv,
    "network": it.network,
    "change": it.change,
    "load": it.load,
    "wide": str(it.wide),
    "half": it.half.value,
    "ratio": it.ratio,
    "mac": list(it.mac),
    "huge": str(it.huge.value),
    "debt": str(it.debt.value),
    "total": it.total,
    "counter": str(it.counter),
    "address": str(it.address),
    "matrix": [list(row) for row in it.matrix],
    "inner": [{"tag": one.tag, "value": one.value} for one in it.inner],
    "packed": {
        "a": it.packed.a,
        "b": str(it.packed.b),
        "low": it.packed.low,
        "c": list(it.packed.c),
    },
    "placed": {"a": it.placed.a, "b": it.placed.b},
    "halves": [half.value for half in it.halves],
    "box": it.box,
    "either": {"small": it.either.small, "large": str(it.either.large)},
    "rest": list(it.rest),
}))
assert (t.numpy is None) == (len(sys.argv) <= 2)
if t.numpy is not None:
    array = t.numpy.frombuffer(memory, t.Everything_dtype, 1)[0]
    assert array["color"] == t.Color.green and array["network"] == 443
    assert array["matrix"].tolist() == [[1, 2, 3], [4, 5, 65535]]
    assert array["inner"]["value"].tolist() == [-1.25, 1e100]
    assert array["half"] == t.numpy.float16(1 / 3) and array["load"] == 1.5
    assert array["name"].decode() == "héllo" and array["box"] == 123456
    assert array["title"].tolist() == [97, 0xD83D, 0xDE00, 233, 0, 0]
    assert array["debt"].tolist() == [0, 2**64 - 2**26]
    assert t.Numbers_dtype.itemsize == 32 and t.Color_dtype == "u1"
it.flag = False
it.color = t.Color.red
it.name = b"bye"
it.title[:] = [ord(unit) for unit in "bye\0\0\0"]
it.low = 2
it.minus = -(1 << 39)
it.shade = 1
it.priv = False
it.network = 8080
it.change = 5
it.load = -0.5
it.wide = 3
it.half.value = -2
it.ratio = 8
it.mac[:] = [6, 5, 4, 3, 2, 1]
it.huge.value = (1 << 128) - 1
it.debt.value = -1
it.total = 7
it.counter = 1 << 62
it.address = 0
it.matrix[1][1] = 9
it.inner[1].tag = 200
it.inner[1].value = 0.5
it.packed.a = 1
it.packed.b = 2
it.packed.low = 31
it.packed.c[1] = -300
it.placed.b = 1 << 31
it.halves[2].value = 0.5
it.box = 1
it.either.large = 255
for name, wrong in [("low", 8), ("minus", 1 << 39), ("shade", -1)]:
    try:
        setattr(it, name, wrong)
    except ValueError:
        continue
    raise AssertionError(name)
