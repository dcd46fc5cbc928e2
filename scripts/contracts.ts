/**
 * `npm run contracts`: writes what others build on. With `--check` it compares it, and with the last
 * release's; with `--released TAG` it keeps what that release published, for later comparisons.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../runtime/package-root';
import { runCommand } from '../stack/supervision/run-command';
import { findContractChanges, readContracts } from './contract-changes';
import { contractFiles } from './contract-files';
import { keepRelease, readLastRelease } from './last-release';
import { MESSAGE_CONTRACTS } from './message-contracts';

const FOLDER = 'contracts';

runCommand('contracts', async () => {
  const { check, released } = parseOptions();
  if (released !== undefined) {
    await keepRelease(released);
    console.log(`what ${released} published is kept`);
    return 0;
  }
  const folder = join(packageRoot(), FOLDER);
  const files = contractFiles();
  mkdirSync(folder, { recursive: true });
  const present = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
  const surplus = present.filter((name) => !files.has(name));
  if (!check) {
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

function parseOptions() {
  const options = { check: { type: 'boolean' }, released: { type: 'string' } } as const;
  return parseArgs({ options }).values;
}

/** What those would stumble over who built on the last release. */
async function breaks(files: ReadonlyMap<string, string>): Promise<string[]> {
  const { version, files: released } = await readLastRelease();
  return findContractChanges(readContracts(released), readContracts(files), MESSAGE_CONTRACTS).map(
    (change) => `since ${version}: ${change}`,
  );
}
