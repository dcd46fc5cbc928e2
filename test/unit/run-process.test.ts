import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** Runs a process of ours whose service goes wrong once it is ready; what it does then is JavaScript. */
const goesWrong = (how: string): Promise<{ exitCode: number | null; stderr: string }> =>
  new Promise((resolve) => {
    const file = join(__dirname, '..', '..', 'dist', 'runtime', 'run-process.js');
    const script = `
      const { runProcess } = require(${JSON.stringify(file)});
      runProcess('test', () => ({ process: { logLevel: 'info', healthHost: '127.0.0.1' } }), async () => {
        const service = { ready: () => true, close: async () => {} };
        const wrong = () => Object.assign(new Error('12 Secret Street'), { code: '23514' });
        ${how}
        return service;
      });`;
    const running = execFile(process.execPath, ['-e', script], (_, _out, stderr) =>
      resolve({ exitCode: running.exitCode, stderr }),
    );
  });

describe('a process that cannot go on', () => {
  test.each([
    [
      'a service that fails',
      'service.failed = new Promise((_, no) => setTimeout(() => no(wrong()), 50));',
    ],
    ['an error that nobody catches', 'setTimeout(() => { throw wrong(); }, 50);'],
    ['a promise that nobody awaits', 'setTimeout(() => void Promise.reject(wrong()), 50);'],
  ])(
    'says of %s kind, code and place, and not the words, which may be personal',
    async (_, how) => {
      const { exitCode, stderr } = await goesWrong(how);
      expect(exitCode).toBe(1);
      expect(stderr).not.toContain('Secret');
      const lines = stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      expect(lines).toContainEqual(
        expect.objectContaining({
          level: 'fatal',
          msg: 'cannot go on: stopping',
          err: expect.objectContaining({ type: 'Error', codes: ['23514'] }) as object,
        }),
      );
    },
  );
});
