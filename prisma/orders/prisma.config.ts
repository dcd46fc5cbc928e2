import { defineConfig } from 'prisma/config';

/** Prisma's settings for the order database, whose URL is in `ORDERS_DATABASE_URL`. */
export default defineConfig({
  schema: 'schema.prisma',
  migrations: { path: 'migrations' },
  datasource: { url: process.env['ORDERS_DATABASE_URL'] ?? '' },
});
