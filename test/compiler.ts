import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const MODULES = join(__dirname, '..', 'node_modules');

/** Something that the compiler does not like. */
interface Problem {
  /** Seen from the folder. */
  file: string;
  line: number;
  message: string;
}

/**
 * What the compiler says of files in a folder and of what they import, as strict as a careful reader's.
 *
 * @param options what else it is told.
 */
export async function compile(
  folder: string,
  files: readonly string[],
  options: readonly string[],
): Promise<Problem[]> {
  const tsc = join(MODULES, '@typescript', 'native', 'bin', 'tsc');
  const strict = ['--strict', '--noUncheckedIndexedAccess', '--exactOptionalPropertyTypes'];
  const types = ['--types', 'node', '--typeRoots', join(MODULES, '@types')];
  const always = [...strict, ...types, '--noEmit', '--target', 'es2023'];
  // It exits with a failure where it finds something.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [tsc, ...always, ...options, ...files],
    { cwd: folder },
  ).catch((error: unknown) => error as { stdout: string });
  return [...stdout.matchAll(/^(.+)\((\d+),\d+\): error (.+(?:\n +.+)*)/gm)].map(
    ([, file = '', line, message = '']) => ({ file, line: Number(line), message }),
  );
}
