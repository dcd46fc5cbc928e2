import { postgresAdapter, type PoolOptions } from '../postgres-adapter';
import { PrismaClient } from './generated/client';

/** What statements are made with; the linter keeps it inside `database/`. */
export let prismaOf: (database: OrdersDatabase) => PrismaClient;

/**
 * The order database, for whoever passes it to the statements beside this file: it offers none
 * itself, so that no row is changed but by them.
 */
export class OrdersDatabase {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  /** Closes the pool. */
  close(): Promise<void> {
    return this.#prisma.$disconnect();
  }

  static {
    prismaOf = (database) => database.#prisma;
  }
}

/** Opens a pool of connections to the order database; the first statement connects. */
export function openOrdersDatabase(options: PoolOptions): OrdersDatabase {
  return new OrdersDatabase(new PrismaClient({ adapter: postgresAdapter(options) }));
}
