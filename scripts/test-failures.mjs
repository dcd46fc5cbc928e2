#!/usr/bin/env node
/**
 * `node scripts/test-failures.mjs <Jest's JSON> ...`: prints each failure with its first lines, then their
 * names once more, and how many tests passed and failed. A file that could not be run at all is a failure, too.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const LINES_MAX = 25;

let passed = 0;
let failed = 0;
const titles = [];
for (const file of process.argv.slice(2)) {
  const results = JSON.parse(readFileSync(file, 'utf8'));
  passed += results.numPassedTests;
  failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
  for (const suite of results.testResults) {
    if (suite.status !== 'failed') continue;
    const name = path.relative(process.cwd(), suite.name);
    const failures = suite.assertionResults.filter(({ status }) => status === 'failed');
    if (failures.length === 0) print(name, suite.message);
    for (const { fullName, failureMessages } of failures) {
      print(`${name}: ${fullName}`, failureMessages.join('\n'));
    }
  }
}
for (const title of titles) console.log(`failed: ${title}`);
console.log(`${passed} passed, ${failed} failed`);

function print(title, text) {
  titles.push(title);
  console.log(`failed: ${title}`);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.slice(0, LINES_MAX)) console.log(`    ${line}`);
}
