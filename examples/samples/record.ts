/**
 * numpy reads what Deno writes, in the same memory: this process records four
 * channels, a program in Python finds the frequency that each of them has, and
 * writes it where this process reads it. Nothing is copied or converted.
 *
 * ```sh
 * npx -y deno@2.9.6 run -A examples/samples/record.ts
 * ```
 *
 * Needs python3 and numpy (Debian: `python3-numpy`).
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import {
  array,
  f32,
  f64,
  HostLayout,
  Memory,
  struct,
  u32,
} from "@hostmem/hostmem";
import { pythonModule } from "@hostmem/hostmem/sync";

/** The number of samples of each channel in a second. */
const RATE = 1000;
const FREQUENCIES = [50, 120, 3, 440];

const Sample = struct("Sample", {
  _: HostLayout,
  time: f64,
  values: array(f32, FREQUENCIES.length),
});
const Recording = struct("Recording", {
  _: HostLayout,
  rate: u32,
  count: u32,
  found: array(f64, FREQUENCIES.length), // by Python, in Hz
  samples: array(Sample, 4 * RATE),
});

using memory = Memory.create(Recording.size, { name: "recording" });
const recording = memory.pointer(Recording);
recording.rate = RATE;
for (let index = 0; index < 2 * RATE; index++) {
  const sample = recording.samples.at(index);
  sample.time = index / RATE;
  FREQUENCIES.forEach((frequency, channel) => {
    const noise = Math.random() - 0.5;
    const wave = Math.sin(2 * Math.PI * frequency * sample.time);
    sample.values[channel] = wave + noise;
  });
  recording.count++;
}

// What `hostmem header record.ts#Recording --language python` would write.
const directory = await Deno.makeTempDir();
try {
  await Deno.writeTextFile(
    `${directory}/recording.py`,
    pythonModule({ Recording }),
  );
  const script = fileURLToPath(new URL("analyse.py", import.meta.url));
  const { success } = await new Deno.Command("python3", {
    // A memfd has no path, but a process of the same user can open it by ours.
    args: [script, `/proc/${Deno.pid}/fd/${memory.fd}`],
    env: { PYTHONPATH: directory, PYTHONDONTWRITEBYTECODE: "1" },
  }).spawn().status;
  if (!success) Deno.exit(1);
} finally {
  await Deno.remove(directory, { recursive: true });
}
recording.found.forEach((frequency, channel) =>
  console.log(`channel ${channel}: ${frequency} Hz`)
);
