import { prismaOf, type DispatchDatabase } from './connection';

/**
 * Blanks what the dispatch database holds about these orders beyond IDs, couriers and times: the
 * detail of a stored answer, which was written for people. The answer stays the same to a repeat: what
 * it says is compared without its detail.
 *
 * @param options.dryRun counts, and blanks nothing.
 * @returns how many answers were blanked, or would be.
 */
export async function eraseAnswerDetails(
  database: DispatchDatabase,
  orderIds: readonly string[],
  options: { dryRun: boolean },
): Promise<number> {
  if (options.dryRun) {
    const [counted] = await prismaOf(database).$queryRaw<{ rows: bigint }[]>`
      SELECT count(*) AS rows FROM inbox
      WHERE order_id = ANY(${[...orderIds]}) AND answer ->> 'detail' IS NOT NULL`;
    return Number(counted?.rows ?? 0);
  }
  return prismaOf(database).$executeRaw`
    UPDATE inbox SET answer = answer - 'detail'
    WHERE order_id = ANY(${[...orderIds]}) AND answer ->> 'detail' IS NOT NULL`;
}
