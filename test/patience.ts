/**
 * How much slower than usual this machine is, at least 1: the run's setup measures it (`scripts/test.ts`).
 * jest.config.js reads it, too.
 */
export const MACHINE_FACTOR = Math.max(1, Number(process.env['ORDER_DISPATCH_TEST_FACTOR']) || 1);

/** How much slower than measured it may become: others may need the machine later. */
const MARGIN = 20;

/**
 * How long something may take before it counts as stuck, in whole ms. Also for a time of the product's that a test must
 * not exceed, such as how long an attempt waits for its acknowledgement.
 *
 * @param usualMs how long it takes on a usual machine.
 */
export function patience(usualMs: number): number {
  return Math.round(usualMs * MARGIN * MACHINE_FACTOR);
}
