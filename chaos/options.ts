import { Command, InvalidArgumentError, Option } from 'commander';
import { DELIBERATE_BUGS, type DeliberateBug } from '../runtime/deliberate-bug';
import { FAULT_NAMES, faultOf } from './faults';

/** What the command line of a run says. */
export interface ChaosOptions {
  seed: number;
  orders: number;
  minutes: number;
  /** Names of faults. */
  faults: readonly string[];
  /** Each request is sent once, so that nothing that is lost is asked for again. */
  patient: boolean;
  /** How long it may be until less is left, in ms, before it counts as never getting quiet. */
  quietWithinMs: number;
  /** Multiplies that, and each other limit: for a machine that is so many times slower. */
  patience: number;
  /** Each dispatch system has one of them, in turn. */
  bugs: readonly DeliberateBug[];
  json: boolean;
  workers: number;
  dispatchSystems: number;
  supplements: number;
  apis: number;
}

const HELP = `
Brings up servers of its own and several of each process, places orders, and does the faults to them meanwhile, by a plan that the
seed makes: the same seed, the same plan. Customers cancel, people decide one by
one and in bulk, and answers come late, twice, and where nobody asked. Then it
waits until it is quiet and looks from outside whether ARCHITECTURE.md's
invariants hold. Exits with 1 where one is broken, with the seed and what
happened to the orders that break it.

Faults:
${FAULT_NAMES.map((name) => `  ${name.padEnd(20)}${faultOf(name).what}`).join('\n')}

Examples:
  $ npm run chaos -- --seed 7 --orders 500 --minutes 3
  $ npm run chaos -- --faults killWorker,killBroker --json > report.json`;

/**
 * Parses the command line.
 *
 * @throws CommanderError where it is wrong, or asks for help.
 */
export function parseOptions(args: readonly string[]): ChaosOptions {
  const given = new Command('npm run chaos --')
    .description(
      'Dispatches orders under faults, and looks whether one was lost, doubled or forgotten.',
    )
    .option('--seed <number>', 'what makes the plan (default: the time)', whole(0))
    .option('--orders <number>', 'how many', whole(1), 300)
    .option('--minutes <minutes>', 'for so long', positive, 2)
    .option('--faults <names>', 'only these', namesOf, FAULT_NAMES)
    .option('--workers <number>', 'worker processes', whole(1), 2)
    .option('--dispatch-systems <number>', 'dispatch system processes', whole(1), 2)
    .option('--supplements <number>', 'supplement system processes', whole(1), 1)
    .option('--apis <number>', 'HTTP API processes', whole(0), 1)
    .option(
      '--quiet-within <seconds>',
      'how long nothing may get less until it is said not to get quiet',
      whole(1),
      180,
    )
    .option('--patience <factor>', 'multiplies all limits: for a slow machine', positive, 1)
    .option('--json', 'the report as JSON on stdout', false)
    .addOption(new Option('--patient', 'ask once only').default(false).hideHelp())
    .addOption(new Option('--bugs <names...>').choices(DELIBERATE_BUGS).default([]).hideHelp())
    .addHelpText('after', HELP)
    .exitOverride()
    .parse(args, { from: 'user' })
    .opts<Omit<ChaosOptions, 'seed' | 'quietWithinMs'> & { seed?: number; quietWithin: number }>();
  const { seed = Date.now() % 1_000_000, quietWithin, ...rest } = given;
  return { ...rest, seed, quietWithinMs: quietWithin * 1_000 * rest.patience };
}

function whole(minimum: number): (typed: string) => number {
  return (typed) => {
    if (/^\d{1,9}$/.test(typed) && Number(typed) >= minimum) return Number(typed);
    throw new InvalidArgumentError(`must be a whole number, ${minimum} or more`);
  };
}

function positive(typed: string): number {
  const value = Number(typed);
  if (value > 0 && value <= 10_000) return value;
  throw new InvalidArgumentError('must be a number above 0');
}

function namesOf(typed: string): string[] {
  const names = typed.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !FAULT_NAMES.includes(name));
  if (unknown.length === 0) return names;
  throw new InvalidArgumentError(`there is no fault ${unknown.join(', ')}; see --help`);
}
