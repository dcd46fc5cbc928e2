import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';
import { importTable } from './eslint-import-table.mjs';

export default defineConfig(
  globalIgnores(['dist/', '.local/', 'database/*/generated/', 'node_modules/']),
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { architecture: { rules: { 'import-table': importTable } } },
    rules: {
      'architecture/import-table': 'error',
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
        {
          object: 'AbortSignal',
          property: 'any',
          message: 'With a signal that lives long it leaks in Node 20 (nodejs/node#55351).',
        },
      ],
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // All workflows of a worker share these modules: see worker/workflow-bundle.ts.
    files: ['domain/**/*.ts', 'workflows/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[
          'VariableDeclaration[kind!="const"]',
          'VariableDeclaration > VariableDeclarator > NewExpression[callee.name=/^(Weak)?(Map|Set)$/]',
        ].flatMap((variable) =>
          ['Program >', 'Program > ExportNamedDeclaration >'].map((at) => ({
            selector: `${at} ${variable}`,
            message: 'Workflows share this module: it keeps nothing.',
          })),
        ),
      ],
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
      // A test passes on any machine, slow or busy: see CONTRIBUTING.md, "Add a test".
      'no-restricted-syntax': [
        'error',
        ...[
          'CallExpression:not([callee.name=/^set(Timeout|Interval)$/]) > :function + Literal[value>999]',
          'CallExpression[callee.name="eventually"] Property[key.name="withinMs"] > Literal',
          'CallExpression[callee.object.name="jest"][callee.property.name="setTimeout"] > Literal',
        ].map((selector) => ({ selector, message: 'No limit, or a `patience`.' })),
        ...[
          'NewExpression[callee.name="Promise"] CallExpression[callee.name="setTimeout"]',
          'CallExpression[callee.property.name="waitForTimeout"]',
          'ImportDeclaration[source.value="node:timers/promises"]',
        ].map((selector) => ({ selector, message: 'No sleep: wait for a condition.' })),
        {
          selector:
            'CallExpression[callee.property.name=/^toBeLessThan/] CallExpression[callee.object.name="Date"][callee.property.name="now"]',
          message: 'No limit for something real: compare recorded times.',
        },
      ],
    },
  },
  {
    files: ['console/**/*.{ts,tsx}'],
    extends: [reactHooks.configs.flat['recommended-latest']],
    // Says what a compiler would leave out; there is none here.
    rules: { 'react-hooks/incompatible-library': 'off' },
  },
  {
    // What the browser runs as it is.
    files: ['console/public/*.js'],
    languageOptions: {
      globals: { document: 'readonly', localStorage: 'readonly', matchMedia: 'readonly' },
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
);
