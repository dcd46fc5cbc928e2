import { defineConfig } from 'prisma/config';

/** Prisma's settings for the dispatch database, whose URL is in `DISPATCH_DATABASE_URL`. */
export default defineConfig({
  schema: 'schema.prisma',
  migrations: { path: 'migrations' },
  datasource: { url: process.env['DISPATCH_DATABASE_URL'] ?? '' },
});
