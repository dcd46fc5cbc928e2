const path = require('node:path');

/** The folders that a run looks in, which scripts/test.ts says. */
const { ORDER_DISPATCH_TEST_ROOTS: roots = 'test' } = process.env;
/** How much slower than usual this machine is: see test/patience.ts. */
const factor = Math.max(1, Number(process.env.ORDER_DISPATCH_TEST_FACTOR) || 1);

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: roots.split(path.delimiter).map((folder) => path.resolve(folder)),
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.(ts|js)$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Packages that ship ES modules only; Jest loads CommonJS.
  transformIgnorePatterns: [
    '/node_modules/(?!(cookie|@prisma/schema-engine-wasm|get-port|jose|oauth4webapi|openid-client|p-limit|yocto-queue)/)',
    '<rootDir>/dist/',
  ],
  // Of tests and hooks: it catches what hangs. What usually takes longer than 15 s has a `patience` of its own.
  testTimeout: 300_000 * factor,
  // Four on two cores: a test waits for servers half of its time.
  maxWorkers: 4,
  testSequencer: '<rootDir>/test/longest-first.js',
};
