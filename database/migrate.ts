import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bindMigrationAwareSqlAdapterFactory,
  DriverAdapterError,
  type SqlDriverAdapter,
} from '@prisma/driver-adapter-utils';
import type {
  DiagnoseMigrationHistoryOutput,
  MigrationDirectory,
  MigrationList,
  SchemaEngine,
} from '@prisma/schema-engine-wasm';
import * as engineBindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { DatabaseUnavailable, InvalidConfiguration, MigrationFailed } from '../domain/errors';
import { hostAndName } from '../domain/host-and-name';
import { packageRoot } from '../runtime/package-root';
import { connectionConfig } from './connection-config';
import { UtcPostgres } from './utc-postgres';

/** Which of the two databases: the order service's, or the dispatch system's. */
export type DatabaseSchema = 'orders' | 'dispatch';

/** A database, and what it should hold. */
export interface MigrationTarget {
  /** `postgresql://user:password@host:port/database` */
  url: string;
  schema: DatabaseSchema;
}

/**
 * Brings a database up to date: applies the migrations of `prisma/<schema>/migrations` that it
 * lacks, and records them in `_prisma_migrations`, so that `prisma migrate deploy` may be used on
 * the same database. Safe to run from several processes at once.
 *
 * @returns the names of the migrations applied by this call, in order.
 * @throws {@link DatabaseUnavailable}; {@link InvalidConfiguration} if its times cannot be read;
 * {@link MigrationFailed} that names the migration.
 */
export async function applyMigrations(target: MigrationTarget): Promise<string[]> {
  const migrationsList = await readMigrations(target.schema);
  return withEngine(target, (engine, database) =>
    withMigrationLock(database, async () => {
      const applied = await engine.applyMigrations({ migrationsList, filters: NO_FILTER });
      return applied.appliedMigrationNames;
    }),
  );
}

/**
 * The migrations that a database lacks, oldest first; empty when it is up to date.
 *
 * @throws {@link DatabaseUnavailable}; {@link MigrationFailed} where a migration was edited after it was
 * applied, or had failed half-way.
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
 * The lock that Prisma's engine takes, in `prisma migrate` too. We hold it by a transaction, with which it
 * goes; the engine takes it for a session, of which a PgBouncer would never let go.
 */
const LOCK_KEY = 72_707_369;
const ENGINES_LOCK = `SELECT pg_advisory_lock(${LOCK_KEY})`;

function refuseBrokenHistory(
  target: MigrationTarget,
  diagnosis: DiagnoseMigrationHistoryOutput,
): void {
  const broken = [
    ...diagnosis.failedMigrationNames.map((name) => `${name} failed half-way`),
    ...diagnosis.editedMigrationNames.map((name) => `${name} was edited after it was applied`),
  ];
  if (broken.length === 0) return;
  throw new MigrationFailed(`${describe(target)}: ${broken.join('; ')}`);
}

/** Serialises the migrations of one database: the second process finds nothing left to do. */
async function withMigrationLock<T>(
  database: SqlDriverAdapter,
  work: () => Promise<T>,
): Promise<T> {
  const transaction = await database.startTransaction();
  const run = (sql: string) => transaction.executeRaw({ sql, args: [], argTypes: [] });
  try {
    await run(`SELECT pg_advisory_xact_lock(${LOCK_KEY})`);
    return await work();
  } finally {
    await run('COMMIT');
    await transaction.commit();
  }
}

/** What is used of the engine. */
type Engine = Pick<SchemaEngine, 'applyMigrations' | 'diagnoseMigrationHistory'>;

/** Prisma's schema engine on the target's database, whose connections are closed afterwards. */
async function withEngine<T>(
  target: MigrationTarget,
  work: (engine: Engine, database: SqlDriverAdapter) => Promise<T>,
): Promise<T> {
  const { SchemaEngine } = await loadBindings();
  const pool = new UtcPostgres(connectionConfig(target.url).config);
  const database = await pool.connect();
  const executeRaw = database.executeRaw.bind(database);
  database.executeRaw = (query) =>
    query.sql === ENGINES_LOCK ? Promise.resolve(0) : executeRaw(query);
  // As one message: the adapter's own way cuts a script at each semicolon, in a function's body too.
  database.executeScript = async (sql) => {
    await database.executeRaw({ sql, args: [], argTypes: [] });
  };
  try {
    await reach(target, database);
    // The engine never closes a connection that it opened: it is given ours, which is closed below.
    const factory = bindMigrationAwareSqlAdapterFactory({
      provider: pool.provider,
      adapterName: pool.adapterName,
      connect: () => Promise.resolve(database),
      connectToShadowDb: () => Promise.reject(new Error('there is no shadow database')),
    });
    const engine = await SchemaEngine.new({ datamodels: undefined }, () => undefined, factory);
    try {
      return await work(engine, database);
    } finally {
      engine.free();
    }
  } catch (cause) {
    if (cause instanceof DatabaseUnavailable || cause instanceof InvalidConfiguration) throw cause;
    throw new MigrationFailed(`${describe(target)} could not be migrated: ${messageOf(cause)}`, {
      cause,
    });
  } finally {
    await database.dispose();
  }
}

async function reach(target: MigrationTarget, database: SqlDriverAdapter): Promise<void> {
  try {
    // A time, since the engine would not say why it cannot read one.
    const sql = "SELECT now(), current_setting('server_encoding')";
    const { rows } = await database.queryRaw({ sql, args: [], argTypes: [] });
    const encoding = rows[0]?.[1];
    if (encoding !== 'UTF8')
      throw new InvalidConfiguration(wrongEncoding(target, String(encoding)));
  } catch (cause) {
    if (cause instanceof InvalidConfiguration) throw cause;
    throw new DatabaseUnavailable(describe(target), { why: messageOf(cause), cause });
  }
}

/** An order may have any characters: what the database cannot store would be tried again without end. */
function wrongEncoding(target: MigrationTarget, encoding: string): string {
  const name = new URL(target.url).pathname.slice(1);
  return `${describe(target)} has the encoding ${encoding}, which cannot store every order: create it anew, by CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`;
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
      './schema_engine_bg.js': Object.fromEntries(Object.entries(engineBindings).map(unrefTimer)),
    });
    engineBindings.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
    return engineBindings;
  })();
  return loading;
}

/**
 * The engine never clears the 10 s timer with which it waits for its lock; as it is, that would
 * keep the process alive.
 */
function unrefTimer([name, binding]: [string, unknown]): [string, unknown] {
  if (!name.startsWith('__wbg_setTimeout')) return [name, binding];
  const setTimer = binding as (...args: unknown[]) => NodeJS.Timeout;
  return [name, (...args: unknown[]) => setTimer(...args).unref()];
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

function describe({ schema, url }: MigrationTarget): string {
  return `the ${schema === 'orders' ? 'order' : schema} database at ${hostAndName(url)}`;
}

function withMend(reason: string): string {
  if (!/certificate/i.test(reason)) return reason;
  return `${reason}: name its authority by sslrootcert=FILE in the URL, or by NODE_EXTRA_CA_CERTS`;
}

function messageOf(error: unknown): string {
  if (error instanceof DriverAdapterError) {
    if (error.cause.kind === 'DatabaseNotReachable') return 'nothing answers there';
    if (error.cause.kind === 'TlsConnectionError') return withMend(error.cause.reason);
    return error.cause.originalMessage ?? error.message;
  }
  return error instanceof Error ? error.message : String(error);
}
