import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type {
  DiagnoseMigrationHistoryOutput,
  MigrationDirectory,
  MigrationList,
  SchemaEngine,
} from '@prisma/schema-engine-wasm';
import * as engineBindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { packageRoot } from '../runtime/package-root';

/** Which of the two databases: the order service's, or the dispatch system's. */
export type DatabaseSchema = 'orders' | 'dispatch';

/** A database, and what it should hold. */
export interface MigrationTarget {
  /** `postgresql://user:password@host:port/database` */
  url: string;
  schema: DatabaseSchema;
}

/** Why a database could not be migrated: `databaseUnreachable`, or `migrationFailed`. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    readonly code: 'databaseUnreachable' | 'migrationFailed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Brings a database up to date: applies the migrations of `prisma/<schema>/migrations` that it
 * lacks, and records them in `_prisma_migrations`, so that `prisma migrate deploy` may be used on
 * the same database. Safe to run from several processes at once.
 *
 * @returns the names of the migrations applied by this call, in order.
 * @throws {MigrationError} if the database cannot be reached, or a migration fails.
 */
export async function applyMigrations(target: MigrationTarget): Promise<string[]> {
  return withMigrationLock(target, async () => {
    const migrationsList = await readMigrations(target.schema);
    return withEngine(target, async (engine) => {
      const applied = await engine.applyMigrations({ migrationsList, filters: NO_FILTER });
      return applied.appliedMigrationNames;
    });
  });
}

/**
 * The migrations that a database lacks, oldest first; empty when it is up to date.
 *
 * @throws {MigrationError} if the database cannot be reached, or a migration was edited after it
 *   was applied or had failed half-way.
 */
export async function pendingMigrations(target: MigrationTarget): Promise<string[]> {
  const migrationsList = await readMigrations(target.schema);
  const diagnosis = await withEngine(target, (engine) =>
    engine.diagnoseMigrationHistory({
      migrationsList,
      optInToShadowDatabase: false,
      filters: NO_FILTER,
    }),
  );
  refuseBrokenHistory(target, diagnosis);
  const { history } = diagnosis;
  if (history === null || history.diagnostic === 'migrationsDirectoryIsBehind') return [];
  return history.unappliedMigrationNames;
}

const NO_FILTER = { externalTables: [], externalEnums: [] };

/**
 * Serialises migrations of one database. The engine takes a lock of its own, but on whichever
 * pooled connection it happens to get; this one is held by a transaction, and goes with it.
 */
const LOCK_KEY = 628_413_907;

function refuseBrokenHistory(
  target: MigrationTarget,
  diagnosis: DiagnoseMigrationHistoryOutput,
): void {
  const broken = [
    ...diagnosis.failedMigrationNames.map((name) => `${name} failed half-way`),
    ...diagnosis.editedMigrationNames.map((name) => `${name} was edited after it was applied`),
  ];
  if (broken.length === 0) return;
  throw new MigrationError(
    'migrationFailed',
    `the ${target.schema} database at ${describe(target.url)}: ${broken.join('; ')}`,
  );
}

async function withMigrationLock<T>(target: MigrationTarget, work: () => Promise<T>): Promise<T> {
  const database = await reach(target, () => new PrismaPg(target.url).connect());
  try {
    const transaction = await reach(target, () => database.startTransaction());
    try {
      await transaction.executeRaw({
        sql: `SELECT pg_advisory_xact_lock(${LOCK_KEY})`,
        args: [],
        argTypes: [],
      });
      return await work();
    } finally {
      await transaction.executeRaw({ sql: 'COMMIT', args: [], argTypes: [] });
      await transaction.commit();
    }
  } finally {
    await database.dispose();
  }
}

async function withEngine<T>(
  target: MigrationTarget,
  work: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const engine = await reach(target, async () => {
    const bindings = await loadBindings();
    const factory = bindMigrationAwareSqlAdapterFactory(new PrismaPg(target.url));
    return bindings.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory);
  });
  try {
    return await work(engine);
  } catch (cause) {
    throw new MigrationError(
      'migrationFailed',
      `the ${target.schema} database at ${describe(target.url)} could not be migrated: ${messageOf(cause)}`,
      { cause },
    );
  } finally {
    engine.free();
  }
}

/** What is used of the global that Node has and its type declarations lack. */
declare const WebAssembly: {
  instantiate(
    code: Uint8Array,
    imports: Record<string, unknown>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

type Bindings = typeof engineBindings;
let loading: Promise<Bindings> | undefined;

/** The package's own entry imports the `.wasm` file, which Node does not do without a flag. */
function loadBindings(): Promise<Bindings> {
  loading ??= (async () => {
    const file = require
      .resolve('@prisma/schema-engine-wasm/schema_engine_bg')
      .replace(/js$/, 'wasm');
    const { instance } = await WebAssembly.instantiate(await readFile(file), {
      './schema_engine_bg.js': engineBindings,
    });
    engineBindings.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
    return engineBindings;
  })();
  return loading;
}

async function readMigrations(schema: DatabaseSchema): Promise<MigrationList> {
  const folder = join(packageRoot(), 'prisma', schema, 'migrations');
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const migrationDirectories = names.sort().map(async (name): Promise<MigrationDirectory> => {
    const value = await readFile(join(folder, name, 'migration.sql'), 'utf8');
    return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok', value } } };
  });
  return {
    baseDir: folder,
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(join(folder, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(migrationDirectories),
  };
}

async function reach<T>(target: MigrationTarget, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect();
  } catch (cause) {
    throw new MigrationError(
      'databaseUnreachable',
      `the ${target.schema} database at ${describe(target.url)} cannot be reached: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Host and database name: a URL in full would put its password into logs. */
function describe(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
