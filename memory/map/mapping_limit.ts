/**
 * The limit of mappings. The kernel allows a process some 65 530
 * (`vm.max_map_count`), and the engine, which makes its own all the time, ends
 * the process when it is refused one. So this package stops at half.
 */

import { NotSupportedError } from "../../errors.ts";
import { visitMappings } from "./proc_maps.ts";
import { collect } from "./engine_pages.ts";

/** The mappings that the whole process may have for another to be made. */
export const BUDGET = 32_768;

/** The mappings that are made before the first count, and between two at least. */
const STEP_MIN = 1024;

let allowance = STEP_MIN;

/**
 * The number of mappings of the process, whoever made them: the lines of
 * `/proc/self/maps`. Undefined where there is no such file.
 */
export function countMappings(): number | undefined {
  let count = 0;
  const known = visitMappings(() => {
    count++;
    return true;
  });
  return known ? count : undefined;
}

function countWithin(budget: number): number {
  const before = countMappings();
  if (before !== undefined && before <= budget) return before;
  collect();
  return countMappings() ?? 0;
}

/**
 * Makes sure that the process can have some more mappings.
 *
 * Counting costs milliseconds, so it is done once in many: dropped mappings
 * need not report that they are gone, and other threads' count as well.
 *
 * @param mappings The number of mappings that are about to be made.
 * @throws {NotSupportedError} if there are too many already.
 */
export function admit(mappings: number): void {
  allowance -= mappings;
  if (allowance >= 0) return;
  const count = countWithin(BUDGET);
  if (count > BUDGET) {
    allowance = 0;
    throw new NotSupportedError(
      `Too many live mappings: this process has ${count}, at most ${BUDGET} are allowed because the engine fails when vm.max_map_count is reached: close some`,
    );
  }
  // A part of what is left, for several threads may be at it.
  const step = (BUDGET - count) >> 2;
  allowance = (step > STEP_MIN ? step : STEP_MIN) - mappings;
}
