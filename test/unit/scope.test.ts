import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimName, identify, readProcessFiles } from '../../stack/supervision/process-file.cjs';
import { endAbandonedScopes, openScope, type Scope } from '../../stack/supervision/scope';
import { startServerProcess, type ServerProcess } from '../../stack/supervision/server-process';
import { eventually } from '../setup';

const SUPERVISION = join(__dirname, '..', '..', 'dist', 'stack', 'supervision');

describe('a scope', () => {
  let local: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    local = mkdtempSync(join(tmpdir(), 'scope-test-'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(local, { recursive: true, force: true });
  });

  const startSleeper = (scope: Scope): Promise<ServerProcess> =>
    startServerProcess(scope, {
      name: 'sleeper',
      command: 'sleep',
      args: ['300'],
      signal: 'SIGTERM',
      graceMs: 1_000,
    });
  /** Runs a script that prints a number and goes on. @returns the process and the number. */
  const inProcessOfItsOwn = async (script: string) => {
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    return { child, printed: Number(line) };
  };
  /** A process that opens a scope, starts a sleeper in it, prints the sleeper's ID, and goes on. */
  const startOwner = () =>
    inProcessOfItsOwn(`
      const { openScope } = require(${JSON.stringify(join(SUPERVISION, 'scope'))});
      const { startServerProcess } = require(${JSON.stringify(join(SUPERVISION, 'server-process'))});
      const sleeper = { name: 'sleeper', command: 'sleep', args: ['300'], signal: 'SIGTERM', graceMs: 1000 };
      startServerProcess(openScope(${JSON.stringify(local)}), sleeper).then(({ pid }) => console.log(pid));
      setInterval(() => {}, 1000);`);
  const ended = (pid: number) => eventually(() => !isRunning(pid), { what: `the end of ${pid}` });

  test('lists its processes while they run, ends them, and leaves no file', async () => {
    const scope = openScope(local);
    const sleeper = await startSleeper(scope);
    expect(readProcessFiles(local)).toContainEqual(
      expect.objectContaining({ name: 'sleeper', pid: sleeper.pid, scope: scope.name }),
    );
    await scope.end();
    expect(isRunning(sleeper.pid)).toBe(false);
    expect(readProcessFiles(local)).toEqual([]);
    expect(readdirSync(local)).toEqual(['processes']);
  });

  test('ends its processes even if its folder was deleted meanwhile', async () => {
    const scope = openScope(local);
    const sleeper = await startSleeper(scope);
    rmSync(local, { recursive: true });
    await scope.end();
    expect(isRunning(sleeper.pid)).toBe(false);
    expect(existsSync(local)).toBe(false);
  });

  test('ends if its owner is killed, even if its folder was deleted meanwhile', async () => {
    const { child, printed: sleeper } = await startOwner();
    rmSync(local, { recursive: true });
    child.kill('SIGKILL');
    await ended(sleeper);
  });

  test('whose owner and watchdog were both killed is ended by the next command', async () => {
    const { child, printed: sleeper } = await startOwner();
    const [watchdog] = childrenOf(child.pid as number).filter((pid) => pid !== sleeper);
    process.kill(watchdog as number, 'SIGKILL');
    child.kill('SIGKILL');
    await ended(child.pid as number);
    expect(isRunning(sleeper)).toBe(true);
    expect(await endAbandonedScopes(local)).toEqual(['sleeper']);
    expect(isRunning(sleeper)).toBe(false);
    expect(readdirSync(local)).toEqual(['processes']);
    expect(readProcessFiles(local)).toEqual([]);
  });

  test('a name belongs to one living process at a time', async () => {
    const file = JSON.stringify(join(SUPERVISION, 'process-file.cjs'));
    const { child } = await inProcessOfItsOwn(`
      require(${file}).claimName(${JSON.stringify(local)}, 'builder');
      console.log(1);
      setInterval(() => {}, 1000);`);
    expect(claimName(local, 'builder')).toMatchObject({ holder: { pid: child.pid } });
    expect(claimName(local, 'painter')).not.toHaveProperty('holder');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(claimName(local, 'builder')).not.toHaveProperty('holder');
    expect(readProcessFiles(local).map(({ name, pid }) => [name, pid])).toEqual([
      ['builder', process.pid],
      ['painter', process.pid],
    ]);
  });
});

/** A process whose parent has died may stay as a zombie until the system takes note of it. */
function isRunning(pid: number): boolean {
  return identify(pid) !== undefined;
}

function childrenOf(parent: number): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, ppid]) => ppid === parent)
    .map(([pid]) => pid as number);
}
