const path = require('node:path');

/** The folders that a run looks in, which scripts/test.ts says. */
const { ORDER_DISPATCH_TEST_ROOTS: roots = 'test' } = process.env;

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
  testTimeout: 120_000,
  // Four on two cores: a test waits for servers half of its time.
  maxWorkers: 4,
  testSequencer: '<rootDir>/test/longest-first.js',
};
