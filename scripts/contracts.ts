/** `npm run contracts`: writes what others build on; with `--check`, compares it, and with the last release's. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageRoot } from '../runtime/package-root';
import { runCommand } from '../stack/supervision/run-command';
import { findContractChanges, readContracts } from './contract-changes';
import { contractFiles } from './contract-files';
import { findLastRelease } from './last-release';
import { MESSAGE_CONTRACTS } from './message-contracts';

const FOLDER = 'contracts';

runCommand('contracts', async () => {
  const folder = join(packageRoot(), FOLDER);
  const files = contractFiles();
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const surplus = present.filter((name) => !files.has(name));
  if (!process.argv.includes('--check')) {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    for (const name of surplus) rmSync(join(folder, name));
    console.log(`${FOLDER}/ is written`);
    return 0;
  }
  const isWritten = (name: string, text: string) =>
    present.includes(name) && readFileSync(join(folder, name), 'utf8') === text;
  const faults = [
    ...[...files]
      .filter(([name, text]) => !isWritten(name, text))
      .map(([name]) => `${FOLDER}/${name} is not what the code says`),
    ...surplus.map((name) => `${FOLDER}/${name} is of no message`),
    ...(await breaks(files)),
  ];
  for (const fault of faults) console.error(fault);
  return faults.length === 0 ? 0 : 1;
});

/** What those would stumble over who built on the last release; nothing where no release has contracts. */
async function breaks(files: ReadonlyMap<string, string>): Promise<string[]> {
  const release = await findLastRelease(FOLDER);
  if (!release) return [];
  const released = new Map([...release.files].map(([path, text]) => [basename(path), text]));
  return findContractChanges(readContracts(released), readContracts(files), MESSAGE_CONTRACTS).map(
    (change) => `since ${release.tag}: ${change}`,
  );
}
