import { Command, InvalidArgumentError } from 'commander';
import { CONTESTANT_NAMES, describeContestants, type ContestantName } from './contestants';

/** The long scenarios, each about one thing. */
const SCENARIO_NAMES = ['memory', 'kill', 'million', 'copies', 'backlog'] as const;

/** A long scenario's name. */
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

/** How much is measured. */
interface Extent {
  orders: number;
  /** At most so many orders for each in flight: else one order at a time takes minutes. */
  ordersPerPlace: number;
  inFlight: number[];
  rounds: number;
  only: (ContestantName | ScenarioName)[];
  /** Of the scenario `memory`. */
  waiting: number[];
  /** Of the scenario `kill`. */
  killInFlight: number;
  /** Of the scenario `million`. */
  oldOrders: number;
  /** Of the scenario `copies`. */
  copies: number;
  /** Of the scenario `backlog`. */
  backlogOrders: number;
}

/** What the command line says. */
export interface BenchOptions extends Extent {
  temporalAddress?: string;
  /** Where Node leaves its CPU profiles. */
  cpuProf?: string;
  json?: true;
}

const FULL: Extent = {
  orders: 1_000,
  ordersPerPlace: 200,
  inFlight: [1, 16, 64, 256],
  rounds: 3,
  only: [...CONTESTANT_NAMES, ...SCENARIO_NAMES],
  waiting: [1_000, 10_000],
  killInFlight: 500,
  oldOrders: 1_000_000,
  copies: 20_000,
  backlogOrders: 600,
};

const QUICK: Extent = {
  orders: 192,
  ordersPerPlace: 20,
  inFlight: [1, 64],
  rounds: 1,
  only: CONTESTANT_NAMES,
  waiting: [100, 300],
  killInFlight: 100,
  oldOrders: 100_000,
  copies: 5_000,
  backlogOrders: 100,
};

const HELP = `
Contestants, each in a process of its own, on the same servers, in turns round by round:
${describeContestants(CONTESTANT_NAMES)}

Scenarios, about this service alone:
  memory               a worker's memory with ${FULL.waiting.join(' and ')} orders that wait for people
  kill                 one of two workers gets a SIGKILL with ${FULL.killInFlight} orders in flight: time until all are final
  million              orders/s, and how long sweep takes, with ${FULL.oldOrders} old orders in the databases
  copies               what ${FULL.copies} copies of orders that are in order cost the supplement system
  backlog              the first task of orders placed while ${FULL.backlogOrders} drain that an outage left

What is timed: from the call that places an order until the caller knows its final state.
Numbers are the median of all rounds (in brackets: the least and the greatest). "all" is the CPU of
all processes: the machine's CPU time, not the clock's. The run fails unless every order was
dispatched exactly once. Servers are brought up for it and taken down: PostgreSQL without fsync,
Temporal in memory. Leave the machine alone meanwhile. Runs on Linux, since CPU is read from /proc.

Examples:
  $ npm run bench -- --quick
  $ npm run bench -- --only service,ceiling --in-flight 64 --rounds 7
  $ npm run bench -- --only kill,million --json > scenarios.json`;

/**
 * Parses the command line.
 *
 * @throws CommanderError where it is wrong, or asks for help.
 */
export function parseOptions(): BenchOptions {
  const given = new Command('npm run bench --')
    .description('Measures this service beside the ceiling of its engine, and says what it costs.')
    .option(
      '--orders <number>',
      `of each contestant in each round (default: ${FULL.orders}; at most ${FULL.ordersPerPlace} for each in flight)`,
      parseWhole,
    )
    .option(
      '--in-flight <numbers>',
      `orders under way at once (default: ${FULL.inFlight.join(',')})`,
      parseList(parseWhole),
    )
    .option('--rounds <number>', `how often it is all done (default: ${FULL.rounds})`, parseWhole)
    .option('--only <names>', 'of contestants and scenarios (default: all)', parseList(parseName))
    .option('--temporal-address <host:port>', 'a Temporal server to use; its CPU is not seen then')
    .option(
      '--cpu-prof <folder>',
      'CPU profiles of our processes, workflow threads included, for the browser; slows them down',
    )
    .option('--quick', 'the contestants only, in under two minutes: for a first impression')
    .option('--json', 'JSON on stdout in place of the tables')
    .addHelpText('after', HELP)
    .exitOverride()
    .parse()
    .opts<Partial<BenchOptions> & { quick?: true }>();
  return { ...(given.quick ? QUICK : FULL), ...given };
}

function parseList<Item>(parseItem: (typed: string) => Item): (typed: string) => Item[] {
  return (typed) => typed.split(',').map((item) => parseItem(item.trim()));
}

function parseWhole(typed: string): number {
  if (!/^[1-9]\d{0,6}$/.test(typed))
    throw new InvalidArgumentError('must be a whole number, 1 or more');
  return Number(typed);
}

function parseName(typed: string): ContestantName | ScenarioName {
  const names = [...CONTESTANT_NAMES, ...SCENARIO_NAMES];
  const name = names.find((known) => known === typed);
  if (name === undefined) throw new InvalidArgumentError(`must be of ${names.join(', ')}`);
  return name;
}
