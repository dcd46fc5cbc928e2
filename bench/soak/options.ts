import { Command, InvalidArgumentError } from 'commander';

/** What the command line of a soak says. */
export interface SoakOptions {
  minutes: number;
  /** Orders per second; half of what the service takes where nobody says. */
  rate?: number;
  /** By how much a process may grow after the first third, in MiB. */
  growthMib: number;
  json: boolean;
}

/** Where nobody says otherwise. */
const DEFAULTS = { minutes: 30, growthMib: 32 };

const HELP = `
Brings up servers and one of each process of ours, measures how many orders per
second they take, and places half as many for all of the time. Beside these, a few
customers and people of the fault suite see to it that orders meet all else, too:
rejections, silence, cancellations, decisions. No fault is done to anything.

Every few seconds it reads each process's resident memory and open file
descriptors, and the size of each table. The first third is warming up. Of the rest
it prints the slopes, by least squares, and exits with 1 where a process has grown
by more than --growth-mib, has taken to more and more descriptors, or a table grew
that has no row for each order. Runs on Linux, since it reads /proc.

Example:
  $ npm run soak -- --minutes 5 --json > soak.json`;

/**
 * Parses the command line.
 *
 * @throws CommanderError where it is wrong, or asks for help.
 */
export function parseOptions(args: readonly string[]): SoakOptions {
  return new Command('npm run soak --')
    .description('Runs the service at half load for a while, and looks whether it stays as it is.')
    .option('--minutes <minutes>', 'for so long', above0, DEFAULTS.minutes)
    .option(
      '--rate <number>',
      'orders per second (default: half of what the service takes)',
      above0,
    )
    .option('--growth-mib <MiB>', 'by how much a process may grow', above0, DEFAULTS.growthMib)
    .option('--json', 'the report as JSON on stdout', false)
    .addHelpText('after', HELP)
    .exitOverride()
    .parse(args, { from: 'user' })
    .opts<SoakOptions>();
}

function above0(typed: string): number {
  const value = Number(typed);
  if (value > 0 && value <= 10_000) return value;
  throw new InvalidArgumentError('must be a number above 0');
}
