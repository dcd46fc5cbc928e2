import { access, constants } from 'node:fs/promises';
import { delimiter } from 'node:path';

/** The folders that a shell looks for programs in, in its order. */
export function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** Whether a file is there that we may run. */
export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
