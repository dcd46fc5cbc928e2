#!/usr/bin/env node
/**
 * `node scripts/run.mjs <command> [arguments]`: makes the clone ready, then runs one of the commands
 * below in this very process, so that signals, the terminal and the exit code are the command's.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { reportFailure, setup } from './setup.mjs';

/** What each command does, and its compiled program with its first arguments. */
const COMMANDS = {
  up: ['bring up the service with everything it needs, until Ctrl-C', 'stack/up'],
  demo: ['see orders dispatched, retried, resolved by a person and repaired', 'demo/demo'],
  worker: ['start one more worker on the running stack', 'stack/one-more', 'worker'],
  'dispatch-system': [
    'start one more dispatch system on the running stack',
    'stack/one-more',
    'dispatch-system',
  ],
  supplement: [
    'start one more supplement system on the running stack',
    'stack/one-more',
    'supplement',
  ],
  api: ['start one more HTTP API on the running stack', 'stack/one-more', 'api'],
  test: ['run the tests; arguments go to Jest', 'scripts/test', 'test'],
  'test:unit': ['run the tests that need no server', 'scripts/test', 'test:unit'],
  'test:slow': ['run the tests that `npm test` leaves out', 'scripts/test', 'test:slow'],
  'test:all': ['run all tests', 'scripts/test', 'test:all'],
  'test:hostile': [
    'run the tests of a fresh clone as other machines would',
    'scripts/test-hostile',
  ],
  'test:long': ['run what takes longer: more orders, all faults, a soak', 'scripts/test-long'],
  'keep-test-stack': [
    'keep the servers of the tests running, until Ctrl-C',
    'scripts/keep-test-stack',
  ],
  check: ['run every check that a change must pass', 'scripts/check'],
  screenshots: ['photograph the desk of the running stack', 'scripts/screenshots'],
  break: ['kill one part in the middle of a hundred orders, and count', 'chaos/break'],
  chaos: ['dispatch orders under faults, and look what is left; see --help', 'chaos/main'],
  soak: ['run at half load, and look whether anything grows; see --help', 'bench/soak/main'],
  openapi: ["write the HTTP API's description, docs/openapi.json", 'scripts/openapi'],
  contracts: ['write what is said of our messages, contracts/', 'scripts/contracts'],
  bench: ['measure the service beside the ceiling of its engine; see --help', 'bench/main'],
};

const [command, ...rest] = process.argv.slice(2);

/** Whether it serves the web console. */
const isWithConsole =
  ['up', 'api'].includes(command) || (command === 'demo' && rest.includes('--keep'));

if (command === undefined || !Object.hasOwn(COMMANDS, command)) {
  console.error(command === undefined ? 'Which command?' : `There is no command "${command}".`);
  for (const [name, [what]] of Object.entries(COMMANDS)) {
    console.error(`  ${name.padEnd(17)}${what}`);
  }
  process.exitCode = 2;
} else {
  try {
    stopWithNpm();
    await setup({ withConsole: isWithConsole });
    const [, program, ...first] = COMMANDS[command];
    const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
    const main = path.join(root, 'dist', `${program}.js`);
    process.argv = [process.argv[0], main, ...first, ...rest];
    createRequire(import.meta.url)(main);
  } catch (error) {
    reportFailure(error);
  }
}

/**
 * Between npm and us there is a shell, which does not pass on the SIGTERM that npm gets, and of
 * npm's own hard death nobody tells us. Whoever runs us through npm means to stop us with it.
 */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const watch = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}

/** The parent of a process; `undefined` where there is no such process any more. */
function parentOf(pid) {
  try {
    if (process.platform === 'linux') {
      // "<pid> (<name>) <state> <parent> ...", and the name may hold anything.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    }
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return undefined;
  }
}
