import { readdirSync } from 'node:fs';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * The architecture's import table: which folders' code a folder may import. Every folder stands here or
 * in the list below.
 */
const MAY_IMPORT = {
  domain: [],
  workflows: ['domain', 'activities'],
  activities: [
    'domain',
    'messaging',
    'database/orders',
    'database/unavailable',
    'client',
    'runtime',
  ],
  messaging: ['domain', 'runtime'],
  'database/orders': ['domain'],
  'database/dispatch': ['domain'],
  database: ['domain', 'runtime'],
  runtime: ['domain'],
  worker: [
    'domain',
    'activities',
    'messaging',
    'database/orders',
    'database/migrate',
    'database/unavailable',
    'runtime',
    'client',
    'operations',
  ],
  supplement: ['domain', 'messaging', 'database', 'client', 'runtime'],
  'dispatch-system': [
    'domain',
    'messaging',
    'database/dispatch',
    'database/migrate',
    'database/unavailable',
    'runtime',
  ],
  client: ['domain'],
  operations: ['domain', 'messaging', 'database', 'client'],
  cli: ['domain', 'client', 'operations', 'runtime'],
};

/** The rest of the folders, which may import anything. */
const MAY_IMPORT_ANYTHING = ['demo', 'scripts', 'test', 'bench', 'stack', 'prisma'];

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
  .map(({ name }) => name);
for (const folder of folders) {
  if (folder in MAY_IMPORT || MAY_IMPORT_ANYTHING.includes(folder)) continue;
  throw new Error(`eslint.config.mjs: ${folder}/ has no row in the import table`);
}

/** Packages that one folder alone may import. */
const OWNED_PACKAGES = [
  { owner: 'messaging', regex: '^amqplib', message: 'Only messaging/ speaks AMQP.' },
  {
    owner: 'database',
    regex: '^@prisma/|/generated/',
    message: 'Only database/ speaks to a database.',
  },
];

const importTable = Object.entries(MAY_IMPORT).map(([folder, allowed]) => {
  const up = folder.split('/').map(() => '\\.\\.');
  const outside = `^${up.join('/')}/(?!(${[folder, ...allowed].join('|')})(/|$))`;
  const nested = folder === 'database' ? ['database/*.ts'] : [`${folder}/**/*.ts`];
  // A file in a subfolder (domain/messages) reaches its own folder by one step more.
  const files = folder === 'domain' ? ['domain/*.ts'] : nested;
  return {
    files,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: outside,
              message: `${folder}/ may import only: ${allowed.join(', ') || 'nothing of ours'}.`,
            },
            ...(folder === 'workflows'
              ? [
                  {
                    regex: '^\\.\\./activities',
                    allowTypeImports: true,
                    message: 'Only types of activities.',
                  },
                ]
              : []),
            ...OWNED_PACKAGES.filter(({ owner }) => !folder.startsWith(owner)).map(
              ({ regex, message }) => ({ regex, message }),
            ),
          ],
        },
      ],
    },
  };
});

export default defineConfig(
  globalIgnores(['dist/', '.local/', 'database/*/generated/', 'node_modules/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // The compiler's narrowing does not know that a field changes while the code awaits.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `() => setup()` where nobody looks at what comes back.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only runtime/ reads the environment.' },
      ],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['runtime/**/*.ts', 'stack/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'prisma/**/*.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A suite is as long as its guarantees.
      'max-lines': 'off',
      // Rows and failures come back from the servers untyped.
      '@typescript-eslint/no-unsafe-assignment': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'module',
          'require',
          'URL',
          'setTimeout',
          'Atomics',
          'SharedArrayBuffer',
          'Int32Array',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  ...importTable,
);
