import path from 'node:path';

const root = import.meta.dirname;
const ANYTHING = ['.'];

/**
 * The architecture's import table: which of our own code each folder may import, by folder or by
 * file. `type:` allows types only.
 */
const MAY_IMPORT = {
  domain: [],
  workflows: ['domain', 'type:activities'],
  activities: ['domain', 'messaging', 'database/orders', 'database/fault', 'temporal', 'runtime'],
  messaging: ['domain', 'runtime'],
  'database/orders': [
    'domain',
    'database/postgres-adapter',
    'database/changes',
    'database/connection-use',
  ],
  'database/dispatch': [
    'domain',
    'database/postgres-adapter',
    'database/read-only',
    'database/changes',
    'database/connection-use',
  ],
  database: ['domain', 'runtime'],
  runtime: ['domain'],
  temporal: ['domain', 'runtime'],
  reconciliation: ['domain', 'database', 'temporal'],
  worker: [
    'domain',
    'activities',
    'messaging',
    'database/orders',
    'database/migrate',
    'database/fault',
    'temporal',
    'client',
    'runtime',
  ],
  health: ['domain', 'messaging', 'database', 'temporal', 'type:runtime'],
  supplement: [
    'domain',
    'messaging',
    'database',
    'temporal',
    'reconciliation',
    'health',
    'runtime',
  ],
  'dispatch-system': [
    'domain',
    'messaging',
    'database/dispatch',
    'database/migrate',
    'database/fault',
    'runtime',
  ],
  client: ['domain', 'temporal'],
  testing: ['domain', 'client'],
  events: ['domain', 'messaging', 'runtime'],
  operations: [
    'domain',
    'messaging',
    'database',
    'temporal',
    'reconciliation',
    'client',
    'type:runtime',
  ],
  cli: ['domain', 'client', 'operations', 'reconciliation', 'temporal', 'runtime'],
  api: ['domain', 'client', 'operations', 'reconciliation', 'temporal', 'runtime'],
  console: ['type:domain', 'type:operations', 'type:client', 'type:api'],
  prisma: [],
  stack: ANYTHING,
  demo: ANYTHING,
  scripts: ANYTHING,
  bench: ANYTHING,
  chaos: ANYTHING,
  test: ANYTHING,
};

/** What one folder or file alone may import, wherever it comes from. */
const OWNED = [
  {
    owner: 'database/utc-postgres.ts',
    what: /^@prisma\/adapter-pg$/,
    message: 'Times are right by UtcPostgres alone (database/utc-postgres.ts).',
    exempt: [],
  },
  { owner: 'messaging', what: /^amqplib/, message: 'Only messaging/ speaks AMQP.' },
  {
    owner: 'database',
    what: /^@prisma\/|\/generated\//,
    message: 'Only database/ speaks to a database.',
  },
  {
    owner: 'database',
    what: /\/database\/(orders|dispatch)\/connection$/,
    name: 'prismaOf',
    message: 'Only database/ has statements.',
  },
  {
    owner: 'temporal',
    what: /^@temporalio\/client$/,
    name: 'Connection',
    message: 'Only temporal/connection opens one: its close() ends the calls under way.',
  },
];

/** Folders that look behind the curtain: they bring up, break, rebuild and inspect the real things. */
const EXEMPT_FROM_OWNERSHIP = ['test', 'bench', 'prisma'];

/** The rule `architecture/import-table`. */
export const importTable = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const file = toOurs(context.filename);
    const folder = folderOf(file);
    if (folder === undefined) {
      const message = 'This folder is not in the import table (eslint-import-table.mjs).';
      return { Program: (node) => context.report({ node, message }) };
    }
    const check = (node) => {
      // A path that is computed is no part of the architecture.
      if (typeof node.source?.value !== 'string') return;
      const message = refusal({
        file,
        folder,
        specifier: node.source.value,
        names: (node.specifiers ?? [])
          .filter(({ importKind }) => node.importKind !== 'type' && importKind !== 'type')
          .map(({ imported }) => imported?.name),
        isType: isType(node),
      });
      if (message) context.report({ node, message });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

function refusal({ file, folder, specifier, names, isType }) {
  const owned = OWNED.find(
    ({ what, name }) => what.test(specifier) && (name === undefined || names.includes(name)),
  );
  const { owner, message, exempt = EXEMPT_FROM_OWNERSHIP } = owned ?? {};
  if (owned && !isWithin(file, owner) && !exempt.includes(folder)) return message;
  if (!specifier.startsWith('.')) return undefined;
  const target = path.posix.join(path.posix.dirname(file), specifier);
  const allowed = MAY_IMPORT[folder];
  const isAllowed = allowed.some((entry) =>
    entry.startsWith('type:')
      ? isType && isWithin(target, entry.slice('type:'.length))
      : isWithin(target, entry),
  );
  if (isAllowed || folderOf(target) === folder) return undefined;
  return `${folder}/ may import only: ${allowed.join(', ') || 'nothing of ours'}.`;
}

function isType({ importKind, specifiers = [] }) {
  if (importKind === 'type') return true;
  return specifiers.length > 0 && specifiers.every((specifier) => specifier.importKind === 'type');
}

/** The folder of the table that a file belongs to: the deepest that fits. */
function folderOf(file) {
  return Object.keys(MAY_IMPORT)
    .filter((folder) => isWithin(file, folder))
    .sort((one, other) => other.length - one.length)[0];
}

function isWithin(file, folder) {
  return folder === '.' || file === folder || file.startsWith(`${folder}/`);
}

function toOurs(filename) {
  return path.relative(root, filename).split(path.sep).join('/');
}
