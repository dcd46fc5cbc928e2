import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { NEWEST_NODE, findNewestNode } from '../newest-node';
import { patience } from '../patience';

jest.setTimeout(patience(60_000));

const CLONE = join(__dirname, '..', '..');

/** Beside the tests that need no server: both ways of an order, and what an adopter installs. */
const TRIED = ['test/unit/', 'service/quick-path', 'service/durable-path', 'slow/packed-package'];

const newest = findNewestNode();
if ('whyNot' in newest) {
  process.stderr.write(`Node ${NEWEST_NODE} is not tried: ${newest.whyNot}\n`);
}

('whyNot' in newest ? describe.skip : describe)(
  `on Node ${NEWEST_NODE}, warned of nothing,`,
  () => {
    const started: ChildProcess[] = [];
    let stackFolder: string;
    beforeAll(() => {
      mkdirSync(join(CLONE, '.local'), { recursive: true });
      stackFolder = mkdtempSync(join(CLONE, '.local', 'newest-node-test-'));
    });
    afterAll(async () => {
      for (const child of started) child.kill('SIGTERM');
      await rm(stackFolder, { recursive: true, force: true });
    });

    /** Runs a script of the clone by that Node, as its child processes are. */
    const run = (...args: string[]): Promise<{ exitCode: number | null; output: string }> => {
      const { folder } = newest as { folder: string };
      const child = spawn(join(folder, 'node'), args, {
        cwd: CLONE,
        env: {
          ...process.env,
          PATH: [folder, process.env['PATH']].join(delimiter),
          NODE_OPTIONS: '--throw-deprecation',
          ORDER_DISPATCH_TEST_ROOTS: 'test',
          ORDER_DISPATCH_STACK_DIRECTORY: stackFolder,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      started.push(child);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      }
      return new Promise((resolve) =>
        child.once('close', (exitCode) => resolve({ exitCode, output })),
      );
    };

    test('the demo ends as it should', async () => {
      const output: unknown = expect.stringContaining('Stopped: nothing is left running.');
      expect(await run('scripts/run.mjs', 'demo')).toEqual({ exitCode: 0, output });
    });

    test('the package and a part of the other tests pass', async () => {
      const output: unknown = expect.stringMatching(/^Test Suites: \d+ passed, \d+ total$/m);
      // One after the other: the rest of this run goes on beside them.
      expect(await run(require.resolve('jest/bin/jest'), '--runInBand', ...TRIED)).toEqual({
        exitCode: 0,
        output,
      });
    });
  },
);
