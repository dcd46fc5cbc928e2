import { prismaOf, type DispatchDatabase } from './connection';

/** The first of our migrations: whoever has it has our tables. */
const FIRST_MIGRATION = '20261123000000_init';

/**
 * Whether a dispatch database is an adopter's own: it offers the view, and no migration of ours made it.
 * One that is still empty is nobody's.
 */
export async function isAdoptersDatabase(database: DispatchDatabase): Promise<boolean> {
  const prisma = prismaOf(database);
  const [found] = await prisma.$queryRaw<{ view: boolean; migrations: boolean }[]>`
    SELECT to_regclass('order_dispatch_dispatches_v1') IS NOT NULL AS view,
      to_regclass('_prisma_migrations') IS NOT NULL AS migrations`;
  if (!found?.view) return false;
  if (!found.migrations) return true;
  // An adopter may use Prisma, too.
  const [ours] = await prisma.$queryRaw<{ isOurs: boolean }[]>`
    SELECT EXISTS (SELECT FROM _prisma_migrations WHERE migration_name = ${FIRST_MIGRATION}) AS "isOurs"`;
  return ours?.isOurs !== true;
}
