"""The other process of record.ts: finds the frequency of each channel."""

import mmap
import sys

import numpy
from recording import Recording_dtype

with open(sys.argv[1], "r+b") as file:
    memory = mmap.mmap(file.fileno(), 0)

# An array of one element over the memory itself: what is stored, Deno reads.
recording = numpy.frombuffer(memory, Recording_dtype, 1)[0]
samples = recording["samples"][: recording["count"]]
spectrum = numpy.abs(numpy.fft.rfft(samples["values"], axis=0))
frequencies = numpy.fft.rfftfreq(len(samples), 1 / recording["rate"])
recording["found"] = frequencies[spectrum.argmax(axis=0)]
print(f"{len(samples)} samples until {samples['time'][-1]:.3f} s")
